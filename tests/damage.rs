//! Damage is noticed, named, and costs no more than what it hit.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::error::ErrorKind;
use collapsar::internals::model::Family;
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::tile::code::Mode;
use collapsar::internals::{Archive, Choice, Options, compress, decompress, salvage};
use std::collections::BTreeMap;

/// h × w samples of u16 and the file of them, with the model in it.
fn file(model: Choice, h: usize, w: usize) -> (Vec<u8>, Vec<u8>) {
    let bytes: Vec<u8> = synthetic::tile(h, w, 65535).iter().flat_map(|&v| (v as u16).to_be_bytes()).collect();
    let raw = Some(ArrayType { dtype: Dtype::U16, big_endian: true, shape: vec![h as u64, w as u64] });
    let packed = compress(&bytes, &Options { model, raw, embed: true, ..Options::default() }).unwrap();
    (bytes, packed)
}

/// A file of about 4 KB, one tile of which a network coded.
fn small() -> (Vec<u8>, Vec<u8>) {
    let (bytes, packed) = file(Choice::These(vec![synthetic::loaded(Family::Pixelcnn)]), 20, 21);
    let archive = Archive::open(&packed, &[]).unwrap();
    let array = archive.arrays().next().unwrap();
    let place = array.head.grid().place(0, 0, 0, 0, 0).unwrap();
    assert_eq!(archive.tile(array, &place, array.first_block).unwrap().mode, Mode::Network);
    assert!((3000..6000).contains(&packed.len()), "{} bytes", packed.len());
    drop(archive);
    (bytes, packed)
}

/// What came of damage, by kind; a file that gives other bytes without an error ends the test.
#[derive(Default, Debug)]
struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn count(&mut self, damaged: &[u8], bytes: &[u8], what: &str) {
        let outcome = match decompress(damaged) {
            Ok(same) => {
                assert!(same == bytes, "{what}: silently wrong");
                "the same".to_string()
            }
            Err(error) => format!("{:?}", error.kind),
        };
        *self.0.entry(outcome).or_default() += 1;
    }
}

