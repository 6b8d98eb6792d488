//! Files whose sums hold and whose numbers lie.

use super::{CONTENT, open_error, read, small_blocks, with_trailer, write};
use collapsar::internals::container::{INDEX_KIND, Limits, Reader};
use collapsar::internals::error::{ErrorKind, Result};
use collapsar::internals::source::Source;
use crc32c::crc32c;

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
        (1 << 60, 1, u64::MAX, ErrorKind::Limit),
        (1 << 60, 50 << 20, 1 << 40, ErrorKind::Limit),
        (1 << 60, 50 << 20, 1 << 20, ErrorKind::Corrupt),
        (1 << 60, 50 << 20, 0, ErrorKind::Corrupt),
        (1 << 60, 12, 2, ErrorKind::Corrupt),
        (16, 1, 1, ErrorKind::Corrupt),
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
        assert_eq!(open_error(&file).kind, ErrorKind::Corrupt, "index at {wrong}");
    }
    for wrong in [0, 1, 3, 5, 100, 1 << 20] {
        let file = with_trailer(&file, |t| t[8..16].copy_from_slice(&u64::to_le_bytes(wrong)));
        assert_eq!(open_error(&file).kind, ErrorKind::Corrupt, "{wrong} blocks");
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
    assert_eq!(read(&crafted(&[2, 1, 10], 1)).unwrap_err().place, "block 0 at offset 16", "the wrong kind");
    let wrong: [(&str, &[u8], u64); 12] = [
        ("a hole at the end", &[1, 1, 9], 1),
        ("an overlap with the index", &[1, 1, 11], 1),
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
        assert_eq!(open_error(&crafted(index, n_blocks)).kind, ErrorKind::Corrupt, "{what}");
    }
}
