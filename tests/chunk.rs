//! Arrays with no file around them come back to the bit, weigh little, and damage to them is noticed and named.

mod chunks;
use chunks::{Case, FOLDERS, NEWEST, cases, counts, field, frame, golden, ty};
use collapsar::internals::array::{ArrayType, Dtype, Sample, bytes_of};
use collapsar::internals::codec::array::memory::Memory;
use collapsar::internals::codec::chunk::weigh_chunk;
use collapsar::internals::error::ErrorKind;
use collapsar::internals::model::Family;
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::{Adapt, Choice, Decoding, Error, Loss, Options};
use collapsar::internals::{
    decode_array, decode_array_into, decode_chunk, decode_chunk_into, describe_chunk, encode_array, encode_chunk,
};
use proptest::prelude::*;

const SHAPES: [&[u64]; 14] = [
    &[],
    &[0],
    &[1],
    &[7],
    &[0, 5],
    &[5, 0],
    &[3, 5],
    &[1, 64],
    &[64, 1],
    &[63, 65],
    &[2, 3, 4, 5, 6],
    &[1, 1, 1, 1, 1],
    &[12, 9, 11],
    &[3, 1, 200],
];

fn classic() -> Options {
    Options { model: Choice::Classic, ..Options::default() }
}

fn by(family: Family) -> Options {
    Options { model: Choice::These(vec![synthetic::loaded(family)]), ..Options::default() }
}

fn knowing(options: &Options) -> Decoding {
    let models = if let Choice::These(models) = &options.model { models.clone() } else { Vec::new() };
    Decoding { models, ..Decoding::default() }
}

/// A few low bits of noise over a slope: what any dtype may hold.
fn slope(ty: &ArrayType, random: &mut Lcg) -> Vec<u8> {
    let n = ty.dtype.n_bytes();
    let sample = |i: u64| {
        let mut bytes = (i / 3 + 100 + u64::from(random.below(5))).to_le_bytes()[..n].to_vec();
        if ty.big_endian {
            bytes.reverse();
        }
        bytes
    };
    (0..ty.n_samples().unwrap()).flat_map(sample).collect()
}

#[test]
fn every_dtype_byte_order_and_shape_comes_back_to_the_bit() {
    let mut random = Lcg(5);
    for dtype in Dtype::ALL {
        for (shape, big_endian) in SHAPES.iter().flat_map(|shape| [(shape, false), (shape, true)]) {
            let ty = ArrayType { dtype, big_endian, shape: shape.to_vec() };
            let noise = (0..ty.n_bytes().unwrap()).map(|_| random.below(256) as u8).collect();
            for bytes in [slope(&ty, &mut random), noise] {
                for options in [classic(), by(Family::Pixelcnn)] {
                    let chunk = encode_chunk(&bytes, &ty, &options).unwrap();
                    assert!(chunk.len() <= bytes.len() + 24, "{ty:?}: {} of {}", chunk.len(), bytes.len());
                    assert_eq!(describe_chunk(&chunk).unwrap(), ty);
                    assert_eq!(decode_chunk(&chunk, &knowing(&options)).unwrap(), (ty.clone(), bytes.clone()));
                }
            }
        }
    }
}

#[test]
fn every_family_and_several_tiles_come_back() {
    let samples = frame(270, 300);
    for family in Family::OF_CELLS {
        let options = by(family);
        let chunk = encode_array(&samples, &[270, 300], &options).unwrap();
        let (shape, back) = decode_array::<u16>(&chunk, &knowing(&options)).unwrap();
        assert!(shape == [270, 300] && back == samples, "{family:?}");
    }
    let stack: Vec<u16> = (0..6).flat_map(|_| frame(40, 50)).collect();
    let chunk = encode_array(&stack, &[6, 40, 50], &by(Family::Lattice)).unwrap();
    assert_eq!(decode_array::<u16>(&chunk, &knowing(&by(Family::Lattice))).unwrap().1, stack);
}

