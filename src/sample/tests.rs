//! from_ints(to_ints(bytes)) == bytes for every candidate, dtype and byte order; nothing from outside panics.

use super::{Map, Stats};
use crate::array::Dtype;
use crate::error::ErrorKind;
use proptest::prelude::*;

const LENGTHS: [usize; 7] = [0, 1, 63, 64, 65, 1023, 3000];

fn stats(bytes: &[u8], dtype: Dtype, big_endian: bool) -> Stats {
    let mut stats = Stats::new(dtype);
    stats.update(bytes, big_endian);
    stats
}

fn swapped(bytes: &[u8], dtype: Dtype) -> Vec<u8> {
    bytes.chunks(dtype.n_bytes()).flat_map(|sample| sample.iter().rev().copied()).collect()
}

fn ints(map: &Map, bytes: &[u8], big_endian: bool) -> Vec<Vec<i32>> {
    let mut parts = vec![vec![0; bytes.len() / map.dtype().n_bytes()]; map.n_limbs()];
    map.to_ints(bytes, big_endian, &mut parts.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
    parts
}

fn bytes(map: &Map, parts: &[Vec<i32>], big_endian: bool) -> Vec<u8> {
    let mut out = vec![0xa5; parts[0].len() * map.dtype().n_bytes()];
    map.from_ints(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>(), big_endian, &mut out).unwrap();
    out
}

/// All the laws on one little-endian array; the names of the candidates.
fn check(little: &[u8], dtype: Dtype) -> Vec<String> {
    let big = swapped(little, dtype);
    let maps = Map::candidates(&stats(little, dtype, false));
    assert_eq!(maps, Map::candidates(&stats(&big, dtype, true)), "statistics do not see the byte order");
    for map in &maps {
        let parts = ints(map, little, false);
        assert_eq!(parts, ints(map, &big, true), "ints do not see the byte order");
        for (p, part) in parts.iter().enumerate() {
            assert!(part.iter().all(|&int| int as u32 <= map.max_int(p)), "{} keeps its promise", map.name());
        }
        assert_eq!(bytes(map, &parts, false), little, "{}", map.name());
        assert_eq!(bytes(map, &parts, true), big, "{}", map.name());

        let mut written = Vec::new();
        map.write(&mut written);
        for n in (0..written.len()).step_by(1 + written.len() / 100) {
            assert_eq!(
                Map::read(&mut &written[..n], dtype).unwrap_err().kind,
                ErrorKind::Truncated,
                "{} of {n}",
                map.name()
            );
        }
        written.push(77);
        let mut input = written.as_slice();
        assert_eq!(&Map::read(&mut input, dtype).unwrap(), map);
        assert_eq!(input, [77]);
    }
    maps.iter().map(Map::name).collect()
}

/// n samples of a dtype, from bit patterns.
fn samples(dtype: Dtype, n: usize, bits: impl Fn(u64) -> u64) -> Vec<u8> {
    (0..n as u64).flat_map(|i| bits(i).to_le_bytes().into_iter().take(dtype.n_bytes())).collect()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn mixed(i: u64) -> u64 {
    let z = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

#[test]
fn every_dtype_comes_back_at_every_length() {
    for dtype in Dtype::ALL {
        for n in LENGTHS {
            check(&samples(dtype, n, |_| 0), dtype);
            check(&samples(dtype, n, |_| u64::MAX), dtype);
            check(&samples(dtype, n, |i| i), dtype);
            check(&samples(dtype, n, mixed), dtype);
            check(&samples(dtype, n, |i| if i % 2 == 0 { 0 } else { u64::MAX }), dtype);
            check(&samples(dtype, n, |i| mixed(mixed(i) % 42)), dtype);
            check(&samples(dtype, n, |i| 7 + 16 * (mixed(i) % 15)), dtype);
            check(&samples(dtype, n, |i| 0x7fff_ffff_ffff_fff0u64.wrapping_add(mixed(i) % 32)), dtype);
        }
    }
}

#[test]
fn the_ends_of_the_integers_meet() {
    let i16s: Vec<u8> = [i16::MIN, i16::MAX, 0, -1].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(check(&i16s, Dtype::I16), ["offset -32768"]);
    let i64s: Vec<u8> = [i64::MIN, i64::MAX, 0, -1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let maps = Map::candidates(&stats(&i64s, Dtype::I64, false));
    assert_eq!((maps[0].n_limbs(), maps[0].max_int(0), maps[0].max_int(1)), (2, u32::MAX, u32::MAX));
    assert_eq!(ints(&maps[0], &i64s, false), [[0, -1, 1 << 31, i32::MAX], [0, -1, 0, -1]]);
    check(&i64s, Dtype::I64);
}

#[test]
fn a_span_of_2_to_the_32_takes_the_second_part() {
    for (last, n_limbs) in [(u64::from(u32::MAX), 1), (1 << 32, 2)] {
        let bytes: Vec<u8> = [1000u64, 1001, 1000 + last].iter().flat_map(|v| v.to_le_bytes()).collect();
        let maps = Map::candidates(&stats(&bytes, Dtype::U64, false));
        assert_eq!((maps.len(), maps[0].n_limbs()), (1, n_limbs));
        check(&bytes, Dtype::U64);
    }
}

#[test]
fn a_step_shrinks_the_span() {
    assert_eq!(check(&samples(Dtype::U16, 900, |i| 1203 + 16 * (i * 7 % 500)), Dtype::U16), ["offset 1203 step 16"]);
    assert_eq!(check(&samples(Dtype::I32, 900, |i| 48u64.wrapping_mul(i)), Dtype::I32), ["offset 0 step 48"]);
    let wide = samples(Dtype::I64, 900, |i| (i * 7 % 1000).wrapping_sub(500).wrapping_mul(1_000_000_007 << 9));
    let maps = Map::candidates(&stats(&wide, Dtype::I64, false));
    assert_eq!((maps[0].n_limbs(), maps[0].max_int(0) < 1000), (1, true));
}

#[test]
fn few_values_get_a_rank() {
    let names = check(&samples(Dtype::U16, 900, |i| mixed(i % 42)), Dtype::U16);
    assert_eq!(names, ["offset 1203", "rank of 42 values"].map(|n| n.replace("1203", &names[0][7..])));
    assert_eq!(
        check(&samples(Dtype::F64, 900, |i| (((mixed(i) % 42) as f64) * 0.1).to_bits()), Dtype::F64)[1],
        "rank of 42 values"
    );
    let alternating = samples(Dtype::U8, 900, |i| 200 - 3 * (i % 2));
    assert_eq!(check(&alternating, Dtype::U8), ["offset 197 step 3"]);
}

#[test]
fn one_value_too_many_ends_the_alphabet() {
    for (n, offered) in [(1 << 16, true), ((1 << 16) + 1, false)] {
        let bytes = samples(Dtype::U32, 3 * n, |i| (i % n as u64) * (i % n as u64 + 1) / 2);
        assert_eq!(check(&bytes, Dtype::U32).len(), 1 + usize::from(offered));
    }
}

#[test]
fn integers_written_as_floats_are_integers() {
    let values: Vec<f32> = (0..900).map(|i| (i * 7919 % 5000) as f32 - 100.0).collect();
    assert_eq!(check(&f32s(&values), Dtype::F32)[0], "f32 as k·2^0 offset -100");
    let values: Vec<f64> = (0..900).map(|i| (i * 7919 % 5000) as f64 * 0.375 + 0.125).collect();
    assert_eq!(check(&f64s(&values), Dtype::F64)[0], "f64 as k·2^-3 offset 1 step 3");
    let mut wide: Vec<f64> = values.iter().map(|v| v * 8.0).collect();
    wide.extend([-9_007_199_254_740_991.0, 9_007_199_254_740_991.0]);
    assert_eq!(check(&f64s(&wide), Dtype::F64)[0], "f64 as k·2^0 offset -9007199254740991");
    wide.push(9_007_199_254_740_992.0);
    assert_eq!(check(&f64s(&wide), Dtype::F64), ["ordered f64"].map(String::from));
}

#[test]
fn one_special_value_is_a_hole_and_two_are_not() {
    let counts: Vec<f32> = (0..900).map(|i| (i * 7919 % 5000) as f32).collect();
    for special in [f32::NAN, f32::from_bits(0xffc1_2345), f32::INFINITY, f32::NEG_INFINITY, -0.0] {
        let mut values = counts.clone();
        (3..900).step_by(7).for_each(|i| values[i] = special);
        let names = check(&f32s(&values), Dtype::F32);
        assert_eq!(names[0], format!("f32 as k·2^0 offset 0 hole {:#x}", special.to_bits()));
        let wide: Vec<f64> = values.iter().map(|&v| if v.is_finite() { f64::from(v) } else { f64::NAN }).collect();
        check(&f64s(&wide), Dtype::F64);
        values[1] = if special.is_nan() { f32::INFINITY } else { f32::NAN };
        assert!(check(&f32s(&values), Dtype::F32)[0].starts_with("ordered f32"));
    }
}

#[test]
fn every_kind_of_float_comes_back() {
    let patterns: [u32; 18] = [
        0,
        1,
        2,
        0x007f_ffff,
        0x0080_0000,
        0x3f80_0000,
        0x7f7f_ffff,
        0x7f80_0000,
        0x7f80_0001,
        0x7fbf_ffff,
        0x7fc0_0000,
        0x7fff_ffff,
        0x8000_0000,
        0x8000_0001,
        0x807f_ffff,
        0xff7f_ffff,
        0xff80_0000,
        0xffff_ffff,
    ];
    for n in 1..=patterns.len() {
        check(&samples(Dtype::F32, 5 * n, |i| u64::from(patterns[i as usize % n])), Dtype::F32);
        check(&samples(Dtype::F32, 5 * n, |i| u64::from(patterns[patterns.len() - 1 - i as usize % n])), Dtype::F32);
        let widened = |i: u64| (u64::from(patterns[i as usize % n]) << 32) | (u64::from(patterns[i as usize % n]) & 3);
        check(&samples(Dtype::F64, 5 * n, widened), Dtype::F64);
        check(&samples(Dtype::F64, 5 * n, |i| !widened(i)), Dtype::F64);
    }
    for pair in patterns.iter().flat_map(|&a| patterns.map(|b| [a, b])) {
        check(&samples(Dtype::F32, 40, |i| u64::from(pair[(i % 2) as usize])), Dtype::F32);
    }
}

#[test]
fn chunks_and_the_order_of_merges_change_nothing() {
    let bits = |i: u64| match i % 97 {
        0 => u64::from(f32::NAN.to_bits()),
        1 => u64::from((mixed(i) as i8 as f32 * 1024.0).to_bits()),
        _ => u64::from((mixed(i) as i8 as f32 * 0.25).to_bits()),
    };
    for dtype in Dtype::ALL {
        let bytes = samples(dtype, 5000, bits);
        let whole = Map::candidates(&stats(&bytes, dtype, false));
        for n in [1, 64, 1023, 4999] {
            let mut streamed = Stats::new(dtype);
            let mut backwards = Stats::new(dtype);
            let chunks = bytes.chunks(n * dtype.n_bytes());
            chunks.clone().for_each(|chunk| streamed.update(chunk, false));
            chunks.rev().for_each(|chunk| backwards.merge(&stats(chunk, dtype, false)));
            assert_eq!((Map::candidates(&streamed), Map::candidates(&backwards)), (whole.clone(), whole.clone()));
            assert_eq!((streamed.n_samples(), backwards.n_samples()), (5000, 5000));
        }
    }
}

#[test]
fn an_int_past_the_end_is_corrupt() {
    let u16s = samples(Dtype::U16, 100, |i| 1000 + 16 * (i % 4));
    let f64s = samples(Dtype::F64, 900, |i| mixed(i % 42));
    for (bytes, dtype) in [(u16s, Dtype::U16), (f64s, Dtype::F64)] {
        for map in Map::candidates(&stats(&bytes, dtype, false)) {
            let mut parts = ints(&map, &bytes, false);
            let mut out = vec![0; bytes.len()];
            for (p, slot) in (0..map.n_limbs()).zip([99, 0]) {
                parts[p][slot] = map.max_int(p) as i32;
            }
            parts[0][99] = map.max_int(0).wrapping_add(1) as i32;
            let parts: Vec<&[i32]> = parts.iter().map(Vec::as_slice).collect();
            assert_eq!(map.from_ints(&parts, false, &mut out).unwrap_err().kind, ErrorKind::Corrupt, "{}", map.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_bytes_come_back(noise in prop::collection::vec(any::<u8>(), 0..600), mask in any::<u64>()) {
        for dtype in Dtype::ALL {
            let whole = noise.len() / dtype.n_bytes() * dtype.n_bytes();
            check(&noise[..whole], dtype);
            let masked: Vec<u8> =
                noise[..whole].iter().zip(mask.to_le_bytes().iter().cycle()).map(|(byte, mask)| byte & mask).collect();
            check(&masked, dtype);
        }
    }

    #[test]
    fn multiples_of_powers_of_two_come_back(ks in prop::collection::vec(-70000i32..70000, 1..100), e in -149i32..80) {
        let f32s: Vec<u8> = ks.iter().flat_map(|&k| ((f64::from(k) * 2f64.powi(e)) as f32).to_le_bytes()).collect();
        check(&f32s, Dtype::F32);
        let f64s: Vec<u8> = ks.iter().flat_map(|&k| (f64::from(k) * 2f64.powi(7 * e)).to_le_bytes()).collect();
        check(&f64s, Dtype::F64);
    }

    #[test]
    fn arbitrary_maps_and_ints_never_panic(
        form in 0u8..8,
        mut bytes in prop::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..40),
        noise in prop::collection::vec(any::<i32>(), 20),
    ) {
        bytes.insert(0, form);
        for dtype in Dtype::ALL {
            let mut input = bytes.as_slice();
            let Ok(map) = Map::read(&mut input, dtype) else { continue };
            let mut again = Vec::new();
            map.write(&mut again);
            assert_eq!(again, &bytes[..bytes.len() - input.len()]);
            let parts = vec![noise.as_slice(); map.n_limbs()];
            let mut out = vec![0; noise.len() * dtype.n_bytes()];
            if let Err(error) = map.from_ints(&parts, true, &mut out) {
                assert_eq!(error.kind, ErrorKind::Corrupt, "{}", map.name());
            }
            let small: Vec<i32> = noise.iter().map(|v| (*v as u32 % (map.max_int(0).saturating_add(1))) as i32).collect();
            if map.n_limbs() == 1 {
                map.from_ints(&[&small], false, &mut out).unwrap();
                assert_eq!(ints(&map, &out, false), [small], "{}", map.name());
            }
            map.to_ints(&vec![0x5a; out.len()], false, &mut vec![vec![0; noise.len()]; map.n_limbs()].iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
        }
    }
}