/// What salvage gives is as long as the content, and it says so where that is not the content; or it says why it gives nothing.
fn left(damaged: &[u8], bytes: &[u8], what: &str) {
    let mut out = Vec::new();
    match salvage(&damaged.to_vec(), &mut out, &[], &|_| Ok(())) {
        Ok(report) => {
            assert_eq!(out.len(), bytes.len(), "{what}");
            // a cut may cost no more than the index
            assert!(out == bytes || report.n_lost > 0, "{what}: silently wrong");
        }
        Err(error) => {
            let of_the_file = matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Truncated | ErrorKind::Model);
            assert!(of_the_file, "{what}: {error}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_file_with_a_network_tile_is_noticed() {
    let (bytes, packed) = small();
    let mut counts = Counts::default();
    for bit in 0..packed.len() * 8 {
        let mut damaged = packed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        counts.count(&damaged, &bytes, &format!("bit {bit}"));
    }
    println!("{} flips of {} bytes: {:?}", packed.len() * 8, packed.len(), counts.0);
    assert_eq!(counts.0.keys().collect::<Vec<_>>(), ["Corrupt"]);
}

#[test]
fn every_cut_of_a_file_with_a_network_tile_is_a_truncation() {
    let (bytes, packed) = small();
    for n in 0..packed.len() {
        assert_eq!(decompress(&packed[..n]).unwrap_err().kind, ErrorKind::Truncated, "cut at {n}");
        left(&packed[..n], &bytes, &format!("cut at {n}"));
    }
}

/// Half a minute: cargo test --release --test damage -- --ignored --nocapture
#[test]
#[ignore = "takes half a minute"]
fn two_thousand_flips_of_a_large_file_are_noticed() {
    let (bytes, packed) = file(Choice::Classic, 1100, 1100);
    assert!(packed.len() > 700_000, "{} bytes", packed.len());
    let (mut random, mut counts) = (Lcg(20), Counts::default());
    for _ in 0..2000 {
        let bit = random.below(packed.len() as u32 * 8) as usize;
        let mut damaged = packed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        counts.count(&damaged, &bytes, &format!("bit {bit}"));
    }
    println!("2000 flips of {} bytes: {:?}", packed.len(), counts.0);
    assert_eq!(counts.0.keys().collect::<Vec<_>>(), ["Corrupt"]);
}

/// A cut, an inserted stretch, zeros, repeated and swapped blocks: what disks and copies really do.
#[test]
fn damage_of_many_bytes_is_noticed_and_salvaged_without_a_panic() {
    let (bytes, packed) = small();
    let (mut random, mut counts) = (Lcg(4), Counts::default());
    for round in 0..600 {
        let mut damaged = packed.clone();
        let at = random.below(damaged.len() as u32) as usize;
        let end = (at + 1 + random.below(300) as usize).min(damaged.len());
        match round % 5 {
            0 => damaged[at..end].fill(0),
            1 => _ = damaged.drain(at..end),
            2 => _ = damaged.splice(at..at, (0..end - at).map(|_| random.below(256) as u8)),
            3 => damaged.copy_within(at..end, (at / 2).min(packed.len() - (end - at))),
            _ => damaged.extend_from_within(at..end),
        }
        counts.count(&damaged, &bytes, &format!("round {round}"));
        left(&damaged, &bytes, &format!("round {round}"));
    }
    println!("600 stretches: {:?}", counts.0);
}

#[test]
fn a_destroyed_tile_costs_one_tile() {
    for choice in [Choice::Classic, Choice::These(vec![synthetic::loaded(Family::Lattice)])] {
        let (h, w) = (520, 530);
        let (bytes, packed) = file(choice, h, w);
        let archive = Archive::open(&packed, &[]).unwrap();
        let array = archive.arrays().next().unwrap();
        let grid = array.head.grid();
        let n_tiles = grid.n_tiles() as usize;
        assert_eq!(n_tiles, 9);
        for nth in 0..n_tiles {
            let block = archive.reader.blocks()[array.first_block + nth];
            let mut damaged = packed.clone();
            damaged[block.offset as usize..block.end() as usize].fill(0xa5);
            let mut left = Vec::new();
            let report = salvage(&damaged, &mut left, &[], &|_| Ok(())).unwrap();
            assert_eq!((report.n_tiles, report.n_tiles_lost), (n_tiles as u64, 1), "{report:?}");
            assert_eq!(left.len(), bytes.len());
            for (i, (left, whole)) in left.chunks_exact(2).zip(bytes.chunks_exact(2)).enumerate() {
                let tile = i / w / grid.tile_h * grid.n_columns() + i % w / grid.tile_w;
                assert!(tile == nth || left == whole, "sample {i} with tile {nth} lost");
            }
        }
    }
}

/// A tile that is predicted from a lost one is lost as well, up to the next plane that is predicted from none; no other is.
#[test]
fn a_destroyed_plane_costs_the_planes_that_look_at_it_and_nothing_else() {
    let (n, h, w) = (40, 66, 65); // too large to be laid side by side
    let mut random = Lcg(3);
    let fixed: Vec<u32> = (0..h * w).map(|_| random.below(500)).collect();
    let bytes: Vec<u8> = (0..n * h * w)
        .flat_map(|i| ((1000 + i / (h * w)) as u16 + fixed[i % (h * w)] as u16 + random.below(4) as u16).to_be_bytes())
        .collect();
    let raw = Some(ArrayType { dtype: Dtype::U16, big_endian: true, shape: vec![n as u64, h as u64, w as u64] });
    let models = Choice::These(vec![synthetic::loaded(Family::Pixelcnn)]);
    let packed = compress(&bytes, &Options { model: models, raw, embed: true, ..Options::default() }).unwrap();
    let archive = Archive::open(&packed, &[]).unwrap();
    let array = archive.arrays().next().unwrap();
    let head = &array.head;
    assert!(head.n_previous > 0, "planes are predicted from none before them");
    let grid = head.grid();
    let has_references: Vec<bool> = (0..n)
        .map(|plane| {
            let place = grid.place(plane, 0, 0, 0, 0).unwrap();
            archive.tile(array, &place, array.first_block + plane).unwrap().mode == Mode::Network
        })
        .collect();
    for destroyed in [0, 5, 31, 32, 39] {
        let block = archive.reader.blocks()[array.first_block + destroyed];
        let mut damaged = packed.clone();
        damaged[block.offset as usize + 15] ^= 0x40;
        let mut left = Vec::new();
        let report = salvage(&damaged, &mut left, &[], &|_| Ok(())).unwrap();
        let mut lost = vec![false; n];
        for plane in destroyed..n {
            lost[plane] = plane == destroyed
                || has_references[plane] && (1..=head.n_previous_of(plane)).any(|back| lost[plane - back]);
        }
        assert_eq!(report.n_tiles_lost as usize, lost.iter().filter(|l| **l).count(), "{:?}", report.lost);
        for plane in (0..n).filter(|&p| !lost[p]) {
            let range = 2 * plane * h * w..2 * (plane + 1) * h * w;
            assert!(left[range.clone()] == bytes[range], "plane {plane} with plane {destroyed} lost");
        }
    }
}
