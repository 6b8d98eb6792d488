use super::*;

fn bounded(values: &[f32], bound: Bound) -> Option<Bounded> {
    let mut survey = Survey::new(Dtype::F32);
    survey.update(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(), false);
    Bounded::new(&survey, bound)
}

#[test]
fn one_sample_is_one_int() {
    for bound in [Bound::Abs(0.25), Bound::PwRel(0.25)] {
        for x in [5.0f32, -5.0, 1e-44, 0.0] {
            let Some(map) = bounded(&[x], bound) else { continue };
            let int = map.int(u64::from(x.to_bits())).unwrap();
            assert!(map.holds(u64::from(x.to_bits()), map.sample(int)), "{x}");
        }
    }
}

#[test]
fn a_step_is_a_hair_below_twice_the_bound() {
    let map = bounded(&[0.0, 100.0], Bound::Abs(0.5)).unwrap();
    let Rule::Uniform { step, first: 0, .. } = map.rule else { panic!("{:?}", map.rule) };
    assert!(step < 1.0 && step > 0.9999, "{step}");
    // half the distance of floats at 100 is 2⁻¹⁸: no bound near it is worth a map
    assert_eq!(bounded(&[0.0, 100.0], Bound::Abs(1e-6)), None);
}

#[test]
fn logarithms_keep_signs_zeros_and_order() {
    let values = [-3e5f32, -1.0, -1e-3, 0.0, 1e-3, 0.5, 7.0, 1e9];
    let map = bounded(&values, Bound::PwRel(0.01)).unwrap();
    let ints: Vec<u32> = values.iter().map(|v| map.int(u64::from(v.to_bits())).unwrap()).collect();
    assert!(ints.is_sorted_by(|a, b| a < b), "{ints:?}");
    assert_eq!(map.sample(ints[3]), 0);
    let positive = bounded(&[1.0, 2.0], Bound::PwRel(0.01)).unwrap();
    assert_eq!((positive.int(u64::from((-1.0f32).to_bits())), positive.int(0)), (None, Some(0)));
}

#[test]
fn hardly_any_sample_of_a_field_is_an_exception() {
    let values: Vec<f32> = (0..20_000).map(|i| 300.0 - (i * 7919 % 20_011) as f32 * 0.002_3).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    for bound in [Bound::Abs(short(4e-5)), Bound::Abs(short(0.1)), Bound::PwRel(short(1e-6)), Bound::PwRel(short(0.01))]
    {
        let map = bounded(&values, bound).unwrap();
        let (mut ints, mut classes) = (vec![0; values.len()], vec![9; values.len()]);
        map.to_ints(&bytes, false, &mut ints, &mut classes);
        assert_eq!(classes.iter().filter(|class| **class != ORDINARY).count(), 0, "{bound:?}");
    }
}

#[test]
fn integers_reach_the_ends_of_their_type() {
    let rule = Rule::Near { reach: 100, first: 3 };
    let map = Bounded { dtype: Dtype::U8, rule, max: 2, markers: vec![] };
    assert_eq!(
        [0, 3, 103, 104, 203, 204, 255].map(|v| map.int(v)),
        [None, Some(0), Some(0), Some(1), Some(1), Some(1), Some(1)]
    );
    assert_eq!([0, 1, 2].map(|int| map.sample(int)), [3, 204, 255]);
    let rule = Rule::Near { reach: 1 << 62, first: 0 };
    let map = Bounded { dtype: Dtype::U64, rule, max: 2, markers: vec![] };
    assert_eq!((map.int(u64::MAX), map.sample(2)), (Some(2), u64::MAX));
}
fn of_words(dtype: Dtype, words: &[u64]) -> Survey {
    let mut survey = Survey::new(dtype);
    let bytes = words.iter().flat_map(|w| w.to_le_bytes().into_iter().take(dtype.n_bytes()));
    survey.update(&bytes.collect::<Vec<u8>>(), false);
    survey
}

#[test]
fn a_reach_beyond_what_a_map_can_say_is_one_int_or_two() {
    for (dtype, words, max) in [
        (Dtype::U8, vec![3, 200, 255, 9], 0),
        (Dtype::I32, vec![0, 0x7fff_ffff, 0x8000_0000, 5], 0),
        (Dtype::U64, vec![7, 8, 1 << 63, 7 + (1 << 63)], 0),
        (Dtype::U64, vec![0, 1, 1 << 63, (1 << 63) + 1, u64::MAX], 1),
        (Dtype::I64, vec![0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 62, 3 << 62], 1),
    ] {
        let survey = of_words(dtype, &words);
        for reach in [MAX_REACH + 1, (1 << 63) - 1, 1 << 63, u64::MAX] {
            let map = Bounded::new(&survey, Bound::Near(reach)).unwrap();
            assert_eq!((map.max, map.bound()), (max, Bound::Near(MAX_REACH)), "{dtype:?}");
            for &word in &words {
                let int = map.int(word).unwrap();
                assert!(map.holds(word, map.sample(int)), "{dtype:?} {word}: {int}");
            }
        }
    }
}

#[test]
fn no_int_that_may_be_reconstructed_is_infinite() {
    let values = |values: &[f64], dtype: Dtype| {
        let bits = |v: f64| if dtype == Dtype::F32 { u64::from((v as f32).to_bits()) } else { v.to_bits() };
        values.iter().map(|&v| bits(v)).collect::<Vec<u64>>()
    };
    for (dtype, largest) in [(Dtype::F32, f64::from(f32::MAX)), (Dtype::F64, f64::MAX)] {
        for ends in [[-1.0, 1.0], [0.5, 1.0], [-1.0, -0.25], [1.0, 1.0]] {
            let samples = values(&[ends[0] * largest, ends[1] * largest], dtype);
            for share in [0.03, 0.4, 0.55, 0.9, 1.0] {
                let map = Bounded::in_parts(&of_words(dtype, &samples), Bound::Abs(short(largest * share)), 65);
                let map = map.unwrap();
                for int in [0, map.max] {
                    assert!(map.number(map.sample(int)).is_finite(), "{dtype:?} {ends:?} {share}: {map:?}");
                }
            }
        }
    }
}

#[test]
fn a_logarithmic_map_counts_no_further_than_floats_do() {
    let samples: Vec<u64> = (0..99).map(|i| (1e300 * (1.0 + f64::from(i) * 1e-12)).to_bits()).collect();
    assert_eq!(Bounded::new(&of_words(Dtype::F64, &samples), Bound::PwRel(short(1e-15))), None);
    assert!(Bounded::new(&of_words(Dtype::F64, &samples), Bound::PwRel(short(1e-12))).is_some());
}
