use super::*;
use crate::array::Dtype;
use crate::error::{ErrorKind, Result};
use proptest::prelude::*;

/// Cuts a file, and checks what holds for every file in the world.
pub(super) fn cut(file: &[u8]) -> Structure {
    let structure = read(&file.to_vec(), &Hint::default()).expect("content is never an error");
    check_tiling(file, &structure);
    structure
}

fn check_tiling(file: &[u8], structure: &Structure) {
    let mut restored = Vec::new();
    let mut previous_is_bytes = false;
    for piece in &structure.pieces {
        assert_eq!(piece.offset(), restored.len() as u64, "no hole, no overlap");
        let n_bytes = piece.n_bytes().unwrap();
        assert!(n_bytes > 0, "no piece is empty");
        let is_bytes = matches!(piece, Piece::Bytes { .. });
        assert!(!(is_bytes && previous_is_bytes), "neighbouring bytes are one piece");
        assert!(is_bytes || n_bytes >= MIN_ARRAY_BYTES);
        previous_is_bytes = is_bytes;
        let start = piece.offset() as usize;
        restored.extend_from_slice(&file[start..start + n_bytes as usize]);
    }
    assert_eq!(restored, file);
}

/// The arrays of a structure: offset, shape, label.
pub(super) fn arrays(structure: &Structure) -> Vec<(u64, Vec<u64>, &str)> {
    let pieces = structure.pieces.iter();
    pieces
        .filter_map(|piece| match piece {
            Piece::Array { offset, ty, label } => Some((*offset, ty.shape.clone(), label.as_str())),
            Piece::Bytes { .. } => None,
        })
        .collect()
}

pub(super) fn array_types(structure: &Structure) -> Vec<ArrayType> {
    let array_type = |piece: &Piece| match piece {
        Piece::Array { ty, .. } => Some(ty.clone()),
        Piece::Bytes { .. } => None,
    };
    structure.pieces.iter().filter_map(array_type).collect()
}

/// Blocks of the given cards, each padded to 80 bytes, with END.
pub(super) fn header(cards: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for card in cards.iter().chain(&["END"]) {
        out.extend(format!("{card:80}").into_bytes());
    }
    out.resize(out.len().next_multiple_of(2880), b' ');
    out
}

/// A primary HDU without data, an image of 2 planes of 9 rows of 11, and a table.
pub(super) fn small_fits() -> Vec<u8> {
    let mut file = header(&["SIMPLE  =                    T", "BITPIX  = 8", "NAXIS   = 0"]);
    file.extend(header(&[
        "XTENSION= 'IMAGE   '",
        "BITPIX  =                   16",
        "NAXIS   = 3 / a cube",
        "NAXIS1  = 11",
        "NAXIS2  = 9",
        "NAXIS3  = 2",
        "PCOUNT  = 0",
        "GCOUNT  = 1",
        "EXTNAME = 'SCI     '",
    ]));
    file.extend(data(11 * 9 * 2 * 2));
    file.extend(header(&[
        "XTENSION= 'BINTABLE'",
        "BITPIX  = 8",
        "NAXIS   = 2",
        "NAXIS1  = 10",
        "NAXIS2  = 100",
        "PCOUNT  = 2000",
        "GCOUNT  = 1",
    ]));
    file.extend(data(3000));
    file
}

/// `n` synthetic bytes, padded to a block.
pub(super) fn data(n: usize) -> Vec<u8> {
    let mut out: Vec<u8> = (0..n).map(|i| (i * i / 7) as u8).collect();
    out.resize(n.next_multiple_of(2880), 0);
    out
}

pub(super) fn npy(version: u8, dict: &str, samples: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY".to_vec();
    out.extend([version, 0]);
    let n = dict.len() as u32;
    out.extend(&n.to_le_bytes()[..if version == 1 { 2 } else { 4 }]);
    out.extend_from_slice(dict.as_bytes());
    out.extend_from_slice(samples);
    out
}

pub(super) fn small_npy() -> Vec<u8> {
    npy(1, "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 5, 20), }\n", &data(2880)[..600])
}

#[test]
fn an_empty_file_has_no_pieces() {
    assert_eq!(cut(&[]), Structure { format: Format::Other, pieces: vec![], note: None });
}

