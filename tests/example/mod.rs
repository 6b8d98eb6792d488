//! The small net and tile that NUMERICS.md and FORMAT.md work through.

#![allow(dead_code, reason = "each test uses its part")]

use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::kernel::{ONE, PlaneStats};
use collapsar::internals::model::vqae::{Codebook, Vqae};
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Input, Layer, Mesh, MeshLayer, Net, Pass, Sheet, Spec, Wiring};
use collapsar::internals::weights::{load, store};
use std::sync::Arc;

pub const H: usize = 3;
pub const W: usize = 4;
pub const INTS: [i32; H * W] = [1000, 1003, 1001, 1010, 998, 1002, 1040, 1007, 1001, 999, 1004, 1003];
pub const MAX: i32 = 4095;
pub const STATS: PlaneStats = PlaneStats { median: 1002 * ONE, spread: 200 };
const OWN: [i16; 2] = [2048, -1024];

pub fn linear() -> Linear {
    Linear::new(OWN.to_vec(), Vec::new()).expect("small coefficients")
}

pub fn model(family: Family) -> Model {
    let net = |pass: Pass, taps: &[(i32, i32)]| {
        let spec = Spec {
            pass,
            head: Head::Mixture { k: 2 },
            taps: taps.to_vec(),
            n_linear: 3,
            n_values: 4,
            n_residuals: 4,
            n_refs: 0,
            n_hints: if pass == Pass::Finer { 2 } else { 0 },
            ref_taps: vec![(0, 0)],
            near_log2: 1,
            wide_log2: 2,
            scale_floor: 16,
            feature_shift: 4,
        };
        let (n_hints, table) = (if family == Family::L3c { spec.n_hints } else { 0 }, table_layers(12));
        let net = match family {
            Family::Vdm => Net::new(Spec { head: Head::Table, n_residuals: 0, n_hints, ..spec }, table),
            Family::PixelcnnDeep => Net::wired(spec, deep_layers(), deep_wiring()),
            Family::L3c if pass == Pass::Encoder => Net::new(spec, telling_layers()),
            _ => Net::new(spec, layers()),
        };
        PassNet { net: net.expect("a sound net"), linear: linear() }
    };
    let parts = match family {
        Family::Vqae => panic!("its nets are meshes, and stand in an example of their own"),
        Family::Pixelcnn | Family::PixelcnnDeep => vec![net(Pass::Raster, &[(0, -1), (-1, 0), (-1, -1), (-1, 1)])],
        Family::Lattice | Family::Idf => {
            let taps: [[_; 4]; 2] = [[(-1, -1), (-1, 1), (1, -1), (1, 1)], [(-1, 0), (0, -1), (0, 1), (1, 0)]];
            family.passes().iter().zip(taps.iter().cycle()).map(|(&pass, taps)| net(pass, taps)).collect()
        }
        Family::Vdm => vec![net(Pass::Finer, &[(0, 0), (-1, 0), (0, -1), (-1, -1)])],
        Family::L3c => vec![
            net(Pass::Encoder, &[(0, 0), (0, 1), (1, 0), (1, 1)]),
            net(Pass::Feature, &[(0, 0), (-1, 0), (0, -1), (0, 1)]),
            net(Pass::Finer, &[(0, 0), (-1, 0), (0, -1), (-1, -1)]),
        ],
    };
    Model::new("example", family, parts, [0; 32]).expect("a sound model")
}

/// The first of them with a head that names tables.
pub fn table_model() -> Model {
    let mut nets = model(Family::Pixelcnn).nets;
    let net = &nets[0].net;
    nets[0].net = Net::new(Spec { head: Head::Table, ..net.spec() }, table_layers(16)).expect("a sound net");
    Model::new("example", Family::Pixelcnn, nets, [0; 32]).expect("a sound model")
}

fn layer(n_in: i32, n_out: i32, weight: fn(i32, i32) -> i32, bias: fn(i32) -> i32, shift: u8) -> Layer {
    Layer {
        n_in: n_in as usize,
        n_out: n_out as usize,
        weights: (0..n_out).flat_map(|o| (0..n_in).map(move |i| weight(o, i) as i8)).collect(),
        bias: (0..n_out).map(bias).collect(),
        shift: vec![shift; n_out as usize],
    }
}

