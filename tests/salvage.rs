//! What is lost of a damaged file looks like nothing that was measured, is named where it lies, and is no more than what was hit.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::container::{BlockInfo, Limits, Reader};
use collapsar::internals::error::ErrorKind;
use collapsar::internals::tile::coder::Coder;
use collapsar::internals::{Archive, Choice, Loss, Options, SalvageReport, What, compress, salvage};
use std::collections::BTreeSet;
use std::ops::Range;

const FILE: u8 = 1;
const HEAD: u8 = 5;
const TILE: u8 = 6;
/// The most ints of a tile.
const MOST: usize = 1 << 18;

/// An image of 2 planes of 300 × 280 samples, which are four tiles each.
const SHAPE: [u64; 3] = [2, 300, 280];
const N: usize = 2 * 300 * 280;

fn fits(cards: &[&str], samples: &[u8]) -> Vec<u8> {
    let axes = ["NAXIS   = 3", "NAXIS1  = 280", "NAXIS2  = 300", "NAXIS3  = 2"];
    let cards = ["SIMPLE  =                    T"].iter().chain(cards).chain(&axes).chain(&["END"]);
    let mut out: Vec<u8> = cards.flat_map(|card| format!("{card:80}").into_bytes()).collect();
    out.resize(2880, b' ');
    out.extend_from_slice(samples);
    out.resize(out.len().next_multiple_of(2880), 0);
    out
}

fn npy(descr: &str, shape: &str, samples: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut out = b"\x93NUMPY\x01\x00v\x00".to_vec();
    out.extend(format!("{text:<117}\n").bytes());
    out.extend_from_slice(samples);
    out
}

/// Rising numbers with some noise; none of them is a filler.
fn numbers(n: usize) -> impl Iterator<Item = u32> {
    (0..n as u32).map(|i| 1000 + i % 280 + (i.wrapping_mul(2_654_435_761) >> 27))
}

fn big<const K: usize>(of: impl Fn(u32) -> [u8; K]) -> Vec<u8> {
    numbers(N).flat_map(of).collect()
}

/// A file, where its array begins, the bytes that stand where samples are lost, and what they are called.
struct Case {
    file: Vec<u8>,
    start: usize,
    filler: Vec<u8>,
    name: &'static str,
}

fn cases() -> Vec<Case> {
    let i16s = || big(|v| (v as i16).to_be_bytes());
    let blank = fits(&["BITPIX  = 16", "BLANK   = -99 / no sample"], &i16s());
    let zero = fits(&["BITPIX  = 16"], &i16s());
    let unsigned = fits(&["BITPIX  = 16", "BZERO   = 3.2768E4", "BSCALE  = 1."], &i16s());
    let scaled = fits(&["BITPIX  = 16", "BZERO   = 32768", "BSCALE  = 0.5"], &i16s());
    let wide = fits(&["BITPIX  = 64", "BLANK   = -9223372036854775808"], &big(|v| i64::from(v).to_be_bytes()));
    let f32s = fits(&["BITPIX  = -32", "BLANK   = 7"], &big(|v| (v as f32 * 0.37).to_be_bytes()));
    let f64s = fits(&["BITPIX  = -64"], &big(|v| (f64::from(v) * 0.37).sqrt().to_be_bytes()));
    let of_npy = npy("<f8", "(2, 300, 280)", &big(|v| (f64::from(v) / 3.0).to_le_bytes()));
    let u16s = npy("<u2", "(2, 300, 280)", &big(|v| (v as u16).to_le_bytes()));
    let case = |file, start, filler: &[u8], name| Case { file, start, filler: filler.to_vec(), name };
    vec![
        case(blank, 2880, &(-99i16).to_be_bytes(), "BLANK, -99"),
        case(zero, 2880, &[0, 0], "0"),
        case(unsigned, 2880, &i16::MIN.to_be_bytes(), "0, stored as -32768"),
        case(scaled, 2880, &[0, 0], "0"),
        case(wide, 2880, &i64::MIN.to_be_bytes(), "BLANK, -9223372036854775808"),
        case(f32s, 2880, &f32::NAN.to_be_bytes(), "NaN"),
        case(f64s, 2880, &f64::NAN.to_be_bytes(), "NaN"),
        case(of_npy, 128, &f64::NAN.to_le_bytes(), "NaN"),
        case(u16s, 128, &[0, 0], "0"),
    ]
}

fn packed(file: &[u8], options: &Options) -> Vec<u8> {
    compress(file, &Options { model: Choice::Classic, ..options.clone() }).unwrap()
}

