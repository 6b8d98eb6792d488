//! Small models, arrays and files, the same every time.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::container::{Limits, Reader};
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Input, Layer, Net, Pass, Spec, Wiring};
use collapsar::internals::{Choice, Options};
use std::sync::Arc;

pub fn noise(state: &mut u32, bits: u32) -> u32 {
    *state = state.wrapping_mul(1664525).wrapping_add(1013904223);
    *state >> (32 - bits)
}

/// Neighbours that a pass knows, nearest first.
pub fn near(pass: Pass, n: usize) -> Vec<(i32, i32)> {
    let square = |r: i32| (-r..=r).flat_map(move |dy| (-r..=r).map(move |dx| (dy, dx)));
    let mut taps: Vec<_> = square(4).filter(|&tap| pass.knows(tap)).collect();
    taps.sort_by_key(|&(dy, dx)| (dy * dy + dx * dx, dy, dx));
    taps.truncate(n);
    taps
}

pub fn spec(pass: Pass, n_refs: usize) -> Spec {
    Spec {
        pass,
        head: Head::Mixture { k: 2 },
        taps: near(pass, 8),
        n_linear: 4,
        n_values: 6,
        n_residuals: 5,
        n_refs,
        ref_taps: vec![(0, 0), (0, 1), (1, 0)],
        near_log2: 2,
        wide_log2: 3,
        scale_floor: 16,
        feature_shift: 4,
        n_hints: 0,
    }
}

/// Seeded random layers for a spec; the last one is calm, so that predictions stay sensible.
pub fn layers(spec: &Spec, seed: u32) -> Vec<Layer> {
    let mut state = seed;
    let widths = [spec.n_features(), 8, 3 * spec.k];
    let layer = |(l, w): (usize, &[usize])| {
        let n_in = w[0].next_multiple_of(4);
        let last = l + 2 == widths.len();
        let mut weight =
            || if last { noise(&mut state, 4) as i8 - 8 } else { (noise(&mut state, 8) as u8 as i8).max(-127) };
        Layer {
            n_in,
            n_out: w[1],
            weights: (0..n_in * w[1]).map(|_| weight()).collect(),
            bias: (0..w[1]).map(|o| if last && o >= 2 * spec.k { -1200 } else { o as i32 * 100 - 300 }).collect(),
            shift: vec![if last { 3 } else { 7 }; w[1]],
        }
    };
    widths.windows(2).enumerate().map(layer).collect()
}

/// The layers for a spec and how they are wired; in the deep family one between the two looks around, is gated and adds.
pub fn wired(family: Family, spec: &Spec, seed: u32) -> (Vec<Layer>, Vec<Wiring>) {
    let mut layers = layers(spec, seed);
    if family != Family::PixelcnnDeep {
        return (layers, (0..2).map(Wiring::plain).collect());
    }
    let mut state = seed;
    let inputs = [(0, 0), (0, -1), (-1, 1)].map(|tap| Input { source: 1, tap }).to_vec();
    let (n_in, n_out) = (24, 16);
    let weights = (0..n_in * n_out).map(|_| (noise(&mut state, 8) as u8 as i8).max(-127)).collect();
    layers.insert(1, Layer { n_in, n_out, weights, bias: vec![500; n_out], shift: vec![8; n_out] });
    (layers, vec![Wiring::plain(0), Wiring { inputs, gate: true, add: Some(1) }, Wiring::plain(2)])
}

/// A model as it would be loaded.
pub fn model(family: Family) -> Arc<Model> {
    let part = |pass: Pass, n_refs: usize| {
        let spec = spec(pass, n_refs);
        let (layers, wiring) = wired(family, &spec, 5 + n_refs as u32);
        PassNet { net: Net::wired(spec, layers, wiring).expect("the painted net is valid"), linear: Linear::mean(4) }
    };
    let parts = family.passes().iter().flat_map(|&p| (0..=family.max_refs().min(1)).map(move |n| part(p, n)));
    let painted = Model::new("painted", family, parts.collect(), [0; 32]).expect("the painted model is valid");
    let bytes = collapsar::internals::weights::store(&painted).expect("it can be stored");
    Arc::new(collapsar::internals::weights::load(&bytes).expect("it can be loaded"))
}

pub fn options(model: Choice, dtype: Dtype, big_endian: bool, shape: &[u64]) -> Options {
    Options { model, raw: Some(ArrayType { dtype, big_endian, shape: shape.to_vec() }), ..Options::default() }
}

