//! The container as its readers meet it: whole, cut, flipped, crafted, and damaged.

use collapsar::container::{BlockInfo, Damage, Found, INDEX_KIND, Limits, MAX_BLOCK_BYTES, Reader, VERSION, Writer};
use collapsar::error::{Error, Kind, Result};
use collapsar::source::Source;
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

fn read(file: &Vec<u8>) -> Result<Vec<(u8, Vec<u8>)>> {
    let reader = Reader::open(file, &Limits::default())?;
    assert_eq!((reader.content_len(), *reader.content_blake3()), CONTENT);
    reader.blocks().iter().enumerate().map(|(i, block)| Ok((block.kind, reader.payload(i)?))).collect()
}

fn open_error(file: &Vec<u8>) -> Error {
    Reader::open(file, &Limits::default()).err().expect("the file should be refused")
}

/// Kinds in runs and alone, payloads empty, short and longer than what salvage looks at in one go.
fn sample_blocks() -> Vec<(u8, Vec<u8>)> {
    let painted = |n: usize| (0..n).map(|i| (i * i / 7) as u8).collect();
    [(1, 0), (2, 1), (2, 127), (2, 128), (255, 33), (2, 4096), (3, 9000), (3, 0), (1, 5)]
        .into_iter()
        .map(|(kind, n)| (kind, painted(n)))
        .collect()
}

fn small_blocks() -> Vec<(u8, Vec<u8>)> {
    vec![(1, b"head".to_vec()), (2, vec![]), (2, b"a tile".to_vec()), (9, vec![0; 20])]
}

