//! Files of the past: decompress(tests/golden/encoder-N/NAME.clps) = synthetic content, and compress(synthetic content) = the newest
//! of them.
//!
//! What a release has written must come back in every later one, at every level. `tests/golden/encoder-1/README.md` says how new
//! files are added.

mod golden_cases;
mod tar;

use collapsar::internals::codec::array::band::Band;
use collapsar::internals::codec::array::references::fetch;
use collapsar::internals::codec::file::archive::{Archive, Array};
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::tile::cells::encode;
use collapsar::internals::tile::runtime::Runtime;
use golden_cases::{NEWEST, cases, coded_by, first, root};
use std::fs;
use std::path::PathBuf;

/// Golden files stay in the repository for ever.
const MAX_BYTES: usize = 10 << 10;

/// Every golden file of every version: its path, and the length and blake3 of its content.
fn golden() -> Vec<(PathBuf, Vec<u8>, u64, String)> {
    let mut versions: Vec<PathBuf> = fs::read_dir(root()).unwrap().map(|e| e.unwrap().path()).collect();
    // chunks stand apart: tests/chunk.rs
    versions.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("encoder-")));
    versions.sort();
    let mut all = Vec::new();
    for version in versions {
        let list = fs::read_to_string(version.join("CONTENT.txt")).unwrap();
        for line in list.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, n, hash] = words[..] else { panic!("{}: what is '{line}'?", version.display()) };
            let path = version.join(name);
            all.push((path.clone(), fs::read(path).unwrap(), n.parse().unwrap(), hash.to_string()));
        }
    }
    all
}

#[test]
fn every_golden_file_gives_back_its_content() {
    let golden = golden();
    assert!(golden.len() >= cases().len());
    for (path, file, n, hash) in golden {
        assert!(file.len() <= MAX_BYTES, "{}: {} bytes", path.display(), file.len());
        let content = collapsar::internals::decompress(&file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!((content.len() as u64, blake3::hash(&content).to_string()), (n, hash), "{}", path.display());
    }
}

#[test]
fn every_level_gives_the_same_ints() {
    for (path, file, ..) in golden() {
        let archive = Archive::open(&file, &[]).unwrap();
        let mut before: Vec<Vec<Band>> = Vec::new();
        for array in archive.arrays() {
            let plain = bands(&archive, array, &before, Level::Plain);
            for level in Level::available() {
                assert!(bands(&archive, array, &before, level) == plain, "{}: {level:?} differs", path.display());
            }
            before.push(plain);
        }
    }
}

/// An array whose planes are one band high, decoded at a level; the arrays before it have no masks.
fn bands(archive: &Archive, array: &Array, before: &[Vec<Band>], level: Level) -> Vec<Band> {
    let (head, mut block) = (&array.head, array.first_block);
    let coder = head.tiles(head.coder.with(|model| Runtime::at(level, model.clone())));
    assert_eq!(head.grid().n_bands(), 1, "golden arrays are small");
    let mut bands: Vec<Band> = Vec::new();
    for plane in 0..head.grid().n_planes {
        let mut band = Band::empty(head.grid(), plane, 0);
        let from = &mut |number: u64, first: u64, out: &mut [i32]| {
            let ints: Vec<i32> = before[number as usize].iter().flat_map(|b| b.ints[0][0].ints.clone()).collect();
            out.copy_from_slice(&ints[first as usize..][..out.len()]);
            Ok(())
        };
        band.references = fetch(head, array.number, plane, 0, from).unwrap();
        let previous: Vec<&Band> = bands.iter().rev().take(head.n_previous_of(plane)).collect();
        for place in head.grid().band(plane, 0) {
            let refs = band.refs(&place, head, &previous);
            let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
            let code = archive.tile(array, &place, block).unwrap();
            let tile = coder.decode(&code, &place, &refs).unwrap();
            band.ints[place.limb][place.phase].paste(place.column * head.grid().tile_w, place.w, &tile.ints);
            block += 1;
        }
        bands.push(band);
    }
    bands
}

/// No case has a tile of this family: classic modes are smaller. So its payload is made again, not its file, which encoder 2 wrote.
#[test]
fn the_network_of_scales_still_makes_these_payloads() {
    let file = fs::read(root().join("encoder-2/fits-l3c-default.clps")).unwrap();
    let archive = Archive::open(&file, &[]).unwrap();
    assert!(coded_by(&archive, Some("l3c-default-1")));
    let array = first(&archive);
    let place = array.head.grid().place(0, 0, 0, 0, 0).unwrap();
    let code = archive.tile(array, &place, array.first_block).unwrap();
    for level in Level::available() {
        let band = bands(&archive, array, &[], level).remove(0);
        let coder = array.head.tiles(array.head.coder.with(|model| Runtime::at(level, model.clone())));
        let (runtime, context) = coder.cells(&place).unwrap();
        let ints = band.tile(&place, array.head.grid());
        assert!(encode(context, &runtime.plan_to_encode(place.h, place.w), &ints, &[]) == code.bytes, "{level:?}");
    }
}

#[test]
fn the_encoder_still_makes_these_bytes() {
    for case in cases() {
        let file = collapsar::internals::compress(&case.content, &case.options).unwrap();
        let archive = Archive::open(&file, &[]).unwrap();
        assert!((case.shows)(&archive), "{} does not show what it is there for", case.name);
        let golden = fs::read(root().join(NEWEST).join(format!("{}.clps", case.name))).unwrap();
        assert!(file == golden, "{}: other bytes than {NEWEST} has; its README.md says what to do", case.name);
    }
}