fn comes_back<T: Sample>(samples: &[T]) {
    let chunk = encode_array(samples, &[samples.len()], &Options::default()).unwrap();
    let (shape, back) = decode_array::<T>(&chunk, &Decoding::default()).unwrap();
    assert_eq!((shape, bytes_of(&back)), (vec![samples.len()], bytes_of(samples)));
    let mut into = vec![samples[0]; samples.len()];
    assert_eq!(decode_array_into(&chunk, &Decoding::default(), &mut into).unwrap(), [samples.len()]);
    assert_eq!(bytes_of(&into), bytes_of(samples));
}

#[test]
fn samples_of_every_type_come_back_with_payloads_of_nan_and_the_sign_of_zero() {
    comes_back(&[0u8, 255, 3]);
    comes_back(&[0i8, -128, 127]);
    comes_back(&[0u16, u16::MAX, 3]);
    comes_back(&[0i16, i16::MIN, i16::MAX]);
    comes_back(&[0u32, u32::MAX, 3]);
    comes_back(&[0i32, i32::MIN, i32::MAX]);
    comes_back(&[0u64, u64::MAX, 3]);
    comes_back(&[0i64, i64::MIN, i64::MAX]);
    let singles = [0.0, -0.0, f32::from_bits(0x7fc0_1234), f32::from_bits(0xff80_0001), f32::INFINITY, 1e-45, 1.5];
    comes_back(&singles.repeat(40));
    let doubles = [0.0, -0.0, f64::from_bits(0x7ff8_dead_beef_0001), f64::NEG_INFINITY, 5e-324, 1.5];
    comes_back(&doubles.repeat(40));
}

#[test]
fn rows_that_are_too_long_to_hold_become_parts() {
    let mut samples: Vec<u8> = (0..(1usize << 23) + 5).map(|i| (i >> 12) as u8).collect();
    let shape = [samples.len()];
    let chunk = encode_array(&samples, &shape, &classic()).unwrap();
    assert!(decode_array::<u8>(&chunk, &Decoding::default()).unwrap().1 == samples);
    samples.fill(9);
    let chunk = encode_array(&samples, &shape, &classic()).unwrap();
    assert!(chunk.len() < 24 && decode_array::<u8>(&chunk, &Decoding::default()).unwrap().1 == samples);
}

#[test]
fn what_may_be_lost_is_held_within_its_bound() {
    let (h, w) = (96, 80);
    let samples: Vec<f32> = field(h, w).iter().enumerate().map(|(i, v)| v + (i % 7) as f32 * 1e-4).collect();
    let lossless = encode_array(&samples, &[h, w], &classic()).unwrap();
    for loss in [Loss::Abs(0.1), Loss::Rel(1e-3)] {
        for model in [Choice::Auto, Choice::Classic, Choice::Wavelet] {
            let chunk = encode_array(&samples, &[h, w], &Options { model, loss, ..Options::default() }).unwrap();
            assert!(chunk.len() < lossless.len());
            let (_, back) = decode_array::<f32>(&chunk, &Decoding::default()).unwrap();
            let range =
                samples.iter().fold(f32::MIN, |a, &b| a.max(b)) - samples.iter().fold(f32::MAX, |a, &b| a.min(b));
            let most = if let Loss::Abs(most) = loss { most } else { 1e-3 * f64::from(range) };
            assert!(samples.iter().zip(&back).all(|(a, b)| (f64::from(*a) - f64::from(*b)).abs() <= most));
            assert!(samples != back);
        }
    }
    let options = Options { loss: Loss::Abs(-1.0), ..classic() };
    assert_eq!(encode_array(&samples, &[h, w], &options).unwrap_err().kind, ErrorKind::Argument);
}