#[test]
fn a_file_of_no_known_kind_is_one_piece_of_bytes() {
    let pieces = vec![Piece::Bytes { offset: 0, len: 11 }];
    assert_eq!(cut(b"hello world"), Structure { format: Format::Other, pieces, note: None });
}

#[test]
fn every_truncation_of_a_fits_file_is_tiled() {
    let file = small_fits();
    (0..file.len()).for_each(|n| drop(cut(&file[..n])));
}

#[test]
fn every_truncation_of_an_npy_file_is_tiled() {
    let file = small_npy();
    (0..file.len()).for_each(|n| drop(cut(&file[..n])));
}

fn hint(shape: &[u64]) -> Hint {
    Hint { raw: Some(ArrayType { dtype: Dtype::U16, big_endian: false, shape: shape.to_vec() }) }
}

#[test]
fn a_hint_makes_the_whole_file_one_array_whatever_it_looks_like() {
    let file = small_npy();
    let n = file.len() as u64 / 2;
    let structure = read(&file[..2 * n as usize].to_vec(), &hint(&[n])).unwrap();
    assert_eq!(structure.format, Format::Raw);
    assert_eq!(arrays(&structure), [(0, vec![n], "raw")]);
}

#[test]
fn a_hint_that_does_not_fit_is_the_callers_error() {
    for (shape, n_bytes) in [(&[16, 16][..], 511), (&[16, 16], 513), (&[u64::MAX, 2], 512), (&[0], 512), (&[], 512)] {
        let error = read(&vec![0; n_bytes], &hint(shape)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Argument, "{shape:?}");
    }
}

#[test]
fn an_array_under_256_bytes_stays_among_the_bytes() {
    for (n, n_arrays) in [(127, 0), (128, 1)] {
        let structure = read(&vec![0; 2 * n as usize], &hint(&[n])).unwrap();
        assert_eq!((structure.pieces.len(), arrays(&structure).len()), (1, n_arrays));
    }
    assert!(read(&vec![], &hint(&[0])).unwrap().pieces.is_empty());
}

struct Broken;

impl Source for Broken {
    fn len(&self) -> u64 {
        1 << 20
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> Result<()> {
        Err(std::io::Error::other("the disk is gone").into())
    }
}

#[test]
fn a_source_that_cannot_be_read_is_an_error() {
    assert_eq!(read(&Broken, &Hint::default()).unwrap_err().kind, ErrorKind::Io);
}

/// A valid file with a few bytes overwritten, some by characters that mean something in a header.
fn mutated(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"0123456789-+'/=TF ,(){}<>"[..])];
    let edits = prop::collection::vec((0..file.len(), byte), 1..20);
    (edits, 0..=file.len()).prop_map(move |(edits, n)| {
        let mut file = file.clone();
        edits.into_iter().for_each(|(at, byte)| file[at] = byte);
        file.truncate(n.max(file.len() / 8));
        file
    })
}

/// Edits where they hurt: in the cards that say how long the data are.
fn mutated_cards() -> impl Strategy<Value = Vec<u8>> {
    let keyword =
        prop::sample::select(&["BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "GROUPS"][..]);
    let value = prop_oneof![any::<i64>(), -3..1200i64].prop_map(|n| n.to_string());
    let value = prop_oneof![4 => value, 1 => Just("T".to_string())];
    let card = (keyword, value).prop_map(|(k, v)| format!("{k:8}= {v}"));
    prop::collection::vec(card, 0..12).prop_map(|cards| {
        let mut all: Vec<&str> = vec!["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2"];
        all.extend(cards.iter().map(String::as_str));
        if cards.len() % 2 == 0 {
            all.drain(1..3);
        }
        let mut file = header(&all);
        file.extend(data(6000));
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_tiled(tail in prop::collection::vec(any::<u8>(), 0..4000)) {
        cut(&tail);
        cut(&[b"SIMPLE  =", &tail[..]].concat());
        cut(&[b"\x93NUMPY\x01\x00", &tail[..]].concat());
    }

    #[test]
    fn mutated_fits_files_are_tiled(file in mutated(small_fits())) {
        cut(&file);
    }

    #[test]
    fn contradictory_fits_headers_are_tiled(file in mutated_cards()) {
        cut(&file);
    }

    #[test]
    fn mutated_npy_files_are_tiled(file in mutated(small_npy())) {
        cut(&file);
    }
}
