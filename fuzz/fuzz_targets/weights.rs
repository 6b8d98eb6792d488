//! Any bytes as a weights file, and a synthetic model with its numbers changed: whatever is accepted codes a tile and gives it
//! back, and no sum overflows on the way.
//!
//! input = 0 · weights file, or 1 · family u8 · changes · tile
#![no_main]

use collapsar::internals::synthetic::{self, Lcg, TINY};
use collapsar::internals::array::Dtype;
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Layer, Net, Spec, Wiring};
use collapsar::internals::weights::{load, store};
use collapsar::internals::{Choice, compress, decompress_to};
use collapsar_fuzz::{bounded::Bounded, inputs, script::Script, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(512 << 20);

fn begin() -> Vec<Vec<u8>> {
    let files =
        Family::OF_CELLS.map(|family| [&[0], &store(&synthetic::loaded(family)).expect("it can be stored")[..]].concat());
    let changes = (0..20).map(|i| [vec![1, i % 3, i, i, 3], vec![255; 9], (0..60).collect()].concat());
    files.into_iter().chain(changes).collect()
}

/// A spec with some of its numbers changed.
fn changed(mut spec: Spec, script: &mut Script) -> Spec {
    for _ in 0..script.below(12) {
        let what = script.byte();
        let tap = |script: &mut Script| (i32::from(script.byte() as i8) / 4, i32::from(script.byte() as i8) / 4);
        match what % 13 {
            0 => spec.head = if script.below(4) == 0 { Head::Table } else { Head::Mixture { k: script.below(10) } },
            1 => spec.n_linear = script.below(66),
            2 => spec.n_values = script.below(40),
            3 => spec.n_residuals = script.below(40),
            4 => spec.n_refs = script.below(5),
            5 => spec.near_log2 = script.byte() as u32 % 7,
            6 => spec.wide_log2 = script.byte() as u32 % 7,
            7 => spec.scale_floor = script.edge() as i32,
            8 => spec.feature_shift = script.byte() as u32 % 8,
            9 => spec.ref_taps.push(tap(script)),
            10 => {
                let at = script.below(spec.taps.len().max(1));
                let new = tap(script);
                spec.taps.get_mut(at).into_iter().for_each(|t| *t = new);
            }
            11 => {
                let pass = spec.pass;
                spec.taps = synthetic::near(|&tap| pass.knows(tap), script.below(40));
            }
            _ => spec.taps.push(tap(script)),
        }
    }
    spec
}

fn extreme(layers: &mut [Layer], script: &mut Script) {
    for _ in 0..script.below(12) {
        let l = script.below(layers.len());
        let layer = &mut layers[l];
        let o = script.below(layer.n_out);
        match script.byte() % 4 {
            0 => layer.bias[o] = (script.edge() as i32).wrapping_mul(if script.byte() & 1 == 1 { -1 } else { 1 }),
            1 => layer.shift[o] = script.byte() % 28,
            2 => layer.weights[o * layer.n_in..][..layer.n_in].fill(script.byte() as i8),
            _ => layer.weights.fill(script.byte() as i8),
        }
    }
}

/// Other places, other sources, no gate: what does not fit the layers is refused.
fn rewired(wiring: &mut [Wiring], script: &mut Script) {
    for _ in 0..script.below(6) {
        let l = script.below(wiring.len());
        let wiring = &mut wiring[l];
        let at = script.below(wiring.inputs.len());
        match script.byte() % 6 {
            0 | 1 => wiring.inputs[at].tap = (i32::from(script.byte() as i8) / 16, i32::from(script.byte() as i8) / 16),
            2 => wiring.inputs[at].source = script.below(4),
            3 => wiring.inputs.swap(0, at),
            4 => wiring.add = Some(script.below(4)).filter(|&source| source < 3),
            _ => wiring.gate = script.byte() & 1 == 0,
        }
    }
}

fn model(family: Family, script: &mut Script) -> Option<Model> {
    let wires = *script; // all nets of a model read the same places
    let mut parts = Vec::new();
    for &pass in family.passes() {
        for n_refs in 0..=1 {
            let before = *script;
            let spec = changed(synthetic::spec(pass, n_refs, TINY), script);
            if n_refs == 0 {
                *script = before; // the nets of a pass read the same places
            }
            let spec = Spec { n_refs, ..spec };
            if spec.n_features() > 1020 || spec.head.n_outputs() == 0 {
                return None;
            }
            let (mut layers, mut wiring) = inputs::wired(family, &spec, &mut Lcg(7));
            extreme(&mut layers, script);
            if family == Family::PixelcnnDeep {
                rewired(&mut wiring, &mut wires.clone());
            }
            let own: Vec<i16> = (1..spec.n_linear).map(|i| if i == 1 { script.word() as i16 } else { 300 }).collect();
            parts
                .push(PassNet { net: Net::wired(spec, layers, wiring).ok()?, linear: Linear::new(own, Vec::new()).ok()? });
        }
    }
    Model::new("changed", family, parts, [0; 32]).ok()
}

/// Two planes through the model, and back.
fn use_it(model: Arc<Model>, script: &mut Script) {
    let dtype = [Dtype::U8, Dtype::U16, Dtype::U32][script.below(3)];
    let (h, w) = (1 + script.below(12), 1 + script.below(14));
    let wide = script.byte();
    let sample = |i: usize| {
        let byte = script.0.get(i % script.0.len().max(1)).copied().unwrap_or(0);
        let value = match wide % 4 {
            0 => u32::from(byte),
            1 => u32::from(byte) << 14,
            2 => {
                if byte & 1 == 1 {
                    1 << 22
                } else {
                    0
                }
            }
            _ => u32::from(byte) * 257,
        };
        value.min(1 << 22)
    };
    let samples = (0..2 * h * w).map(sample);
    let bytes: Vec<u8> = match dtype {
        Dtype::U8 => samples.map(|v| v as u8).collect(),
        Dtype::U16 => samples.flat_map(|v| (v as u16).to_be_bytes()).collect(),
        _ => samples.flat_map(u32::to_be_bytes).collect(),
    };
    if bytes.len() < 256 {
        return; // not an array to us
    }
    let models = [model];
    let options = inputs::options(Choice::These(models.to_vec()), dtype, true, &[2, h as u64, w as u64]);
    let packed = compress(&bytes, &options).expect("an array is compressed");
    let mut back = Vec::new();
    decompress_to(&packed, &mut back, &collapsar_fuzz::known(&models), &|_| Ok(())).expect("our own file is read");
    assert_eq!(back, bytes);
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    if script.byte() & 1 == 0 {
        if let Ok(model) = load(script.0) {
            use_it(Arc::new(model), &mut Script(&[2, 11, 13, 2, 1, 2, 4, 3, 9, 200, 7]));
        }
    } else {
        let family = Family::OF_CELLS[script.byte() as usize % Family::OF_CELLS.len()];
        let Some(model) = model(family, &mut script) else { return };
        let loaded = load(&store(&model).expect("a valid model is stored")).expect("our own weights are read");
        assert_eq!(loaded.nets, model.nets);
        use_it(Arc::new(loaded), &mut script);
    }
});
