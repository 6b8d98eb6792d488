//! Painted models and tiles: seeded, of any size, with heads that fit the tile as well as those of a trained net.

#![allow(dead_code, reason = "each test uses its part")]

use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::vqae::{Codebook, Vqae};
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Input, Layer, Mesh, MeshLayer, Net, Pass, Sheet, Spec, Tap, Wiring};
use collapsar::internals::weights::{load, store};
use std::sync::Arc;

/// A seeded generator of numbers below n.
pub struct Random(pub u32);

impl Random {
    pub fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1664525).wrapping_add(1013904223);
        ((u64::from(self.0) * u64::from(n)) >> 32) as u32
    }

    /// −n..=n.
    pub fn within(&mut self, n: i32) -> i32 {
        self.below(2 * n as u32 + 1) as i32 - n
    }

    /// About bell-shaped, with deviation near n.
    pub fn bell(&mut self, n: i32) -> i32 {
        (0..3).map(|_| self.within(n)).sum()
    }
}

/// How large a net is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub values: usize,
    pub residuals: usize,
    pub hidden: &'static [usize],
    pub k: usize,
}

pub const TINY: Size = Size { values: 6, residuals: 6, hidden: &[8], k: 2 };
pub const SMALL: Size = Size { values: 24, residuals: 16, hidden: &[32, 32], k: 3 };
pub const MIDDLE: Size = Size { values: 60, residuals: 32, hidden: &[64, 64, 64], k: 3 };
pub const LARGE: Size = Size { values: 84, residuals: 60, hidden: &[160, 160, 128], k: 5 };

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
        head: Head::Mixture { k: size.k },
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
pub fn layers(n_features: usize, size: Size, random: &mut Random) -> Vec<Layer> {
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
    let head = |h: usize| match h / size.k {
        0 => -300 * (h as i32),
        1 => 0,
        _ => 100 * (h - 2 * size.k) as i32 - 150,
    };
    layers.push(Layer {
        n_in,
        n_out: 3 * size.k,
        weights: (0..n_in * 3 * size.k).map(|_| random.within(3) as i8).collect(),
        bias: (0..3 * size.k).map(|h| head(h) << 7).collect(),
        shift: vec![7; 3 * size.k],
    });
    layers
}

pub fn part(pass: Pass, n_refs: usize, size: Size, random: &mut Random) -> PassNet {
    let spec = spec(pass, n_refs, size);
    let layers = layers(spec.n_features(), size, random);
    let linear = Linear::mean(spec.n_linear.min(4));
    PassNet { net: Net::new(spec, layers).unwrap(), linear }
}

/// Some places to look at, of all that there are.
pub fn places(n: usize, random: &mut Random) -> Vec<Tap> {
    let mut all = near(|&tap| Pass::Raster.knows(tap) && tap.0 >= -7 && tap.1.abs() <= 7, usize::MAX);
    (0..n).map(|i| all.swap_remove(random.below([6, 20, 100][i % 3]) as usize)).collect()
}