/// Planes of a smooth field with fixed and fresh noise, in colours if they are a mosaic.
fn frames(n: usize, h: usize, w: usize, mosaic: bool) -> impl Iterator<Item = u32> {
    let mut state = 3;
    let fixed: Vec<u32> = (0..h * w).map(|_| noise(&mut state, 6)).collect();
    (0..n * h * w).map(move |i| {
        let (y, x) = (i / w % h, i % w);
        let colour = if mosaic { [0, 4000, 9000, 2000][2 * (y & 1) + (x & 1)] } else { 0 };
        let place = if mosaic { y / 2 * 2 * w + x / 2 * 2 } else { y * w + x };
        1000 + (y + x) as u32 + colour + fixed[place] + noise(&mut state, 1)
    })
}

/// Small files of every kind that the encoder makes, without the weights of their models.
pub fn files() -> Vec<Vec<u8>> {
    let these = |family| Choice::These(vec![model(family)]);
    let u16s = |n, h, w, mosaic| frames(n, h, w, mosaic).flat_map(|v| (v as u16).to_be_bytes()).collect::<Vec<u8>>();
    let raw = |bytes: &[u8], choice, dtype, shape: &[u64]| {
        collapsar::internals::compress(bytes, &options(choice, dtype, true, shape)).expect("a painted array is compressed")
    };
    let mut files = vec![raw(&u16s(1, 24, 20, false), Choice::Classic, Dtype::U16, &[24, 20])];
    for family in Family::OF_CELLS {
        files.push(raw(&u16s(1, 24, 20, false), these(family), Dtype::U16, &[24, 20]));
        files.push(raw(&u16s(4, 16, 17, false), these(family), Dtype::U16, &[4, 16, 17]));
        files.push(raw(&u16s(1, 40, 42, true), these(family), Dtype::U16, &[40, 42]));
    }
    let f32s: Vec<u8> = frames(1, 12, 13, false).flat_map(|v| (v as f32 / 8.0).to_be_bytes()).collect();
    files.push(raw(&f32s, these(Family::Lattice), Dtype::F32, &[12, 13]));
    let holed: Vec<u8> = frames(1, 12, 13, false)
        .flat_map(|v| if v % 7 == 0 { f32::NAN } else { v as f32 / 8.0 }.to_be_bytes())
        .collect();
    files.push(raw(&holed, Choice::Classic, Dtype::F32, &[12, 13]));
    let f64s: Vec<u8> = frames(1, 9, 9, false).flat_map(|v| f64::from(v).sqrt().to_be_bytes()).collect();
    files.push(raw(&f64s, these(Family::Pixelcnn), Dtype::F64, &[9, 9]));
    let few: Vec<u8> = frames(1, 20, 20, false).flat_map(|v| ((v % 5) * (v % 5) * 3000).to_be_bytes()).collect();
    files.push(raw(&few, Choice::Classic, Dtype::U32, &[20, 20]));
    let plain = |bytes: &[u8]| collapsar::internals::compress(bytes, &Options::default()).expect("bytes are compressed");
    files.push(plain(&[&b"SIMPLE  = but no more "[..]; 20].concat()));
    files.push(plain(b""));
    files.push(plain(&gzipped()));
    files
}

/// A .gz that zlib made at level 6: the encoder finds its settings.
pub fn gzipped() -> Vec<u8> {
    use collapsar::internals::format::{deflate, gzip};
    let inner: Vec<u8> = frames(1, 20, 20, false).flat_map(|v| v.to_string().into_bytes()).collect();
    let mut recipe = vec![deflate::Writer::Zlib as u8, 6, 10, 0, 0, 0];
    recipe.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    let recipe = gzip::Recipe::read(&mut recipe.as_slice()).expect("the recipe is whole");
    let mut out = Vec::new();
    gzip::rewrap(&recipe, &mut inner.as_slice(), &mut out).expect("a slice can be read");
    out
}

/// The blocks of a file: kind and payload.
pub fn blocks(file: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let source = file.to_vec();
    let reader = Reader::open(&source, &Limits::default()).expect("a painted file is valid");
    let payload = |(i, block): (usize, &collapsar::internals::container::BlockInfo)| {
        (block.kind, reader.payload(i).expect("a painted file is valid"))
    };
    reader.blocks().iter().enumerate().map(payload).collect()
}