/// FORMAT.md promises 40 bytes. What is fitted to an array pays for itself: it is kept where codes get smaller by more.
#[test]
fn a_chunk_of_64_kib_weighs_at_most_40_bytes_beside_codes_and_what_was_fitted() {
    for adapt in [Adapt::Fast, Adapt::Off] {
        let options = Options { adapt, ..Options::default() };
        let chunks = [
            ("frame", encode_array(&frame(128, 256), &[128, 256], &options).unwrap()),
            ("field", encode_array(&field(128, 128), &[128, 128], &options).unwrap()),
            ("counts", encode_array(&counts(128, 128), &[128, 128], &options).unwrap()),
        ];
        for (name, chunk) in chunks {
            let weight = weigh_chunk(&chunk, &[]).unwrap();
            println!("{name} {adapt:?}: {} bytes, {weight:?}", chunk.len());
            assert!(weight.fitted > 0 || adapt == Adapt::Off, "{name} was not coded by a network");
            assert!(weight.own <= 40, "{name}: {weight:?}");
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let samples = frame(300, 300);
    let with = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| encode_array(&samples, &[300, 300], &by(Family::Lattice)).unwrap())
    };
    assert!(with(1) == with(3));
}

/// Several small chunks, one of each form.
fn small() -> Vec<(Vec<u8>, Decoding)> {
    let network = by(Family::Pixelcnn);
    let shaky = |options: &Options| encode_array(&frame(20, 21), &[20, 21], options).unwrap();
    let noise: Vec<u8> = (0..40).map(|i: u8| i.wrapping_mul(97) ^ i << 3).collect();
    let stored = encode_array(&noise, &[40], &classic()).unwrap();
    let bounded = Options { model: Choice::Wavelet, loss: Loss::Abs(0.1), ..Options::default() };
    let waves = encode_array(&field(24, 24), &[24, 24], &bounded).unwrap();
    let constant = encode_array(&[7i32; 30], &[5, 6], &classic()).unwrap();
    let chunks = vec![shaky(&network), shaky(&classic()), stored, waves, constant];
    let forms: Vec<u8> = chunks.iter().map(|chunk| form(chunk)).collect();
    assert_eq!(forms, [129, 128, 0, 2, 1]);
    chunks.into_iter().map(|chunk| (chunk, knowing(&network))).collect()
}

/// The byte behind the shape.
fn form(chunk: &[u8]) -> u8 {
    let after_length = 4 + chunk[4..].iter().position(|b| b & 0x80 == 0).unwrap() + 1;
    let n_varint = |d: &u64| (64 - d.leading_zeros()).div_ceil(7).max(1) as usize;
    let n_dimensions: usize = describe_chunk(chunk).unwrap().shape.iter().map(n_varint).sum();
    chunk[after_length + 2 + n_dimensions]
}

#[test]
fn every_truncation_and_every_flipped_bit_is_an_error() {
    for (chunk, decoding) in small() {
        for n in 0..chunk.len() {
            let error = decode_chunk(&chunk[..n], &decoding).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Truncated, "{n} of {}: {error}", chunk.len());
        }
        let damaged = |bit: usize| {
            let mut chunk = chunk.clone();
            chunk[bit / 8] ^= 1 << (bit % 8);
            chunk
        };
        for bit in 0..8 * chunk.len() {
            let error = decode_chunk(&damaged(bit), &decoding).unwrap_err();
            // a version that is not known, a length that is longer: damage cannot be told from them
            let kinds =
                if bit / 8 == 3 { [ErrorKind::Unsupported; 2] } else { [ErrorKind::Corrupt, ErrorKind::Truncated] };
            assert!(kinds.contains(&error.kind), "bit {bit}: {error}");
            assert!(error.kind != ErrorKind::Truncated || (4..7).contains(&(bit / 8)), "bit {bit}: {error}");
        }
        let longer = [&chunk[..], &[0]].concat();
        assert_eq!(decode_chunk(&longer, &decoding).unwrap_err().kind, ErrorKind::Corrupt);
    }
}