/// A net with three hidden layers more than the size has: the second looks at all of `places`, the third is gated, and all of them
/// look back at random, add and are gated at random.
pub fn deep(n_refs: usize, size: Size, places: &[Tap], random: &mut Random) -> Net {
    let spec = spec(Pass::Raster, n_refs, size);
    let narrow = size.hidden.last().copied().unwrap_or(6);
    let hidden: Vec<usize> = size.hidden.iter().copied().chain([narrow; 3]).collect();
    let (mut widths, mut layers, mut wirings) = (vec![spec.n_features()], Vec::new(), Vec::new());
    for (l, &width) in hidden.iter().enumerate() {
        let mut wiring = Wiring::plain(l);
        let at_random = |random: &mut Random| Input {
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
    Net::wired(spec, layers, wirings).unwrap()
}

pub fn model(family: Family, size: Size) -> Model {
    let mut random = Random(1);
    if family == Family::PixelcnnDeep {
        return deep_model(size, 2);
    }
    let n_refs = 0..=family.max_refs().min(1);
    let kinds = family.passes().iter().flat_map(|&pass| n_refs.clone().map(move |n_refs| (pass, n_refs)));
    let parts = kinds.map(|(pass, n_refs)| part(pass, n_refs, size, &mut random)).collect();
    Model::new("painted", family, parts, [0; 32]).unwrap()
}

pub fn deep_model(size: Size, seed: u32) -> Model {
    let mut random = Random(seed);
    let places = places(1 + seed as usize % 5, &mut random);
    let mut part = |n_refs| {
        let net = deep(n_refs, size, &places, &mut random);
        PassNet { linear: Linear::mean(net.spec().n_linear.min(4)), net }
    };
    let parts = vec![part(0), part(1)];
    Model::new("painted", Family::PixelcnnDeep, parts, [0; 32]).unwrap()
}

/// A tiny model as it comes out of a weights file.
pub fn loaded(family: Family) -> Arc<Model> {
    let mut model = model(family, TINY);
    model.nets.iter_mut().for_each(|part| part.linear = Linear::mean(part.net.spec().n_linear));
    Arc::new(load(&store(&model).unwrap()).unwrap())
}

/// A sky with noise, a gradient and stars.
pub fn tile(h: usize, w: usize, max: i32) -> Vec<i32> {
    let mut random = Random(7);
    let mut ints: Vec<i32> = (0..h * w).map(|i| 1000 + (i / w + i % w) as i32 / 8 + random.bell(8)).collect();
    for _ in 0..h * w / 400 {
        let (y, x, bright) =
            (random.below(h as u32) as usize, random.below(w as u32) as usize, random.below(3000) as i32);
        for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)] {
            ints[(y + dy).min(h - 1) * w + (x + dx).min(w - 1)] += bright >> (dy + dx);
        }
    }
    ints.iter().map(|&int| int.clamp(0, max)).collect()
}

/// A trained net with a small gated layer between its last two, which looks at the cell on the left and adds. A golden file has it.
pub fn grown() -> Arc<Model> {
    let small = load(include_bytes!("../../weights/pixelcnn-fast-1.safetensors")).unwrap();
    let grow = |part: &PassNet| {
        let mut layers = part.net.layers().to_vec();
        let before = layers.len() - 1;
        let width = layers[before - 1].n_out;
        let mut random = Random(13);
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
        let net = Net::wired(part.net.spec(), layers, wiring).unwrap();
        PassNet { net, linear: part.linear.clone() }
    };
    let parts = small.nets.iter().map(grow).collect();
    let model = Model::new("grown", Family::PixelcnnDeep, parts, [0; 32]).unwrap();
    Arc::new(load(&store(&model).unwrap()).unwrap())
}

/// Cells of 8 × 8 in so many shades, which the painted autoencoder says exactly where they are all of one.
pub const SHADES: usize = 64;

