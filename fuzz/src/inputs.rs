//! Small files of every kind, the same every time, and layers for any spec.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::container::{Limits, Reader};
use collapsar::internals::model::Family;
use collapsar::internals::net::{Input, Layer, Spec, Wiring};
use collapsar::internals::synthetic::{self, Lcg, Size, TINY};
use collapsar::internals::{Choice, Options};

/// The layers for a spec and how they are wired; in the deep family one between the two reads other cells, is gated and adds.
pub fn wired(family: Family, spec: &Spec, random: &mut Lcg) -> (Vec<Layer>, Vec<Wiring>) {
    let mut layers = synthetic::layers(spec.n_features(), Size { head: spec.head, ..TINY }, random);
    if family != Family::PixelcnnDeep {
        return (layers, (0..2).map(Wiring::plain).collect());
    }
    let inputs = [(0, 0), (0, -1), (-1, 1)].map(|tap| Input { source: 1, tap }).to_vec();
    let (n_in, n_out) = (24, 16);
    let weights = (0..n_in * n_out).map(|_| random.within(127) as i8).collect();
    layers.insert(1, Layer { n_in, n_out, weights, bias: vec![500; n_out], shift: vec![8; n_out] });
    (layers, vec![Wiring::plain(0), Wiring { inputs, gate: true, add: Some(1) }, Wiring::plain(2)])
}

pub fn options(model: Choice, dtype: Dtype, big_endian: bool, shape: &[u64]) -> Options {
    Options { model, raw: Some(ArrayType { dtype, big_endian, shape: shape.to_vec() }), ..Options::default() }
}

/// Planes of a smooth field with fixed and fresh noise, in colours if they are a mosaic.
fn frames(n: usize, h: usize, w: usize, mosaic: bool) -> impl Iterator<Item = u32> {
    let mut random = Lcg(3);
    let fixed: Vec<u32> = (0..h * w).map(|_| random.bits(6)).collect();
    (0..n * h * w).map(move |i| {
        let (y, x) = (i / w % h, i % w);
        let colour = if mosaic { [0, 4000, 9000, 2000][2 * (y & 1) + (x & 1)] } else { 0 };
        let place = if mosaic { y / 2 * 2 * w + x / 2 * 2 } else { y * w + x };
        1000 + (y + x) as u32 + colour + fixed[place] + random.bits(1)
    })
}

/// Small files of every kind that the encoder makes, without the weights of their models.
pub fn files() -> Vec<Vec<u8>> {
    let these = |family| Choice::These(vec![synthetic::loaded(family)]);
    let u16s = |n, h, w, mosaic| frames(n, h, w, mosaic).flat_map(|v| (v as u16).to_be_bytes()).collect::<Vec<u8>>();
    let raw = |bytes: &[u8], choice, dtype, shape: &[u64]| {
        collapsar::internals::compress(bytes, &options(choice, dtype, true, shape)).expect("a synthetic array is compressed")
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
    let reader = Reader::open(&source, &Limits::default()).expect("a synthetic file is valid");
    let payload = |(i, block): (usize, &collapsar::internals::container::BlockInfo)| {
        (block.kind, reader.payload(i).expect("a synthetic file is valid"))
    };
    reader.blocks().iter().enumerate().map(payload).collect()
}