fn blocks(packed: &[u8], kind: u8) -> Vec<BlockInfo> {
    let packed = packed.to_vec();
    let blocks = Reader::open(&packed, &Limits::default()).unwrap().blocks().to_vec();
    blocks.into_iter().filter(|block| block.kind == kind).collect()
}

fn destroy(packed: &mut [u8], block: &BlockInfo) {
    packed[block.offset as usize..block.end() as usize].fill(0xa5);
}

fn salvaged(packed: &[u8]) -> (Vec<u8>, SalvageReport) {
    let mut left = Vec::new();
    let report = salvage(&packed.to_vec(), &mut left, &[], &|_| Ok(())).unwrap();
    (left, report)
}

/// The samples of an array that the report names.
fn named(report: &SalvageReport, (h, w): (u64, u64)) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    for lost in &report.lost {
        let What::Samples { region, phase: None, .. } = &lost.what else { panic!("{lost}") };
        for (p, y) in region.planes().flat_map(|p| region.rows().map(move |y| (p, y))) {
            region.columns().for_each(|x| assert!(all.insert(((p * h + y) * w + x) as usize), "{lost} was named"));
        }
    }
    all
}

/// All is as it was but the named samples, which are the filler.
fn assert_filled(case: &Case, left: &[u8], named: &BTreeSet<usize>, n: usize) {
    let Case { file, start, filler, name } = case;
    let k = filler.len();
    assert_eq!(left.len(), file.len(), "{name}");
    let end = start + n * k;
    assert!(left[..*start] == file[..*start] && left[end..] == file[end..], "{name}: bytes around the array");
    for i in 0..n {
        let sample = start + i * k..start + (i + 1) * k;
        let wanted = if named.contains(&i) { filler } else { &file[sample.clone()] };
        assert_eq!(&left[sample], wanted, "{name}: sample {i}");
    }
}

#[test]
fn lost_samples_are_nan_or_blank_or_0_and_each_is_named_by_plane_rows_and_columns() {
    for case in cases() {
        let whole = packed(&case.file, &Options::default());
        let tiles = blocks(&whole, TILE);
        assert_eq!(tiles.len() % 8, 0, "four tiles per plane and part");
        for nth in [0, tiles.len() / 2, tiles.len() - 1] {
            let mut damaged = whole.clone();
            destroy(&mut damaged, &tiles[nth]);
            let (left, report) = salvaged(&damaged);
            assert_eq!((report.n_tiles_lost, report.n_lost), (1, 1), "{:?}", report.lost);
            assert_eq!(report.lost[0].written, case.name);
            assert_filled(&case, &left, &named(&report, (300, 280)), N);
        }
    }
}

#[test]
fn the_words_for_what_is_lost_are_slices_of_the_array() {
    let case = &cases()[0];
    let whole = packed(&case.file, &Options::default());
    let tiles = blocks(&whole, TILE);
    let lines = |lost: Range<usize>| {
        let mut damaged = whole.clone();
        tiles[lost].iter().for_each(|tile| destroy(&mut damaged, tile));
        salvaged(&damaged).1.lost.iter().map(|lost| lost.to_string()).collect::<Vec<String>>()
    };
    let why = "(written as BLANK, -99): its block is damaged or missing";
    assert_eq!(lines(5..6), [format!("HDU 0: plane 1, rows 0:256, columns 256:280 {why}")]);
    // neighbours are one
    assert_eq!(lines(4..6), [format!("HDU 0: plane 1, rows 0:256, columns 0:280 {why}")]);
    assert_eq!(lines(0..8), [format!("HDU 0: planes 0:2, rows 0:300, columns 0:280 {why}")]);
}

#[test]
fn an_array_whose_head_is_lost_has_its_full_length_and_is_named_by_the_header_of_the_file() {
    for case in cases() {
        let mut damaged = packed(&case.file, &Options::default());
        let head = blocks(&damaged, HEAD)[0];
        destroy(&mut damaged, &head);
        let (left, report) = salvaged(&damaged);
        assert_eq!(report.lost[0].written, case.name);
        assert_eq!(named(&report, (300, 280)).len(), N);
        assert_filled(&case, &left, &(0..N).collect(), N);
    }
}

#[test]
fn where_no_header_knows_the_array_zeros_have_its_length_and_the_report_says_bytes() {
    let bytes = big(|v| (v as u16).to_be_bytes());
    let raw = Some(ArrayType { dtype: Dtype::U16, big_endian: true, shape: SHAPE.to_vec() });
    let mut damaged = packed(&bytes, &Options { raw, ..Options::default() });
    let head = blocks(&damaged, HEAD)[0];
    destroy(&mut damaged, &head);
    let (left, report) = salvaged(&damaged);
    assert_eq!(left, vec![0; bytes.len()]);
    assert_eq!(report.lost[0].what, What::Bytes(0..bytes.len() as u64));
    assert_eq!(report.lost[0].written, "zeros");
}

