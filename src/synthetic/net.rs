//! Models with seeded random weights, of any size, with heads that fit `tile` as well as those of a trained net.

use super::random::Lcg;
use crate::kernel::predict::Linear;
use crate::model::{Family, Model, PassNet};
use crate::net::{Head, Input, Layer, Net, Pass, Spec, Tap, Wiring};
use crate::weights::{load, store};
use std::sync::Arc;

/// How large a net is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub values: usize,
    pub residuals: usize,
    pub hidden: &'static [usize],
    pub head: Head,
}

pub const TINY: Size = Size { values: 6, residuals: 6, hidden: &[8], head: Head::Mixture { k: 2 } };
pub const SMALL: Size = Size { values: 24, residuals: 16, hidden: &[32, 32], head: Head::Mixture { k: 3 } };
pub const MIDDLE: Size = Size { values: 60, residuals: 32, hidden: &[64, 64, 64], head: Head::Mixture { k: 3 } };
pub const LARGE: Size = Size { values: 84, residuals: 60, hidden: &[160, 160, 128], head: Head::Mixture { k: 5 } };

/// The neighbours that are kept, nearest first.
pub fn near(kept: impl Fn(&(i32, i32)) -> bool, n: usize) -> Vec<(i32, i32)> {
    let square = (-11..=11).flat_map(|dy| (-11..=11).map(move |dx| (dy, dx)));
    let mut places: Vec<_> = square.filter(kept).collect();
    places.sort_by_key(|&(dy, dx)| (dy * dy + dx * dx, dy, dx));
    places.truncate(n);
    places
}

pub fn spec(pass: Pass, n_refs: usize, size: Size) -> Spec {
    Spec {
        pass,
        head: size.head,
        taps: near(|&tap| pass.knows(tap), size.values.max(size.residuals).max(32)),
        n_linear: 16,
        n_values: size.values,
        n_residuals: size.residuals,
        n_refs,
        n_hints: if pass == Pass::Finer { 7 } else { 0 },
        ref_taps: near(|_| true, 9),
        near_log2: 3,
        wide_log2: 5,
        scale_floor: 16,
        feature_shift: 4,
    }
}

/// Hidden layers that neither die nor saturate.
pub fn layers(n_features: usize, size: Size, random: &mut Lcg) -> Vec<Layer> {
    let widths: Vec<usize> = [n_features].into_iter().chain(size.hidden.iter().copied()).collect();
    let hidden = widths.windows(2).map(|w| {
        let n_in = w[0].next_multiple_of(4);
        Layer {
            n_in,
            n_out: w[1],
            weights: (0..n_in * w[1]).map(|_| random.within(127) as i8).collect(),
            bias: (0..w[1]).map(|_| random.within(20000)).collect(),
            shift: (0..w[1]).map(|_| 8 + random.below(3) as u8).collect(),
        }
    });
    let mut layers: Vec<Layer> = hidden.collect();
    let n_in = widths[widths.len() - 1].next_multiple_of(4);
    let output = |h: usize| match size.head {
        Head::Table => [0, -150, 96, 0][h],
        Head::Mixture { k } if h < k => -300 * (h as i32),
        Head::Mixture { k } if h < 2 * k => 0,
        Head::Mixture { k } => 100 * (h - 2 * k) as i32 - 150,
    };
    let n_out = size.head.n_outputs();
    layers.push(Layer {
        n_in,
        n_out,
        weights: (0..n_in * n_out).map(|_| random.within(3) as i8).collect(),
        bias: (0..n_out).map(|h| output(h) << 7).collect(),
        shift: vec![7; n_out],
    });
    layers
}

pub fn part(pass: Pass, n_refs: usize, size: Size, random: &mut Lcg) -> PassNet {
    let spec = spec(pass, n_refs, size);
    let layers = layers(spec.n_features(), size, random);
    let linear = Linear::mean(spec.n_linear.min(4));
    PassNet { net: Net::new(spec, layers).expect("sums are small"), linear }
}

/// Some places to read, of all that there are.
pub fn places(n: usize, random: &mut Lcg) -> Vec<Tap> {
    let mut all = near(|&tap| Pass::Raster.knows(tap) && tap.0 >= -7 && tap.1.abs() <= 7, usize::MAX);
    (0..n).map(|i| all.swap_remove(random.below([6, 20, 100][i % 3]) as usize)).collect()
}

