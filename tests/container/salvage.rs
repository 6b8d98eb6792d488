//! What is left of a damaged file, and what is known about it.

use super::{CONTENT, infos, sample_blocks, write};
use collapsar::internals::container::{BlockInfo, Damage, Found, Limits, Reader};
use collapsar::internals::error::{Error, ErrorKind, Result};
use collapsar::internals::source::Source;

fn survivors(file: &[u8]) -> (Vec<Found>, Vec<Damage>, Vec<Vec<u8>>) {
    let file = file.to_vec();
    let salvage = Reader::salvage(&file, &Limits::default()).unwrap();
    let payloads = (0..salvage.blocks.len()).map(|i| salvage.payload(i).unwrap()).collect();
    (salvage.blocks, salvage.damaged, payloads)
}

#[test]
fn salvage_of_a_whole_file_gives_all() {
    for blocks in [vec![], sample_blocks()] {
        let file = write(&blocks);
        let (found, damaged, payloads) = survivors(&file);
        assert_eq!(damaged, []);
        let numbered = (0..).zip(infos(&file)).map(|(number, info)| Found { number: Some(number), info });
        assert_eq!(found, numbered.collect::<Vec<_>>());
        assert_eq!(payloads, blocks.into_iter().map(|b| b.1).collect::<Vec<_>>());
        let salvage = Reader::salvage(&file, &Limits::default()).unwrap();
        assert_eq!((salvage.n_blocks, salvage.content), (Some(found.len() as u64), Some(CONTENT)));
    }
}

/// What is overwritten beside block k.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Also {
    Nothing,
    Prologue,
    Index,
    Trailer,
    IndexAndTrailer,
    CutBeforeTheIndex,
}

#[test]
fn one_damaged_block_loses_one_block() {
    let blocks = sample_blocks();
    let good = write(&blocks);
    let infos = infos(&good);
    let index_offset = infos[infos.len() - 1].end() as usize;
    let trailer_offset = good.len() - 64;
    let all =
        [Also::Nothing, Also::Prologue, Also::Index, Also::Trailer, Also::IndexAndTrailer, Also::CutBeforeTheIndex];
    for also in all {
        for (k, info) in infos.iter().enumerate() {
            let (start, end) = (info.offset as usize, info.end() as usize);
            for (what, hit) in [("head", start..start + 9), ("tail", end - 4..end), ("all", start..end)] {
                let mut file = good.clone();
                file[hit].fill(0x5a);
                match also {
                    Also::Nothing => {}
                    Also::Prologue => file[..16].fill(0),
                    Also::Index => file[index_offset..trailer_offset].fill(0),
                    Also::Trailer => file[trailer_offset..].fill(0),
                    Also::IndexAndTrailer => file[index_offset..].fill(0),
                    Also::CutBeforeTheIndex => file.truncate(index_offset),
                }
                let (found, damaged, payloads) = survivors(&file);
                let case = format!("{what} of block {k}, and {also:?}");
                let others = || (0..infos.len()).filter(|&i| i != k);
                assert_eq!(
                    found.iter().map(|f| f.info).collect::<Vec<_>>(),
                    others().map(|i| infos[i]).collect::<Vec<_>>(),
                    "{case}"
                );
                assert_eq!(payloads, others().map(|i| blocks[i].1.clone()).collect::<Vec<_>>(), "{case}");
                assert!(
                    damaged.iter().any(|d| d.range.start <= info.offset && info.end() <= d.range.end),
                    "{case}: {damaged:?}"
                );
                let index_known = matches!(also, Also::Nothing | Also::Prologue | Also::Trailer);
                for (i, f) in others().zip(&found) {
                    let known = index_known || what == "tail" || i < k;
                    assert_eq!(f.number, known.then_some(i as u64), "{case}");
                }
            }
        }
    }
}