fn infos(file: &Vec<u8>) -> Vec<BlockInfo> {
    Reader::open(file, &Limits::default()).unwrap().blocks().to_vec()
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

const GOLDEN: &str = "";

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
        assert_eq!(read(&file).expect_err("a flip").kind, Kind::Corrupt, "bit {bit}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    for blocks in [vec![], small_blocks(), sample_blocks(), vec![(1, write(&small_blocks()))]] {
        let file = write(&blocks);
        for n in 0..file.len() {
            assert_eq!(open_error(&file[..n].to_vec()).kind, Kind::Truncated, "{n} of {} bytes", file.len());
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let file = write(&small_blocks());
    for tail in [vec![0], vec![0; 63], vec![0; 64], file.clone(), file[file.len() - 64..].to_vec()] {
        let error = open_error(&[file.clone(), tail.clone()].concat());
        assert_eq!(error.kind, Kind::Corrupt);
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
    assert_eq!(read(&file).unwrap_err().kind, Kind::Corrupt);
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
    assert_eq!(open_error(&b"SIMPLE  =                    T".to_vec()).message, "not a .clps file");
    assert_eq!(open_error(&b"no".to_vec()).message, "not a .clps file");
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
    assert_eq!(error.kind, Kind::Unsupported);
    for part in ["version 8", "version 4", "up to 1", "newer collapsar"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert_eq!(Reader::salvage(&too_new, &Limits::default()).err().unwrap().kind, Kind::Unsupported);
    for (version, min_reader) in [(1, 0), (0, 0), (1, 2)] {
        assert_eq!(open_error(&with_versions(version, min_reader)).kind, Kind::Corrupt);
    }
}

#[test]
fn limits_are_kept() {
    let file = write(&small_blocks());
    let kind = |limits: &Limits| Reader::open(&file, limits).err().map(|e| e.kind);
    assert_eq!(kind(&Limits { max_blocks: 4, max_block_bytes: 20 }), None);
    assert_eq!(kind(&Limits { max_blocks: 3, max_block_bytes: 20 }), Some(Kind::Limit));
    assert_eq!(kind(&Limits { max_blocks: 4, max_block_bytes: 19 }), Some(Kind::Limit));

    let mut writer = Writer::new(std::io::sink()).unwrap();
    assert_eq!(writer.block(INDEX_KIND, &[]).unwrap_err().kind, Kind::Argument);
    let longest = vec![0; MAX_BLOCK_BYTES as usize + 1];
    assert_eq!(writer.block(1, &longest).unwrap_err().kind, Kind::Limit);
    assert_eq!(writer.block(1, &longest[1..]), Ok(()));
}

/// A file of zeros with given bytes at both ends, which fails the test if more than `patience` bytes are asked for at once.
struct Hollow {
    first: Vec<u8>,
    last: Vec<u8>,
    len: u64,
    patience: usize,
}

impl Source for Hollow {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        assert!(out.len() <= self.patience, "{} bytes were asked for at {offset}", out.len());
        for (at, byte) in (offset..).zip(out.iter_mut()) {
            let from_end = |at: u64| Some(self.last.len() - usize::try_from(self.len - at).ok()?.min(self.last.len()));
            *byte = match usize::try_from(at).ok().and_then(|at| self.first.get(at)) {
                Some(&first) => first,
                None if self.len - at > self.last.len() as u64 => 0,
                None => from_end(at).and_then(|i| self.last.get(i)).copied().unwrap_or(0),
            };
        }
        Ok(())
    }

    fn bytes(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        assert!(len <= self.patience, "{len} bytes were to be allocated for offset {offset}");
        let mut out = vec![0; len];
        self.read_at(offset, &mut out)?;
        Ok(out)
    }
}

/// A hollow file whose index really has a valid head at `index_offset` and claims `index_len` bytes.
fn hollow(index_offset: u64, index_len: u32, n_blocks: u64) -> Hollow {
    let file = write(&[]);
    let mut head = vec![INDEX_KIND];
    head.extend(index_len.to_le_bytes());
    head.extend(crc32c(&[&index_offset.to_le_bytes()[..], &head].concat()).to_le_bytes());
    let trailer = with_trailer(&file, |t| {
        t[..8].copy_from_slice(&index_offset.to_le_bytes());
        t[8..16].copy_from_slice(&n_blocks.to_le_bytes());
    });
    let mut last = head;
    last.resize(last.len() + index_len as usize + 4, 0);
    last.extend(&trailer[trailer.len() - 64..]);
    Hollow { first: file[..16].to_vec(), len: index_offset + last.len() as u64, last, patience: 1000 }
}

#[test]
fn absurd_lengths_are_refused_before_allocation() {
    for (index_offset, index_len, n_blocks, kind) in [
        (1 << 60, 1, u64::MAX, Kind::Limit),
        (1 << 60, 50 << 20, 1 << 40, Kind::Limit),
        (1 << 60, 50 << 20, 1 << 20, Kind::Corrupt),
        (1 << 60, 50 << 20, 0, Kind::Corrupt),
        (1 << 60, 12, 2, Kind::Corrupt),
        (16, 1, 1, Kind::Corrupt),
    ] {
        let error = Reader::open(&hollow(index_offset, index_len, n_blocks), &Limits::default()).err().unwrap();
        assert_eq!(error.kind, kind, "{index_offset} {index_len} {n_blocks}: {error}");
    }
}

#[test]
fn a_trailer_that_does_not_fit_the_file_is_refused() {
    let file = write(&small_blocks());
    let index_offset = u64::from_le_bytes(file[file.len() - 64..][..8].try_into().unwrap());
    for wrong in [0, 15, 16, index_offset - 1, index_offset + 1, file.len() as u64, 1 << 63, u64::MAX] {
        let file = with_trailer(&file, |t| t[..8].copy_from_slice(&wrong.to_le_bytes()));
        assert_eq!(open_error(&file).kind, Kind::Corrupt, "index at {wrong}");
    }
    for wrong in [0, 1, 3, 5, 100, 1 << 20] {
        let file = with_trailer(&file, |t| t[8..16].copy_from_slice(&u64::to_le_bytes(wrong)));
        assert_eq!(open_error(&file).kind, Kind::Corrupt, "{wrong} blocks");
    }
}

/// Index and payload lengths that lie, with sums that hold.
#[test]
fn an_index_that_lies_is_refused() {
    let crafted = |index: &[u8], n_blocks: u64| {
        let mut file = write(&[(1, vec![5; 10])]);
        file.truncate(16 + 13 + 10);
        let offset = file.len() as u64;
        let mut head = vec![INDEX_KIND];
        head.extend((index.len() as u32).to_le_bytes());
        let sealed = [&offset.to_le_bytes()[..], &head].concat();
        file.extend(&head);
        file.extend(crc32c(&sealed).to_le_bytes());
        file.extend(index);
        file.extend(crc32c(&[&sealed[..], index].concat()).to_le_bytes());
        file.extend([0; 60]);
        file.extend(b"SLC\x8f");
        let blake3 = CONTENT.1;
        with_trailer(&file, |t| {
            t[..8].copy_from_slice(&offset.to_le_bytes());
            t[8..16].copy_from_slice(&n_blocks.to_le_bytes());
            t[16..24].copy_from_slice(&CONTENT.0.to_le_bytes());
            t[24..56].copy_from_slice(&blake3);
        })
    };
    assert_eq!(read(&crafted(&[1, 1, 10], 1)), Ok(vec![(1, vec![5; 10])]));
    let wrong: [(&str, &[u8], u64); 13] = [
        ("a hole at the end", &[1, 1, 9], 1),
        ("an overlap with the index", &[1, 1, 11], 1),
        ("the wrong kind", &[2, 1, 10], 1),
        ("the index's kind", &[0, 1, 10], 1),
        ("an empty run", &[1, 0], 0),
        ("more than it lists", &[1, 2, 10], 2),
        ("a count without end", &[1, 0xff], 1),
        ("a huge count", &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 2),
        ("a long varint", &[1, 1, 0x8a, 0], 1),
        ("a block beyond 64 MiB", &[1, 1, 0x81, 0x80, 0x80, 0x20], 1),
        ("a length beyond 32 bits", &[1, 1, 0x8a, 0x80, 0x80, 0x80, 0x10], 2),
        ("one run in two", &[1, 1, 0, 1, 1, 0], 2),
        ("fewer than the trailer", &[1, 1, 10], 2),
    ];
    for (what, index, n_blocks) in wrong {
        assert_eq!(read(&crafted(index, n_blocks)).unwrap_err().kind, Kind::Corrupt, "{what}");
    }
}

fn survivors(file: &Vec<u8>) -> (Vec<Found>, Vec<Damage>, Vec<Vec<u8>>) {
    let salvage = Reader::salvage(file, &Limits::default()).unwrap();
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
                assert!(damaged.iter().any(|d| d.range == (info.offset..info.end())), "{case}: {damaged:?}");
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
    assert_eq!(salvage.damaged, [Damage { number: None, range: last.end()..good.len() as u64 - 64 }]);

    let mut no_trailer = good.clone();
    *no_trailer.last_mut().unwrap() ^= 1;
    let salvage = Reader::salvage(&no_trailer, &Limits::default()).unwrap();
    assert_eq!((salvage.n_blocks, salvage.content), (Some(9), None));
    assert_eq!(salvage.damaged, [Damage { number: None, range: good.len() as u64 - 64..good.len() as u64 }]);

    let longer = [&good[..], b"junk"].concat();
    let salvage = Reader::salvage(&longer, &Limits::default()).unwrap();
    assert_eq!((salvage.n_blocks, salvage.content, salvage.blocks.len()), (Some(9), Some(CONTENT), 9));
    assert_eq!(salvage.damaged, [Damage { number: None, range: good.len() as u64..longer.len() as u64 }]);
}

#[test]
fn salvage_does_not_take_the_blocks_of_a_stored_inner_file_for_ours() {
    let mut file = write(&[(1, write(&sample_blocks())), (2, b"ours".to_vec())]);
    file[16..25].fill(0);
    let (found, _, payloads) = survivors(&file);
    assert_eq!(payloads, [b"ours"]);
    assert_eq!(found[0].number, Some(1));
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
        let (found, damaged, _) = survivors(&good[..n].to_vec());
        let whole = infos.iter().filter(|b| b.end() <= n as u64).count();
        assert_eq!(found.len(), whole, "{n} bytes");
        assert!(damaged.len() <= 1, "{n} bytes: {damaged:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

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