/// The same two layers, with a first head that is not always below 0.
fn telling_layers() -> Vec<Layer> {
    let mut layers = layers();
    layers[1].bias[0] = 2000;
    layers
}

/// The same two layers, and between them one that reads other cells, is gated and adds.
fn deep_layers() -> Vec<Layer> {
    let mut layers = layers();
    layers.insert(1, layer(12, 8, |o, i| (5 * o + 7 * i) % 23 - 9, |o| 60 * o - 100, 3));
    layers
}

fn deep_wiring() -> Vec<Wiring> {
    let at = |dy, dx| Input { source: 1, tap: (dy, dx) };
    let middle = Wiring { inputs: vec![at(0, 0), at(0, -1), at(-1, 1)], gate: true, add: Some(1) };
    vec![Wiring::plain(0), middle, Wiring::plain(2)]
}

fn table_layers(n_in: i32) -> Vec<Layer> {
    vec![first_layer(n_in), layer(4, 4, |o, i| 4 * ((5 * o + 3 * i) % 11 - 5), |o| 100 * o - 90, 1)]
}

fn first_layer(n_in: i32) -> Layer {
    layer(n_in, 4, |o, i| (7 * o + 5 * i) % 13 - 6, |o| 100 * (o + 1), 5)
}

fn layers() -> Vec<Layer> {
    vec![first_layer(16), layer(4, 6, |o, i| 4 * ((5 * o + 3 * i) % 11 - 5), |o| 37 * o - 90, 1)]
}

/// The model's weights file, and the model as it comes out of it.
pub fn weights(family: Family) -> (Vec<u8>, Arc<Model>) {
    let bytes = store(&model(family)).expect("weights can be stored");
    let model = load(&bytes).expect("and loaded");
    (bytes, Arc::new(model))
}

/// The autoencoder of NUMERICS.md, section 7.4: meshes of one layer each, codes of one number.
pub fn vqae() -> Vqae {
    let sheet = |side: usize, width: usize| Sheet { side, width };
    let mesh = |sources: &[(usize, usize)], side: usize, inputs: &[(usize, i32, i32)], layer: Layer| {
        let inputs = inputs.iter().map(|&(source, dy, dx)| Input { source, tap: (dy, dx) }).collect();
        let sources = sources.iter().map(|&(side, width)| sheet(side, width)).collect();
        Mesh::new(sources, vec![MeshLayer { side, inputs, add: None, layer }]).expect("a sound mesh")
    };
    let meshes = [
        mesh(&[(8, 64)], 4, &[(0, 0, 0)], layer(64, 1, |_, _| 1, |_| 0, 6)),
        mesh(&[(8, 64), (4, 1)], 8, &[(0, 0, 0), (1, 0, 0)], layer(68, 1, |_, i| i32::from(i < 64), |_| 0, 6)),
        mesh(
            &[(4, 1), (8, 1)],
            8,
            &[(0, 0, 0), (1, 0, 0), (1, 0, 1)],
            layer(
                12,
                64,
                |o, i| [1, 7, i32::from(o == 63)][i as usize / 4] * i32::from(i % 4 == 0),
                |o| 20 * ((5 * o + 3 * (o / 8)) % 8) - 572,
                0,
            ),
        ),
        mesh(&[(4, 1), (1, 2)], 4, &[(0, 0, -1), (1, 0, 0)], layer(8, 4, |o, i| 5 * o - 3 * i, |o| 40 * o, 2)),
        mesh(
            &[(8, 1), (4, 1), (1, 2)],
            8,
            &[(0, 0, -1), (1, 0, 0), (2, 0, 0)],
            layer(12, 8, |o, i| 2 * o - i, |o| 90 - 20 * o, 1),
        ),
    ];
    let codes = |n: u8, first: u8, step: u8| Codebook::new(1, (0..n).map(|i| first + step * i).collect());
    Vqae::new(meshes, codes(4, 16, 32).expect("codes"), codes(8, 8, 16).expect("codes")).expect("a sound autoencoder")
}
