//! Whole files through the codec: synthetic arrays, a synthetic model that travels with the file.

use crate::array::{ArrayType, Dtype};
use crate::codec::array::memory::{BATCH, Direction, Memory};
use crate::codec::file::archive::{Archive, Section};
use crate::codec::search::level::Level;
use crate::internals::{
    Adapt, Choice, Decoding, ErrorKind, Loss, Options, Recipe, compress, decode_chunk, decompress, decompress_to,
    encode_chunk, learn, salvage,
};
use crate::model::{Family, Model};
use crate::source::Source;
use crate::synthetic::{self, Lcg};
use crate::tile::coder::Coder;
use std::sync::Arc;

/// A model whose hash is that of its weights file, as it would be loaded.
fn model(family: Family) -> Arc<Model> {
    synthetic::stored(&synthetic::tiny(family, 11, 3))
}

fn options(family: Family, dtype: Dtype, shape: &[u64]) -> Options {
    let ty = ArrayType { dtype, big_endian: true, shape: shape.to_vec() };
    Options { model: Choice::These(vec![model(family)]), raw: Some(ty), embed: true, ..Options::default() }
}

/// A smooth field with noise, big endian u16; planes drift slowly.
fn frames(n: usize, h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(3);
    let fixed: Vec<u32> = (0..h * w).map(|_| random.bits(6)).collect();
    let sample = |i: usize| 1000 + (i % w + i / w % h) as u32 + fixed[i % (h * w)] + random.bits(2);
    (0..n * h * w).map(sample).flat_map(|v| (v as u16).to_be_bytes()).collect()
}

#[test]
fn frames_stacks_and_mosaics_come_back_through_both_schedules() {
    for family in Family::OF_CELLS {
        for (n, h, w) in [(1, 300, 270), (5, 70, 65), (3, 9, 400), (1, 1, 5000), (40, 8, 8)] {
            let bytes = frames(n, h, w);
            let options = options(family, Dtype::U16, &[n as u64, h as u64, w as u64]);
            let packed = compress(&bytes, &options).unwrap();
            assert!(packed.len() < bytes.len() + 20_000, "{family:?} {n}×{h}×{w}: {}", packed.len()); // the weights
            assert_eq!(decompress(&packed).unwrap(), bytes);
        }
        // the phases of a mosaic show one noisy scene in four colours
        let mut random = Lcg(5);
        let scene: Vec<u32> = (0..101 * 101).map(|_| random.bits(9)).collect();
        let sample = |i: usize| {
            let (y, x) = (i / 201, i % 201);
            scene[y / 2 * 101 + x / 2] + [0, 4000, 9000, 2000][2 * (y & 1) + (x & 1)] + random.bits(1)
        };
        let mosaic: Vec<u8> = (0..200 * 201).map(sample).flat_map(|v| (v as u16).to_be_bytes()).collect();
        let packed = compress(&mosaic, &options(family, Dtype::U16, &[200, 201])).unwrap();
        assert_eq!(decompress(&packed).unwrap(), mosaic);
        let archive_source = packed.clone();
        let archive = Archive::open(&archive_source, &[]).unwrap();
        // a family without reference planes gains nothing by phases
        let n_phases = if family.max_refs() > 0 { 4 } else { 1 };
        assert_eq!(archive.arrays().next().unwrap().head.grid().n_phases, n_phases);
    }
}

#[test]
fn every_dtype_comes_back_whatever_its_bits() {
    let mut random = Lcg(9);
    for dtype in Dtype::ALL {
        let bytes: Vec<u8> = (0..600 * dtype.n_bytes()).map(|i| (random.bits(8) >> (i % 5)) as u8).collect();
        let packed = compress(&bytes, &options(Family::Lattice, dtype, &[20, 30])).unwrap();
        assert_eq!(decompress(&packed).unwrap(), bytes, "{}", dtype.name());
    }
}

#[test]
fn a_plane_is_predicted_from_the_one_before_where_that_is_smaller() {
    let bytes = frames(6, 130, 140);
    let packed = compress(&bytes, &options(Family::Pixelcnn, Dtype::U16, &[6, 130, 140])).unwrap();
    let archive = Archive::open(&packed, &[]).unwrap();
    assert!(archive.arrays().next().unwrap().head.n_previous > 0);
}