/// An autoencoder whose bottom codes are the means of cells; all else of it is seeded noise that hardly counts.
pub fn vqae() -> Vqae {
    let mut random = Random(5);
    let input = |source: usize, dy: i32, dx: i32| Input { source, tap: (dy, dx) };
    let (width, sources) =
        (5, |of: &[(usize, usize)]| of.iter().map(|&(side, width)| Sheet { side, width }).collect::<Vec<_>>());
    let mut noise = |n_in: usize, n_out: usize, size: i32| Layer {
        n_in,
        n_out,
        weights: (0..n_in * n_out).map(|_| random.within(size) as i8).collect(),
        bias: (0..n_out).map(|_| random.within(9000)).collect(),
        shift: (0..n_out).map(|_| 7 + random.below(3) as u8).collect(),
    };
    let layer =
        |side: usize, inputs: Vec<Input>, add: Option<usize>, layer: Layer| MeshLayer { side, inputs, add, layer };
    let quad = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| input(1, dy, dx)).to_vec();
    let encoder_top = Mesh::new(
        sources(&[(8, 64)]),
        vec![
            layer(8, vec![input(0, 0, 0)], None, noise(64, 6, 127)),
            layer(4, quad, None, noise(32, 7, 127)),
            layer(4, vec![input(2, 0, 0), input(2, -1, 1)], Some(2), noise(16, 7, 127)),
            layer(4, vec![input(3, 0, 0)], None, noise(8, width, 60)),
        ],
    );
    let mut mean = noise(72, width, 3);
    mean.weights[..64].fill(2);
    mean.weights[64..72].fill(0);
    (mean.bias[0], mean.shift[0]) = (0, 7);
    let encoder_bottom =
        Mesh::new(sources(&[(8, 64), (4, width)]), vec![layer(8, vec![input(0, 0, 0), input(1, 0, 0)], None, mean)]);
    let mut paint = noise(16, 64, 1);
    for o in 0..64 {
        paint.weights[16 * o..][..16].fill(0);
        (paint.weights[16 * o + 8], paint.weights[16 * o + 3], paint.bias[o], paint.shift[o]) =
            (65, o as i8 % 3, -65 * 64, 3);
    }
    let paint = Mesh::new(
        sources(&[(4, width), (8, width)]),
        vec![layer(8, vec![input(0, 0, 0), input(1, 0, 0)], None, paint)],
    );
    let prior_top = Mesh::new(
        sources(&[(4, width), (1, 2)]),
        vec![layer(4, vec![input(0, 0, -1), input(0, -1, 1), input(1, 0, 0)], None, noise(20, 3, 20))],
    );
    let prior_bottom = Mesh::new(
        sources(&[(8, width), (4, width), (1, 2)]),
        vec![
            layer(8, vec![input(0, 0, -1), input(0, -1, 0), input(1, 0, 1), input(2, 0, 0)], None, noise(28, 9, 127)),
            layer(8, vec![input(3, 0, 0)], None, noise(12, SHADES, 2)),
        ],
    );
    let codes = |n: usize, first: &dyn Fn(usize) -> u8| {
        let code = |i: usize| (0..width).map(move |j| (i, j));
        Codebook::new(width, (0..n).flat_map(code).map(|(i, j)| if j == 0 { first(i) } else { 60 }).collect()).unwrap()
    };
    let meshes = [encoder_top, encoder_bottom, paint, prior_top, prior_bottom].map(Result::unwrap);
    Vqae::new(meshes, codes(3, &|i| 40 * i as u8), codes(SHADES, &|i| 2 * i as u8 + 1)).unwrap()
}

/// The same as it comes out of a weights file.
pub fn loaded_vqae() -> Arc<Model> {
    Arc::new(load(&store(&Model::of_vqae("painted", vqae(), [0; 32])).unwrap()).unwrap())
}

/// Cells of one shade each, on a slope that changes from block to block.
pub fn shades(h: usize, w: usize) -> Vec<i32> {
    let mut random = Random(11);
    let cells: Vec<i32> = (0..h.div_ceil(8) * w.div_ceil(8)).map(|_| random.below(2000) as i32).collect();
    (0..h * w)
        .map(|i| cells[i / w / 8 * w.div_ceil(8) + i % w / 8] + 300 * (i / w / 64) as i32 + random.below(9) as i32)
        .collect()
}

/// A mesh of any shape.
pub fn mesh(random: &mut Random) -> Mesh {
    let side = |random: &mut Random| 1usize << random.below(4);
    let sheet = |random: &mut Random| Sheet { side: side(random), width: 1 + random.below(20) as usize };
    let sources: Vec<Sheet> = (0..1 + random.below(3)).map(|_| sheet(random)).collect();
    let mut sheets = sources.clone();
    let n = 2 + random.below(3);
    let layers = (0..n).map(|l| {
        let skip = Some(random.below(sheets.len() as u32) as usize).filter(|_| l + 1 < n && random.below(2) == 0);
        let Sheet { side, width } = skip.map_or(sheet(random), |s| sheets[s]);
        let mut input = || {
            let source = random.below(sheets.len() as u32) as usize;
            Input { source, tap: (random.within(2), random.within(2)) }
        };
        let inputs: Vec<Input> = (0..1 + l as usize % 4).map(|_| input()).collect();
        let n_in: usize = inputs.iter().map(|i| sheets[i.source].padded()).sum();
        sheets.push(Sheet { side, width });
        let layer = Layer {
            n_in,
            n_out: width,
            weights: (0..n_in * width).map(|_| random.within(127) as i8).collect(),
            bias: (0..width).map(|_| random.within(20000)).collect(),
            shift: (0..width).map(|_| 5 + random.below(5) as u8).collect(),
        };
        MeshLayer { side, inputs, add: skip, layer }
    });
    let layers = layers.collect();
    Mesh::new(sources, layers).unwrap()
}
