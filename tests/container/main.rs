//! The container as its readers meet it: whole, cut and flipped here, crafted and damaged in the files beside.

mod crafted;
mod salvage;

use collapsar::internals::container::{BlockInfo, INDEX_KIND, Limits, MAX_BLOCK_BYTES, Reader, VERSION, Writer};
use collapsar::internals::error::{Error, ErrorKind, Result};
use crc32c::crc32c;
use proptest::prelude::*;

const CONTENT: (u64, [u8; 32]) = (0x0102_0304, [0xab; 32]);

fn write(blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    for (kind, payload) in blocks {
        writer.block(*kind, payload).unwrap();
    }
    let (file, n_bytes) = writer.finish(CONTENT.0, CONTENT.1).unwrap();
    assert_eq!(file.len() as u64, n_bytes);
    file
}

fn read(file: &[u8]) -> Result<Vec<(u8, Vec<u8>)>> {
    let file = file.to_vec();
    let reader = Reader::open(&file, &Limits::default())?;
    assert_eq!((reader.content_len(), *reader.content_blake3()), CONTENT);
    reader.blocks().iter().enumerate().map(|(i, block)| Ok((block.kind, reader.payload(i)?))).collect()
}

fn open_error(file: &[u8]) -> Error {
    Reader::open(&file.to_vec(), &Limits::default()).err().expect("the file should be refused")
}

/// Kinds in runs and alone, payloads empty, short and longer than what salvage looks at in one go.
fn sample_blocks() -> Vec<(u8, Vec<u8>)> {
    let payload = |n: usize| (0..n).map(|i| (i * i / 7) as u8).collect();
    [(1, 0), (2, 1), (2, 127), (2, 128), (255, 33), (2, 4096), (3, 9000), (3, 0), (1, 5)]
        .into_iter()
        .map(|(kind, n)| (kind, payload(n)))
        .collect()
}

fn small_blocks() -> Vec<(u8, Vec<u8>)> {
    vec![(1, b"head".to_vec()), (2, vec![]), (2, b"a tile".to_vec()), (9, vec![0; 20])]
}

fn infos(file: &[u8]) -> Vec<BlockInfo> {
    Reader::open(&file.to_vec(), &Limits::default()).unwrap().blocks().to_vec()
}