#[test]
fn a_region_is_what_the_whole_shows_there_and_touches_few_tiles() {
    let (n, h, w) = (3usize, 600usize, 530usize);
    let bytes = frames(n, h, w);
    for family in Family::OF_CELLS {
        let packed = compress(&bytes, &options(family, Dtype::U16, &[3, 600, 530])).unwrap();
        let archive = Archive::open(&packed, &[]).unwrap();
        let array = archive.arrays().next().unwrap();
        for (plane, rows, columns) in [(0, 0..600, 0..530), (2, 250..260, 255..300), (1, 10..11, 5..6), (1, 3..3, 0..9)]
        {
            let cut = archive.region(array, plane, rows.clone(), columns.clone()).unwrap();
            let expected: Vec<u8> = rows
                .clone()
                .flat_map(|y| {
                    let at = |x: u64| 2 * ((plane as usize * h + y as usize) * w + x as usize);
                    bytes[at(columns.start)..at(columns.end)].to_vec()
                })
                .collect();
            assert_eq!(cut.bytes, expected);
        }
        let cut = archive.region(array, 0, 10..20, 10..20).unwrap();
        assert_eq!(cut.n_tiles, 1);
        assert_eq!(archive.region(array, 0, 0..601, 0..1).unwrap_err().kind, ErrorKind::Argument);
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let bytes = frames(2, 300, 300);
    let options = options(Family::Lattice, Dtype::U16, &[2, 300, 300]);
    let with = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| compress(&bytes, &options).unwrap())
    };
    assert_eq!(with(1), with(5));
}

/// The least memory that an array can be coded and decoded with.
fn least(packed: &[u8]) -> Memory {
    let archive = Archive::open(&packed, &[]).unwrap();
    let with = |most: u64| Memory { most: Some(most << 20), taken: 0 };
    let is_enough = |memory: &Memory| {
        archive.arrays().all(|array| {
            let batch = |way| memory.batch(&array.head, way);
            batch(Direction::Encode).is_ok_and(|n| n < BATCH / 2) && batch(Direction::Decode).is_ok()
        })
    };
    (1..).map(with).find(is_enough).unwrap()
}

#[test]
fn no_byte_depends_on_what_is_in_flight() {
    let floats = |n: usize, h: usize, w: usize| {
        let value = |i: usize| ((i % w) as f32 / 30.0).sin() + ((i / w % h) as f32 / 41.0).cos() + (i / (h * w)) as f32;
        let masked = |i: usize| if i % 997 < 20 { f32::NAN } else { value(i) };
        (0..n * h * w).flat_map(|i| masked(i).to_be_bytes()).collect::<Vec<u8>>()
    };
    let mosaic = (0..1200 * 402usize).map(|i| 1000 * (i / 402 % 2 * 2 + i % 2) as u16 + (i * i / 77 % 50) as u16);
    let of = |family, dtype, shape: &[u64]| Options { adapt: Adapt::Off, ..options(family, dtype, shape) };
    let cases = [
        (frames(6, 520, 300), of(Family::Pixelcnn, Dtype::U16, &[6, 520, 300])),
        (frames(3, 520, 300), Options { fields: true, ..of(Family::Pixelcnn, Dtype::U16, &[3, 520, 300]) }),
        (mosaic.flat_map(u16::to_be_bytes).collect(), of(Family::Lattice, Dtype::U16, &[1200, 402])),
        (floats(3, 600, 200), Options { loss: Loss::Rel(1e-3), ..of(Family::Pixelcnn, Dtype::F32, &[3, 600, 200]) }),
        (
            floats(200, 64, 128),
            Options {
                loss: Loss::Rel(1e-3),
                model: Choice::Wavelet,
                ..of(Family::Pixelcnn, Dtype::F32, &[200, 64, 128])
            },
        ),
    ];
    for (bytes, options) in cases {
        let packed = compress(&bytes, &options).unwrap();
        let memory = least(&packed);
        assert!(compress(&bytes, &Options { memory, ..options.clone() }).unwrap() == packed, "{:?}", options.raw);
        let (mut small, mut usual) = (Vec::new(), Vec::new());
        decompress_to(&packed, &mut small, &Decoding { memory, ..Decoding::default() }, &|_| Ok(())).unwrap();
        decompress_to(&packed, &mut usual, &Decoding::default(), &|_| Ok(())).unwrap();
        assert!(small == usual, "{:?}", options.raw);
        let too_little = Memory { most: memory.most.map(|most| most / 2), taken: 0 };
        let error = compress(&bytes, &Options { memory: too_little, ..options.clone() }).unwrap_err();
        assert!(error.kind == ErrorKind::Limit && error.message.contains(" MB are needed"), "{error}");
    }
}

