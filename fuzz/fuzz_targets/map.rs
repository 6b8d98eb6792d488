//! Any bytes as a map and ints, which then become samples or are refused; and any bytes as samples, which must come back
//! through every map that is proposed for them.
#![no_main]

use collapsar::internals::array::Dtype;
use collapsar::internals::sample::{Loss, Map, Stats, Survey};
use collapsar_fuzz::{bounded::Bounded, script::Script, seeds};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(128 << 20);

fn begin() -> Vec<Vec<u8>> {
    let both = |i: u8| [vec![i, 0, 9, 0, 0, 200, 1, 0, 0, 0, 7, 0, 0, 0], [vec![i, 1], (0..96).collect()].concat()];
    (0..Dtype::ALL.len() as u8 * 2).flat_map(both).collect()
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    let which = script.byte();
    let (dtype, big_endian) = (Dtype::ALL[usize::from(which / 2) % Dtype::ALL.len()], which & 1 == 1);
    let n_bytes = dtype.n_bytes();
    if script.byte() & 1 == 0 {
        let mut rest = script.0;
        let Ok(map) = Map::read(&mut rest, dtype) else { return };
        let mut again = Vec::new();
        map.write(&mut again);
        assert_eq!(again, script.0[..script.0.len() - rest.len()], "of every map there is one form");
        let ints: Vec<i32> = rest.as_chunks::<4>().0.iter().map(|&b| i32::from_le_bytes(b)).collect();
        let n = ints.len() / map.n_limbs();
        let parts: Vec<&[i32]> = ints.chunks(n.max(1)).take(map.n_limbs()).collect();
        if n == 0 {
            return;
        }
        let mut samples = vec![0; n * n_bytes];
        if map.from_ints(&parts, big_endian, &mut samples).is_ok() && map.bound().is_none() {
            let mut back = vec![vec![0; n]; map.n_limbs()];
            map.to_ints(&samples, big_endian, &mut back.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
            assert_eq!(back, parts, "{}", map.name());
            for (part, ints) in back.iter().enumerate() {
                assert!(ints.iter().all(|&int| int as u32 <= map.max_int(part)), "{}", map.name());
            }
        }
    } else {
        let samples = &script.0[..script.0.len() / n_bytes * n_bytes];
        let n = samples.len() / n_bytes;
        let mut stats = Stats::new(dtype);
        let (some, others) = samples.split_at(n / 3 * n_bytes);
        stats.update(some, big_endian);
        let mut more = Stats::new(dtype);
        more.update(others, big_endian);
        stats.merge(&more);
        let mut survey = Survey::new(dtype);
        survey.update(some, big_endian);
        let mut rest = Survey::new(dtype);
        rest.update(others, big_endian);
        survey.merge(&rest);
        for loss in [Loss::Abs(0.01), Loss::Rel(1e-3), Loss::PwRel(1e-4), Loss::Near(3)] {
            let Some(map) = loss.bound(&survey).and_then(|bound| Map::bounded(&survey, bound)) else { continue };
            let (mut ints, mut classes) = (vec![0; n], vec![0; n]);
            map.to_classes(samples, big_endian, &mut ints, &mut classes);
            let mut back = vec![0; samples.len()];
            map.from_ints(&[&ints], big_endian, &mut back).expect("our own ints are samples");
            for (i, class) in classes.iter().enumerate().filter(|(_, class)| **class != 0) {
                let marker = map.markers().get(usize::from(*class) - 1);
                let bits = marker.copied().unwrap_or_else(|| map.bits(samples, big_endian, i));
                map.put(&mut back, big_endian, i, bits);
            }
            map.check(samples, &back, big_endian).expect("a bound is kept");
            let mut form = Vec::new();
            map.write(&mut form);
            assert_eq!(Map::read(&mut form.as_slice(), dtype).expect("our own map is read"), map);
        }
        for map in Map::candidates(&stats) {
            let mut parts = vec![vec![0; n]; map.n_limbs()];
            map.to_ints(samples, big_endian, &mut parts.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
            let mut back = vec![0; samples.len()];
            let parts: Vec<&[i32]> = parts.iter().map(Vec::as_slice).collect();
            map.from_ints(&parts, big_endian, &mut back).expect("our own ints are samples");
            assert_eq!(back, samples, "{}", map.name());
            let mut form = Vec::new();
            map.write(&mut form);
            assert_eq!(Map::read(&mut form.as_slice(), dtype).expect("our own map is read"), map);
        }
    }
});