fn seal(record: &mut [u8], crc_at: usize) {
    let crc = crc32c(&record[..crc_at]);
    record[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
}

fn with_trailer(file: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = file.len() - 64;
    change(&mut file[at..]);
    seal(&mut file[at..], 56);
    file
}

#[test]
fn the_layout_is_pinned() {
    let file = write(&[(7, b"AB".to_vec()), (7, vec![]), (9, b"C".to_vec())]);
    let expected = GOLDEN.split_whitespace().collect::<String>();
    assert_eq!(file.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
}

/// Prologue, three blocks, index, trailer.
const GOLDEN: &str = "
    8f434c50530d0a1a 0100 0100 268c4e40
    07 02000000 62955da8 4142 541114bd
    07 00000000 01aa7906 01aa7906
    09 01000000 aa0573da 43 825325c9
    00 07000000 f8ffbb42 07020200 090101 91775ec3
    3a00000000000000 0300000000000000 0403020100000000
    abababababababababababababababababababababababababababababababab 79980075 534c438f";

#[test]
fn blocks_come_back() {
    for blocks in [vec![], vec![(1, vec![])], vec![(255, vec![0; 70_000])], small_blocks(), sample_blocks()] {
        assert_eq!(read(&write(&blocks)), Ok(blocks));
    }
    assert_eq!(write(&[]).len(), 93);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = write(&small_blocks());
    for bit in 0..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read(&file).expect_err("a flip").kind, ErrorKind::Corrupt, "bit {bit}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    for blocks in [vec![], small_blocks(), sample_blocks(), vec![(1, write(&small_blocks()))]] {
        let file = write(&blocks);
        for n in 0..file.len() {
            assert_eq!(open_error(&file[..n]).kind, ErrorKind::Truncated, "{n} of {} bytes", file.len());
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let file = write(&small_blocks());
    for tail in [vec![0], vec![0; 63], vec![0; 64], file.clone(), file[file.len() - 64..].to_vec()] {
        let error = open_error(&[file.clone(), tail.clone()].concat());
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert_eq!(error.message, format!("{} bytes follow the end of the file", tail.len()));
    }
}

#[test]
fn swapped_blocks_are_noticed() {
    let good = write(&[(1, b"east".to_vec()), (1, b"west".to_vec())]);
    let [a, b] = infos(&good)[..] else { panic!("two blocks") };
    let (a, b) = (a.offset as usize..a.end() as usize, b.offset as usize..b.end() as usize);
    let mut file = good.clone();
    file[a.clone()].copy_from_slice(&good[b.clone()]);
    file[b].copy_from_slice(&good[a]);
    assert_eq!(read(&file).unwrap_err().kind, ErrorKind::Corrupt);
}

#[test]
fn a_damaged_block_is_named() {
    let mut file = write(&small_blocks());
    let block = infos(&file)[2];
    file[block.offset as usize + 9] ^= 0x40;
    let error = read(&file).unwrap_err();
    assert_eq!(error.place, format!("block 2 at offset {}", block.offset));
}

#[test]
fn what_is_not_ours_is_told_from_what_was_copied_as_text() {
    assert_eq!(open_error(b"SIMPLE  =                    T").message, "not a .clps file");
    assert_eq!(open_error(b"no").message, "not a .clps file");
    let file = write(&small_blocks());
    let as_text: Vec<u8> = file.iter().copied().filter(|&byte| byte != b'\r').collect();
    assert!(open_error(&as_text).message.contains("text mode"));
}

#[test]
fn a_version_to_come_is_read_if_it_says_so_and_refused_otherwise() {
    let with_versions = |version: u16, min_reader: u16| {
        let mut file = write(&small_blocks());
        file[8..10].copy_from_slice(&version.to_le_bytes());
        file[10..12].copy_from_slice(&min_reader.to_le_bytes());
        seal(&mut file[..16], 12);
        file
    };
    let newer = with_versions(VERSION + 1, VERSION);
    assert_eq!(Reader::open(&newer, &Limits::default()).unwrap().version(), VERSION + 1);
    let too_new = with_versions(VERSION + 7, VERSION + 3);
    let error = open_error(&too_new);
    assert_eq!(error.kind, ErrorKind::Unsupported);
    for part in ["version 8", "version 4", "up to 1", "newer collapsar"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert_eq!(Reader::salvage(&too_new, &Limits::default()).err().unwrap().kind, ErrorKind::Unsupported);
    for (version, min_reader) in [(1, 0), (0, 0), (1, 2)] {
        assert_eq!(open_error(&with_versions(version, min_reader)).kind, ErrorKind::Corrupt);
    }
}

#[test]
fn limits_are_kept() {
    let file = write(&small_blocks());
    let kind = |limits: &Limits| Reader::open(&file, limits).err().map(|e| e.kind);
    assert_eq!(kind(&Limits { max_blocks: 4, max_block_bytes: 20 }), None);
    assert_eq!(kind(&Limits { max_blocks: 3, max_block_bytes: 20 }), Some(ErrorKind::Limit));
    assert_eq!(kind(&Limits { max_blocks: 4, max_block_bytes: 19 }), Some(ErrorKind::Limit));

    let mut writer = Writer::new(std::io::sink()).unwrap();
    assert_eq!(writer.block(INDEX_KIND, &[]).unwrap_err().kind, ErrorKind::Argument);
    let longest = vec![0; MAX_BLOCK_BYTES as usize + 1];
    assert_eq!(writer.block(1, &longest).unwrap_err().kind, ErrorKind::Limit);
    assert_eq!(writer.block(1, &longest[1..]), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn random_bytes_are_refused_without_panic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Reader::open(&tail, &Limits::default()).is_err());
        let ours = [&write(&[])[..16], &tail].concat();
        prop_assert!(Reader::open(&ours, &Limits::default()).is_err());
        prop_assert!(Reader::salvage(&ours, &Limits::default()).is_ok());
    }

    #[test]
    fn damage_anywhere_is_noticed_and_what_salvage_finds_is_true(
        at in 0usize..14_000, damage in proptest::collection::vec(any::<u8>(), 1..3000), insert in any::<bool>()
    ) {
        let blocks = sample_blocks();
        let good = write(&blocks);
        let mut file = good.clone();
        let at = at.min(good.len());
        let end = if insert { at } else { (at + damage.len()).min(good.len()) };
        file.splice(at..end, damage);
        prop_assert_eq!(read(&file).is_ok(), file == good);
        if let Ok(salvage) = Reader::salvage(&file, &Limits::default()) {
            let truth = infos(&good);
            for (i, found) in salvage.blocks.iter().enumerate() {
                let number = truth.iter().position(|b| *b == found.info).expect("a block that was there");
                prop_assert!(found.number.is_none_or(|n| n == number as u64));
                prop_assert_eq!(&salvage.payload(i).unwrap(), &blocks[number].1);
            }
        }
    }
}