fn with_sum(mut chunk: Vec<u8>) -> Vec<u8> {
    let n = chunk.len() - 4;
    let sum = crc32c::crc32c(&chunk[..n]).to_le_bytes();
    chunk[n..].copy_from_slice(&sum);
    chunk
}

#[test]
fn a_forged_sum_never_panics() {
    let mut n_errors = 0;
    for (chunk, decoding) in small() {
        let within = Decoding { memory: Memory { most: Some(1 << 28), taken: 0 }, ..decoding };
        for at in 4..chunk.len() - 4 {
            for value in [0, 1, 0x7f, 0x80, 0xff, chunk[at] ^ 1, chunk[at] ^ 0x10] {
                let mut forged = chunk.clone();
                forged[at] = value;
                n_errors += usize::from(decode_chunk(&with_sum(forged), &within).is_err());
            }
        }
    }
    assert!(n_errors > 1000, "only {n_errors} were noticed");
}

#[test]
fn a_chunk_of_a_few_bytes_cannot_ask_for_gigabytes() {
    let ty = ArrayType { dtype: Dtype::U8, big_endian: false, shape: vec![9, 9] };
    let chunk = encode_chunk(&[7; 81], &ty, &classic()).unwrap();
    // 9 × 9 becomes 127 × 127 × … × 127
    let mut forged = chunk[..4].to_vec();
    let body = [&[Dtype::U8 as u8, 8][..], &[127; 8], &[1, 7], &[0; 4]].concat();
    forged.push(body.len() as u8);
    let forged = with_sum([forged, body].concat());
    assert_eq!(describe_chunk(&forged).unwrap().shape, [127; 8]);
    assert_eq!(decode_chunk(&forged, &Decoding::default()).unwrap_err().kind, ErrorKind::Limit);
    let one = |most| Decoding { memory: Memory { most, taken: 0 }, ..Decoding::default() };
    assert_eq!(decode_chunk(&chunk, &one(Some(80))).unwrap_err().kind, ErrorKind::Limit);
    assert_eq!(decode_chunk(&chunk, &one(Some(81))).unwrap().1, [7; 81]);
    // a buffer says how much it may be
    assert_eq!(decode_chunk_into(&forged, &Decoding::default(), &mut [0; 81]).unwrap_err().kind, ErrorKind::Argument);
}

#[test]
fn what_a_caller_gets_wrong_is_said_to_him() {
    let kind = |result: Result<Vec<u8>, Error>| result.unwrap_err().kind;
    assert_eq!(kind(encode_array(&[1u8, 2, 3], &[2, 2], &classic())), ErrorKind::Argument);
    assert_eq!(kind(encode_array::<u8>(&[], &[usize::MAX, usize::MAX], &classic())), ErrorKind::Limit);
    assert_eq!(kind(encode_chunk(&[0; 5], &ty::<u16>(&[2]), &classic())), ErrorKind::Argument);
    assert_eq!(kind(encode_array(&[1u8; 4], &[4], &Options { embed: true, ..classic() })), ErrorKind::Argument);
    let chunk = encode_array(&[1u16, 2, 3, 4], &[2, 2], &classic()).unwrap();
    assert_eq!(decode_array::<i16>(&chunk, &Decoding::default()).unwrap_err().kind, ErrorKind::Argument);
    assert_eq!(decode_array_into(&chunk, &Decoding::default(), &mut [0u16; 5]).unwrap_err().kind, ErrorKind::Argument);
    assert_eq!(describe_chunk(b"SIMPLE  =").unwrap_err().kind, ErrorKind::Corrupt);
}