/// A net with three hidden layers more than the size has: the second reads all of `places`, the third is gated, and all of them
/// read places, add and are gated at random.
pub fn deep(n_refs: usize, size: Size, places: &[Tap], random: &mut Lcg) -> Net {
    let spec = spec(Pass::Raster, n_refs, size);
    let narrow = size.hidden.last().copied().unwrap_or(6);
    let hidden: Vec<usize> = size.hidden.iter().copied().chain([narrow; 3]).collect();
    let (mut widths, mut layers, mut wirings) = (vec![spec.n_features()], Vec::new(), Vec::new());
    for (l, &width) in hidden.iter().enumerate() {
        let mut wiring = Wiring::plain(l);
        let at_random = |random: &mut Lcg| Input {
            source: l - random.below(l as u32 + 1).min(2) as usize,
            tap: places.get(random.below(places.len() as u32 + 1) as usize).copied().unwrap_or((0, 0)),
        };
        match l {
            0 => {}
            1 => wiring.inputs.extend(places.iter().map(|&tap| Input { source: 1, tap })),
            _ => (0..random.below(4)).for_each(|_| wiring.inputs.push(at_random(random))),
        }
        let alike: Vec<usize> = (0..=l).filter(|&source| widths[source] == width).collect();
        if l > 0 && !alike.is_empty() && random.below(3) > 0 {
            wiring.add = Some(alike[random.below(alike.len() as u32) as usize]);
        }
        wiring.gate = l == 2 || l > 2 && random.below(2) == 0;
        let n_in: usize = wiring.inputs.iter().map(|input| widths[input.source].next_multiple_of(4)).sum();
        let n_out = if wiring.gate { 2 * width } else { width };
        let more = (n_in / 64).max(1).ilog2() / 2;
        layers.push(Layer {
            n_in,
            n_out,
            weights: (0..n_in * n_out).map(|_| random.within(127) as i8).collect(),
            bias: (0..n_out).map(|_| random.within(20000)).collect(),
            shift: (0..n_out).map(|_| (8 + random.below(3) + more) as u8).collect(),
        });
        widths.push(width);
        wirings.push(wiring);
    }
    let last = Size { hidden: &[], ..size };
    layers.extend(self::layers(narrow, last, random));
    wirings.push(Wiring::plain(hidden.len()));
    Net::wired(spec, layers, wirings).expect("sums are small")
}

/// Nets with and without a reference plane, for every pass of a family.
pub fn model(family: Family, size: Size) -> Model {
    if family == Family::PixelcnnDeep {
        return deep_model(size, 2);
    }
    of_layers(family, size, 1)
}

fn of_layers(family: Family, size: Size, seed: u32) -> Model {
    let mut random = Lcg(seed);
    let n_refs = 0..=family.max_refs().min(1);
    let kinds = family.passes().iter().flat_map(|&pass| n_refs.clone().map(move |n_refs| (pass, n_refs)));
    let parts = kinds.map(|(pass, n_refs)| part(pass, n_refs, size, &mut random)).collect();
    Model::new("painted", family, parts, [0; 32]).expect("the nets of a pass fit each other")
}

pub fn deep_model(size: Size, seed: u32) -> Model {
    let mut random = Lcg(seed);
    let places = places(1 + seed as usize % 5, &mut random);
    let mut part = |n_refs| {
        let net = deep(n_refs, size, &places, &mut random);
        PassNet { linear: Linear::mean(net.spec().n_linear.min(4)), net }
    };
    let parts = vec![part(0), part(1)];
    Model::new("painted", Family::PixelcnnDeep, parts, [0; 32]).expect("the nets read the same places")
}

/// A tiny model of k components whose predictors have all the taps that a weights file has.
pub fn tiny(family: Family, seed: u32, k: usize) -> Model {
    tiny_with(family, seed, Head::Mixture { k })
}

/// The same with another head.
pub fn tiny_with(family: Family, seed: u32, head: Head) -> Model {
    let size = Size { head, ..TINY };
    whole(if family == Family::PixelcnnDeep { deep_model(size, seed) } else { of_layers(family, size, seed) })
}

/// A model of family vdm.
pub fn ladder(seed: u32) -> Model {
    let size = Size { head: Head::Table, residuals: 0, ..TINY };
    let spec = Spec { n_hints: 0, ..spec(Pass::Finer, 0, size) };
    let layers = layers(spec.n_features(), size, &mut Lcg(seed));
    let linear = Linear::mean(spec.n_linear);
    let part = PassNet { net: Net::new(spec, layers).expect("sums are small"), linear };
    Model::new("painted", Family::Vdm, vec![part], [0; 32]).expect("the net sees means")
}

fn whole(mut model: Model) -> Model {
    model.nets.iter_mut().for_each(|part| part.linear = Linear::mean(part.net.spec().n_linear));
    model
}

/// A tiny model as it comes out of a weights file.
pub fn loaded(family: Family) -> Arc<Model> {
    stored(&whole(model(family, TINY)))
}

/// A model as it comes out of its weights file.
pub fn stored(model: &Model) -> Arc<Model> {
    Arc::new(load(&store(model).expect("it can be stored")).expect("it can be loaded"))
}

/// A trained net with a small gated layer between its last two, which reads the cell on the left and adds. A golden file has it.
pub fn grown() -> Arc<Model> {
    let small = load(include_bytes!("../../weights/pixelcnn-fast-1.safetensors")).expect("it is built in");
    let grow = |part: &PassNet| {
        let mut layers = part.net.layers().to_vec();
        let before = layers.len() - 1;
        let width = layers[before - 1].n_out;
        let mut random = Lcg(13);
        let bias = |o: usize| if o < width { 0 } else { 60 << 7 };
        let layer = Layer {
            n_in: width,
            n_out: 2 * width,
            weights: (0..2 * width * width).map(|_| random.within(9) as i8).collect(),
            bias: (0..2 * width).map(bias).collect(),
            shift: vec![7; 2 * width],
        };
        layers.insert(before, layer);
        let mut wiring: Vec<Wiring> = (0..layers.len()).map(Wiring::plain).collect();
        let inputs = vec![Input { source: before, tap: (0, -1) }];
        wiring[before] = Wiring { inputs, gate: true, add: Some(before) };
        let net = Net::wired(part.net.spec(), layers, wiring).expect("sums are small");
        PassNet { net, linear: part.linear.clone() }
    };
    let parts = small.nets.iter().map(grow).collect();
    let model = Model::new("grown", Family::PixelcnnDeep, parts, [0; 32]).expect("sums are small");
    stored(&model)
}
