//! Small files of every kind.

use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Input, Layer, Net, Pass, Spec, Wiring};
use std::io::Write;

pub fn fits() -> Vec<u8> {
    cube(1)
}

/// The same noise in every plane: only who looks at the plane before can foresee it.
pub fn cube(n_planes: u32) -> Vec<u8> {
    let cards = [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "3"), ("NAXIS1", "96"), ("NAXIS2", "80")];
    let card = |key: &str, value: &str| format!("{:<80}", format!("{key:<8}= {value:>20}"));
    let mut out: String = cards.iter().map(|(key, value)| card(key, value)).collect();
    out += &card("NAXIS3", &n_planes.to_string());
    out += &format!("{:<80}", "END");
    let mut out = out.into_bytes();
    out.resize(2880, b' ');
    for plane in 0..n_planes {
        let mut state = 1u32;
        for i in 0..96 * 80u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.extend(((1000 + plane + i % 96 + (state >> 22)) as u16).to_be_bytes());
        }
    }
    out.resize(out.len().next_multiple_of(2880), 0);
    out
}

pub fn npy() -> Vec<u8> {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 60), }";
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(118u16.to_le_bytes());
    out.extend(format!("{text:<117}\n").bytes());
    out.extend((0..2400).flat_map(|i| (i as f32 * 0.25 - 3.0).to_le_bytes()));
    out
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A .gz that no writer we know would make: stored blocks with an odd cut.
pub fn odd_gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let n_blocks = bytes.len().div_ceil(777);
    for (i, block) in bytes.chunks(777).enumerate() {
        out.push(u8::from(i + 1 == n_blocks));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(block);
    }
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    out.extend(crc.sum().to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// A weights file whose predictor sees the plane before.
pub fn weights() -> Vec<u8> {
    let n_in = spec().n_features().next_multiple_of(4);
    let layer = Layer { n_in, n_out: 3, weights: vec![0; 3 * n_in], bias: vec![0, 0, -128], shift: vec![0; 3] };
    model(Family::Pixelcnn, Net::new(spec(), vec![layer]).unwrap())
}

/// One whose second layer looks at the cell on the left and at the cell above.
pub fn deep_weights() -> Vec<u8> {
    let layer = |n_in, n_out, weight, bias| Layer {
        n_in,
        n_out,
        weights: vec![weight; n_in * n_out],
        bias: vec![bias; n_out],
        shift: vec![if n_out == 3 { 0 } else { 6 }; n_out],
    };
    let last = Layer { bias: vec![0, 0, -128], ..layer(4, 3, 0, 0) };
    let n_in = spec().n_features().next_multiple_of(4);
    let layers = vec![layer(n_in, 4, 3, 99), layer(8, 4, 25, -700), last];
    let inputs = [(0, -1), (-1, 0)].map(|tap| Input { source: 1, tap }).to_vec();
    let wiring = vec![Wiring::plain(0), Wiring { inputs, gate: false, add: Some(1) }, Wiring::plain(2)];
    model(Family::PixelcnnDeep, Net::wired(spec(), layers, wiring).unwrap())
}

fn spec() -> Spec {
    let mut taps: Vec<(i32, i32)> = (-3..=0).flat_map(|dy| (-3..=3).map(move |dx| (dy, dx))).collect();
    taps.retain(|&(dy, dx)| dy < 0 || dx < 0);
    taps.sort_by_key(|&(dy, dx)| (dy * dy + dx * dx, dy, dx));
    Spec {
        pass: Pass::Raster,
        head: Head::Mixture { k: 1 },
        taps,
        n_linear: 6,
        n_values: 4,
        n_residuals: 4,
        n_refs: 0,
        n_hints: 0,
        ref_taps: vec![(0, 0), (0, -1), (-1, 0)],
        near_log2: 3,
        wide_log2: 4,
        scale_floor: 16,
        feature_shift: 4,
    }
}

fn model(family: Family, net: Net) -> Vec<u8> {
    let part = PassNet { net, linear: Linear::mean(6) };
    let model = Model::new("painted", family, vec![part], [0; 32]).unwrap();
    collapsar::internals::weights::store(&model).unwrap()
}