#[test]
fn a_model_that_is_not_at_hand_is_named() {
    let options = by(Family::Pixelcnn);
    let chunk = encode_array(&frame(40, 50), &[40, 50], &options).unwrap();
    let error = decode_array::<u16>(&chunk, &Decoding::default()).unwrap_err();
    let begins: String = synthetic::loaded(Family::Pixelcnn).hash[..8].iter().map(|b| format!("{b:02x}")).collect();
    assert!(error.kind == ErrorKind::Model && error.message.contains(&begins), "{error}");
    assert!(error.message.contains("Decoding::weights"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_bytes_of_any_shape_come_back(
        dtype in 0usize..10, big_endian: bool, shape in proptest::collection::vec(0u64..9, 0..5), seed: u32, bits in 0u32..9
    ) {
        let ty = ArrayType { dtype: Dtype::ALL[dtype], big_endian, shape };
        let mut random = Lcg(seed);
        let bytes: Vec<u8> = (0..ty.n_bytes().unwrap()).map(|_| random.below(1 << bits) as u8).collect();
        let chunk = encode_chunk(&bytes, &ty, &classic()).unwrap();
        prop_assert!(chunk.len() <= bytes.len() + 24);
        prop_assert_eq!(decode_chunk(&chunk, &Decoding::default()).unwrap(), (ty, bytes));
    }

    #[test]
    fn any_bytes_behind_a_good_sum_are_refused_or_decoded(
        is_typed: bool, form in 0usize..7, body in proptest::collection::vec(any::<u8>(), 0..60)
    ) {
        // 5 × 4 samples of u16, and every form that there is; or whatever it says
        let typed = [Dtype::U16 as u8, 2, 5, 4, [0, 1, 2, 3, 128, 129, 137][form]];
        let begins = if is_typed { &typed[..] } else { &[] };
        let mut chunk = vec![0x8f, b'C', b'A', 1, (begins.len() + body.len()) as u8 + 4];
        chunk.extend(begins);
        chunk.extend(&body);
        chunk.extend([0; 4]);
        let within = Decoding { memory: Memory { most: Some(1 << 26), taken: 0 }, ..Decoding::default() };
        match decode_chunk(&with_sum(chunk), &within) {
            Ok((ty, bytes)) => prop_assert_eq!(bytes.len() as u64, ty.n_bytes().unwrap()),
            Err(error) => {
                let of_the_chunk = matches!(
                    error.kind,
                    ErrorKind::Corrupt | ErrorKind::Truncated | ErrorKind::Unsupported | ErrorKind::Limit | ErrorKind::Model
                );
                prop_assert!(of_the_chunk, "{}", error);
            }
        }
    }
}

#[test]
fn the_example_of_the_format_is_what_is_written() {
    let (_, after) = include_str!("../FORMAT.md").split_once("### 11.3 Example").unwrap();
    let line = after.lines().find(|line| line.starts_with("    ")).unwrap();
    let digits: Vec<char> = line.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| pair.iter().fold(0, |byte, c| 16 * byte + c.to_digit(16).unwrap() as u8);
    let example: Vec<u8> = digits.chunks(2).map(byte).collect();
    assert_eq!(encode_array(&[7u16; 6], &[2, 3], &Options::default()).unwrap(), example);
}

#[test]
fn every_golden_chunk_gives_back_its_array() {
    for folder in FOLDERS {
        let all = golden(folder);
        assert_eq!(all.len(), cases().len());
        for (name, chunk, ty, hash) in all {
            let (there, bytes) = decode_chunk(&chunk, &Decoding::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!((there, blake3::hash(&bytes).to_string()), (ty, hash), "{folder} {name}");
        }
    }
}

#[test]
fn the_encoder_still_makes_these_chunks() {
    for Case { name, ty, bytes, options, form: expected } in cases() {
        let chunk = encode_chunk(&bytes, &ty, &options).unwrap();
        assert_eq!(form(&chunk), expected, "{name} does not show what it is there for");
        let (_, golden, ..) = golden(NEWEST).into_iter().find(|(other, ..)| *other == name).unwrap();
        assert!(chunk == golden, "{name}: other bytes than the golden chunk has");
    }
}