#[test]
fn the_length_of_the_content_is_known_from_its_first_block_or_its_end_or_nothing_is_given_back() {
    for case in [&cases()[5], &cases()[7]] {
        let whole = packed(&case.file, &Options::default());
        let (file, head) = (blocks(&whole, FILE)[0], blocks(&whole, HEAD)[0]);
        let mut start = whole.clone();
        destroy(&mut start, &file);
        destroy(&mut start, &head);
        let (left, _) = salvaged(&start);
        assert_filled(case, &left, &(0..N).collect(), N);
        // the index goes as well: then only the trailer knows
        let end = whole.len();
        start[end - 80..end - 64].fill(0);
        assert_filled(case, &salvaged(&start).0, &(0..N).collect(), N);
        start[end - 64..].fill(0);
        let mut left = Vec::new();
        let error = salvage(&start, &mut left, &[], &|_| Ok(())).unwrap_err();
        assert_eq!((error.kind, left.len()), (ErrorKind::Corrupt, 0), "{error}");
        assert!(error.message.contains("how long the content is"), "{error}");
        // without its end the first block knows
        let mut cut = whole.clone();
        cut.truncate(head.offset as usize);
        let (left, report) = salvaged(&cut);
        assert_eq!((left.len(), report.is_whole()), (case.file.len(), false));
    }
}

#[test]
fn the_length_of_a_gz_is_not_taken_for_that_of_its_content() {
    let case = &cases()[0];
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    std::io::Write::write_all(&mut gz, &case.file).unwrap();
    let gz = gz.finish().unwrap();
    let whole = packed(&gz, &Options::default());
    let mut damaged = whole.clone();
    destroy(&mut damaged, &blocks(&whole, FILE)[0]);
    let error = salvage(&damaged, &mut Vec::new(), &[], &|_| Ok(())).unwrap_err();
    assert!(error.message.contains("how long the content is"), "{error}");
}

#[test]
fn a_damaged_end_of_a_file_whose_content_is_whole_is_no_loss() {
    let case = &cases()[0];
    let mut damaged = packed(&case.file, &Options::default());
    let n = damaged.len();
    damaged[n - 64..].fill(0);
    let (left, report) = salvaged(&damaged);
    assert!(left == case.file && report.n_lost == 0 && !report.is_whole(), "{report:?}");
}

/// A wavelet reaches far, and took up to a million samples for a tile: one bit cost all of such an array.
#[test]
fn a_bit_costs_at_most_256_ki_samples_of_a_field_of_many_narrow_planes() {
    for (shape, n_tiles) in [([1800, 16, 24], 3), ([110, 64, 128], 4), ([17, 96, 192], 2)] {
        let (h, w) = (shape[1], shape[2]);
        let n: usize = (shape[0] * h * w) as usize;
        let value = |i: usize| {
            let (p, y, x) = (i / (h * w) as usize, i / w as usize % h as usize, i % w as usize);
            (x as f32 / 20.0).sin() + (y as f32 / 31.0).cos() + (p as f32 / 50.0).sin()
        };
        let bytes: Vec<u8> = (0..n).flat_map(|i| value(i).to_le_bytes()).collect();
        let file = npy("<f4", &format!("({}, {h}, {w})", shape[0]), &bytes);
        let options = Options { model: Choice::Wavelet, loss: Loss::Rel(1e-3), ..Options::default() };
        let whole = compress(&file, &options).unwrap();
        let content = collapsar::internals::decompress(&whole).unwrap();
        let archive = Archive::open(&whole, &[]).unwrap();
        let array = archive.arrays().next().unwrap();
        assert_eq!(array.head.coder, Coder::Wavelet { rows: h as usize }, "{shape:?}");
        assert_eq!(array.head.grid().n_tiles(), n_tiles, "{shape:?}");
        let case = Case { file: content, start: 128, filler: f32::NAN.to_le_bytes().to_vec(), name: "NaN" };
        for tile in blocks(&whole, TILE) {
            let mut damaged = whole.clone();
            damaged[tile.offset as usize + 14] ^= 1;
            let (left, report) = salvaged(&damaged);
            let named = named(&report, (h, w));
            assert!(report.n_tiles_lost == 1 && named.len() <= MOST, "{} samples of {n}", named.len());
            assert_filled(&case, &left, &named, n);
        }
    }
}