#[test]
fn a_damaged_tile_costs_one_tile() {
    let bytes = frames(1, 600, 520);
    let packed = compress(&bytes, &options(Family::Lattice, Dtype::U16, &[600, 520])).unwrap();
    let archive = Archive::open(&packed, &[]).unwrap();
    let Section::Array(array) = &archive.sections[0] else { panic!("the file is one array") };
    let n_tiles = array.head.grid().n_tiles() as usize;
    assert_eq!(n_tiles, 9);
    for nth in 0..n_tiles {
        let block = archive.reader.blocks()[array.first_block + nth];
        let mut wrong = packed.clone();
        wrong[block.offset as usize + 20] ^= 1;
        assert_eq!(decompress(&wrong).unwrap_err().kind, ErrorKind::Corrupt);
        let mut rest = Vec::new();
        let report = salvage(&wrong, &mut rest, &[], &|_| Ok(())).unwrap();
        assert_eq!((report.n_tiles, report.n_tiles_lost), (9, 1), "{report:?}");
        let differing = (0..bytes.len() / 2).filter(|&i| rest[2 * i..2 * i + 2] != bytes[2 * i..2 * i + 2]);
        let places: std::collections::BTreeSet<usize> = differing.map(|i| i / 520 / 256 * 3 + i % 520 / 256).collect();
        assert_eq!(places.into_iter().collect::<Vec<_>>(), vec![nth]);
    }
}

#[test]
fn every_flip_and_every_cut_of_a_small_file_is_noticed() {
    let bytes = frames(1, 40, 41);
    let mut small = options(Family::Lattice, Dtype::U16, &[40, 41]);
    small.model = Choice::Classic;
    let packed = compress(&bytes, &small).unwrap();
    for n in 0..packed.len() {
        assert_eq!(decompress(&packed[..n]).unwrap_err().kind, ErrorKind::Truncated, "cut at {n}");
    }
    for bit in 0..packed.len() * 8 {
        let mut wrong = packed.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(decompress(&wrong).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_without_its_model_names_it() {
    let bytes = frames(4, 100, 100);
    let mut without = options(Family::Lattice, Dtype::U16, &[4, 100, 100]);
    without.embed = false;
    let packed = compress(&bytes, &without).unwrap();
    let Err(error) = decompress(&packed) else { panic!("the file was decoded without its model") };
    assert_eq!(error.kind, ErrorKind::Model);
    assert!(error.message.contains("blake3"), "{error}");
}

#[test]
fn files_that_are_no_arrays_come_back() {
    for bytes in [&b""[..], b"x", &[7; 100_000], b"SIMPLE  =                    T but then not"] {
        assert_eq!(decompress(&compress(bytes, &Options::default()).unwrap()).unwrap(), bytes);
    }
}

/// White noise around 300, and one sample of so many anything.
fn noise(seed: u32, n: usize, rare: u32) -> Vec<u16> {
    let mut random = Lcg(seed);
    let mut sample = || match random.below(rare) {
        0 => random.below(5000) as u16,
        _ => 270 + (0..6).map(|_| random.below(11)).sum::<u32>() as u16,
    };
    (0..n).map(|_| sample()).collect()
}

fn by_table(packed: &[u8]) -> bool {
    let archive = Archive::open(&packed, &[]).unwrap();
    archive.arrays().all(|array| matches!(array.head.coder, Coder::Counts(_)))
}

#[test]
fn white_noise_takes_the_entropy_of_its_values_at_every_level() {
    let samples = noise(5, 512 * 512, 200);
    let mut sorted = samples.clone();
    sorted.sort_unstable();
    let (n, mut entropy, mut table) = (samples.len() as f64, 0.0, 0.0);
    for same in sorted.chunk_by(|a, b| a == b) {
        entropy += same.len() as f64 * (n / same.len() as f64).log2() / 8.0;
        table += 1.5;
    }
    let content: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
    let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![512, 512] };
    for level in [1, 3, 5, 7, 9] {
        let choice = Choice::Level(Level::new(level).unwrap());
        let packed =
            compress(&content, &Options { model: choice, raw: Some(ty.clone()), ..Options::default() }).unwrap();
        assert_eq!(decompress(&packed).unwrap(), content);
        let limit = entropy * 1.002 + table;
        assert!(by_table(&packed) && (packed.len() as f64) < limit, "{} of {limit} at {level}", packed.len());
    }
}

#[test]
fn a_recipe_with_a_table_of_counts_codes_values_that_it_never_saw() {
    let bytes = |seed, rare| noise(seed, 128 * 128, rare).into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![128, 128] };
    let options = Options { raw: Some(ty.clone()), ..Options::default() };
    let mut recipe = Recipe::default();
    learn(&bytes(6, 100).as_slice() as &dyn Source, &options, &mut recipe).unwrap();
    assert!(matches!(recipe.heads().next().unwrap().coder, Coder::Counts(_)));
    let options = Options { recipe: Some(Arc::new(recipe)), ..options };
    for rare in [100, 3, u32::MAX] {
        let content = bytes(7, rare);
        let packed = compress(&content, &options).unwrap();
        assert_eq!(decompress(&packed).unwrap(), content);
        let chunk = encode_chunk(&content, &ty, &options).unwrap();
        assert!(decode_chunk(&chunk, &Decoding::default()).unwrap().1 == content);
    }
}