#[test]
fn salvage_says_what_the_end_still_knows() {
    let good = write(&sample_blocks());
    let last = *infos(&good).last().unwrap();
    let mut no_index = good.clone();
    no_index[last.end() as usize] ^= 1;
    let salvage = Reader::salvage(&no_index, &Limits::default()).unwrap();
    assert_eq!((salvage.n_blocks, salvage.content), (Some(9), Some(CONTENT)));
    assert_eq!(salvage.damaged, [Damage { number: None, kind: None, range: last.end()..good.len() as u64 - 64 }]);

    let mut no_trailer = good.clone();
    *no_trailer.last_mut().unwrap() ^= 1;
    let salvage = Reader::salvage(&no_trailer, &Limits::default()).unwrap();
    assert_eq!((salvage.n_blocks, salvage.content), (Some(9), None));
    assert_eq!(
        salvage.damaged,
        [Damage { number: None, kind: None, range: good.len() as u64 - 64..good.len() as u64 }]
    );

    let longer = [&good[..], b"junk"].concat();
    let salvage = Reader::salvage(&longer, &Limits::default()).unwrap();
    assert_eq!((salvage.n_blocks, salvage.content, salvage.blocks.len()), (Some(9), Some(CONTENT), 9));
    assert_eq!(salvage.damaged, [Damage { number: None, kind: None, range: good.len() as u64..longer.len() as u64 }]);
}

#[test]
fn salvage_does_not_take_the_blocks_of_a_stored_inner_file_for_ours() {
    let mut file = write(&[(1, write(&sample_blocks())), (2, b"ours".to_vec())]);
    file[16..25].fill(0);
    let (found, _, payloads) = survivors(&file);
    assert_eq!((payloads, found[0].number), (vec![b"ours".to_vec()], Some(1)));
    file.truncate(file.len() - 1);
    file[found[0].info.end() as usize] ^= 1;
    let (found, _, payloads) = survivors(&file);
    assert_eq!((payloads, found[0].number), (vec![b"ours".to_vec()], None));
}

#[test]
fn salvage_of_what_is_not_ours_is_refused() {
    for file in [vec![], b"SIMPLE  =".to_vec(), vec![0; 100_000]] {
        assert_ne!(Reader::salvage(&file, &Limits::default()).err().map(|e| e.kind), None);
    }
}

#[test]
fn salvage_of_a_cut_file_gives_what_came_before_the_cut() {
    let good = write(&sample_blocks());
    let infos = infos(&good);
    for n in 16..good.len() {
        let (found, damaged, _) = survivors(&good[..n]);
        let whole = infos.iter().filter(|b| b.end() <= n as u64).count();
        assert_eq!(found.len(), whole, "{n} bytes");
        assert!(damaged.len() <= 1, "{n} bytes: {damaged:?}");
    }
}

/// A disk that gives back an error for some of its bytes.
struct BadSectors(Vec<u8>, std::ops::Range<u64>);

impl Source for BadSectors {
    fn len(&self) -> u64 {
        Source::len(&self.0)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        if offset < self.1.end && self.1.start < offset + out.len() as u64 {
            return Err(Error::new(ErrorKind::Io, "input/output error"));
        }
        self.0.read_at(offset, out)
    }
}

#[test]
fn salvage_reads_around_what_the_disk_cannot_read() {
    let file = write(&(0..40).map(|i| (1, vec![i; 1000])).collect::<Vec<_>>());
    let cut = file.len() - 30;
    for (file, known) in [(file.clone(), true), (file[..cut].to_vec(), false)] {
        let disk = BadSectors(file, 8192..12288);
        let salvage = Reader::salvage(&disk, &Limits::default()).unwrap();
        let lost = |info: BlockInfo| info.offset < 12288 && info.end() > 8192;
        assert!(salvage.blocks.iter().all(|found| !lost(found.info)));
        let lost: Vec<u8> = (0..40).filter(|i| lost(salvage_block(*i))).collect();
        let read: Vec<u8> = (0..salvage.blocks.len()).map(|i| salvage.payload(i).unwrap()[0]).collect();
        let kept: Vec<u8> = (0..40).filter(|i| !lost.contains(i)).collect();
        // Without an index the search for the next head goes on a stride at a time, and may miss what begins in the same one.
        assert!(if known { read == kept } else { kept.len() - read.len() <= 4 }, "{read:?}");
    }
}

fn salvage_block(i: u8) -> BlockInfo {
    BlockInfo { kind: 1, offset: 16 + u64::from(i) * 1013, len: 1000 }
}
