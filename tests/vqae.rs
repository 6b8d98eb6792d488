//! The autoencoder family: |v − v̂| ≤ 32 of 65 for every int that is seen, and what decoding gives is what the encoder said.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::error::ErrorKind;
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::model::Model;
use collapsar::internals::model::vqae::Vqae;
use collapsar::internals::synthetic;
use collapsar::internals::tile::transform::vqae::{Autoencoder, decode, encode};
use collapsar::internals::tile::transform::{Tile, TransformCoded};
use collapsar::internals::weights::{load, store};
use collapsar::internals::{Choice, Loss, Options, compress, decompress};

/// Sizes around those of cells, blocks and tiles.
const SIZES: [(usize, usize); 9] =
    [(1, 1), (1, 200), (7, 8), (8, 9), (63, 65), (64, 64), (65, 63), (130, 20), (129, 150)];

/// The synthetic autoencoder with the best kernels of this machine.
fn ready() -> (Vqae, Kernels) {
    let vqae = synthetic::vqae();
    let kernels = Kernels::new(Level::detect(), []).with(vqae.meshes());
    (vqae, kernels)
}

fn autoencoder((vqae, kernels): &(Vqae, Kernels)) -> Autoencoder<'_> {
    Autoencoder { vqae, kernels }
}

fn of_blocks(settled: &TransformCoded) -> bool {
    settled.code[0] == 1
}

#[test]
fn ints_come_out_within_half_a_step_and_as_the_encoder_said() {
    let vqae = ready();
    let mut n_of_blocks = 0;
    for (h, w) in SIZES {
        let ints = synthetic::shades(h, w);
        for max in [2000 + 300 * 3 + 9, 1 << 20] {
            let tile = Tile { ints: &ints, classes: &[], h, w, max };
            let settled = encode(autoencoder(&vqae), tile);
            assert!(ints.iter().zip(&settled.ints).all(|(v, out)| (v - out).abs() <= 32), "{h}×{w}");
            assert_eq!(decode(autoencoder(&vqae), &settled.code, &[], (h, w), max).unwrap(), settled.ints, "{h}×{w}");
            n_of_blocks += usize::from(of_blocks(&settled));
        }
    }
    assert!(n_of_blocks >= 6, "only {n_of_blocks} tiles have codes");
}

#[test]
fn what_is_hidden_costs_nothing_and_touches_nobody() {
    let vqae = ready();
    let (h, w, max) = (100, 140, 4000);
    let mut ints = synthetic::shades(h, w);
    // a coast that cuts cells, and a block of which nothing is seen
    let classes: Vec<u8> = (0..h * w).map(|i| u8::from(i % w < 70 && i / w < 66 || i / w + i % w > 190)).collect();
    let settled = encode(autoencoder(&vqae), Tile { ints: &ints, classes: &classes, h, w, max });
    assert!(of_blocks(&settled));
    let seen = |i: &usize| classes[*i] == 0;
    assert!((0..h * w).filter(seen).all(|i| (ints[i] - settled.ints[i]).abs() <= 32));
    let whole = encode(autoencoder(&vqae), Tile { ints: &ints, classes: &[], h, w, max });
    assert!(settled.code.len() * 4 < whole.code.len() * 3, "{} of {}", settled.code.len(), whole.code.len());
    assert_eq!(decode(autoencoder(&vqae), &settled.code, &classes, (h, w), max).unwrap(), settled.ints);
    let all = vec![1; h * w];
    ints.fill(7);
    let nothing = encode(autoencoder(&vqae), Tile { ints: &ints, classes: &all, h, w, max });
    assert!(nothing.code.len() < 8);
}

#[test]
fn cuts_and_flips_of_a_payload_are_errors_or_other_ints_within_range() {
    let vqae = ready();
    let (h, w, max) = (65, 70, 5000);
    let ints = synthetic::shades(h, w);
    let TransformCoded { code, .. } = encode(autoencoder(&vqae), Tile { ints: &ints, classes: &[], h, w, max });
    for n in 0..code.len() {
        assert!(decode(autoencoder(&vqae), &code[..n], &[], (h, w), max).is_err(), "{n}");
    }
    for bit in 0..code.len() * 8 {
        let mut wrong = code.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        if let Ok(out) = decode(autoencoder(&vqae), &wrong, &[], (h, w), max) {
            assert!(out.iter().all(|v| (0..=max).contains(v)));
        }
    }
}

#[test]
fn a_model_survives_its_weights_file_and_its_damage() {
    let model = Model::of_vqae("painted", synthetic::vqae(), [0; 32]);
    let bytes = store(&model).unwrap();
    let back = load(&bytes).unwrap();
    assert_eq!(back.vqae, model.vqae);
    assert_eq!(store(&back).unwrap(), bytes);
    let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize + 8;
    let mut n_refused = 0;
    for at in 8..header {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        match load(&wrong) {
            // a number or a name that may as well be another one
            Ok(other) => assert_eq!(load(&store(&other).unwrap()).unwrap().vqae, other.vqae, "{at}"),
            Err(error) => {
                assert!(matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Unsupported), "{at}: {error}");
                n_refused += 1;
            }
        }
    }
    assert!(n_refused * 10 > header * 9, "{n_refused} of {header} were refused");
    let text = String::from_utf8_lossy(&bytes[8..header]).into_owned();
    // escaped JSON in JSON
    for (from, to) in [
        ("[0,0,-1]", "[0,0,11]"),
        ("[0,0,-1]", "[0,0, 1]"),
        ("\\\"side\\\":4", "\\\"side\\\":3"),
        ("\\\"add\\\":2", "\\\"add\\\":3"),
    ] {
        assert!(text.contains(from), "{text}");
        let mut wrong = bytes.clone();
        wrong[8..header].copy_from_slice(text.replacen(from, to, 1).as_bytes());
        assert_eq!(load(&wrong).unwrap_err().kind, ErrorKind::Corrupt, "{to}");
    }
}

fn field(h: usize, w: usize) -> Vec<f32> {
    let ints = synthetic::shades(h, w);
    let value = |(i, v): (usize, &i32)| match i % 4001 {
        5 => f32::NAN,
        3999 if i < 4001 => 1e9,
        _ if i / w < 40 && i % w < 90 => -1e20,
        _ => *v as f32 * 0.01 - 3.0,
    };
    ints.iter().enumerate().map(value).collect()
}

fn options(dtype: Dtype, shape: &[u64], loss: Loss) -> Options {
    let ty = ArrayType { dtype, big_endian: false, shape: shape.to_vec() };
    Options {
        model: Choice::These(vec![synthetic::loaded_vqae()]),
        raw: Some(ty),
        embed: true,
        loss,
        ..Options::default()
    }
}

#[test]
fn fields_keep_their_bound_and_their_holes() {
    for (n, h, w) in [(1, 300, 280), (3, 70, 90), (1, 1, 900)] {
        let values: Vec<f32> = (0..n).flat_map(|_| field(h, w)).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let packed = compress(&bytes, &options(Dtype::F32, &[n as u64, h as u64, w as u64], Loss::Abs(0.33))).unwrap();
        let back = decompress(&packed).unwrap();
        let back: Vec<f32> = back.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        for (x, y) in values.iter().zip(&back) {
            let kept =
                if x.abs() < 1e6 { (f64::from(*x) - f64::from(*y)).abs() <= 0.33 } else { x.to_bits() == y.to_bits() };
            assert!(kept, "{x} {y}");
        }
    }
}

#[test]
fn what_no_autoencoder_codes_is_an_error() {
    let bytes: Vec<u8> = (0..4000u32).flat_map(|i| ((i % 100) as f32).to_le_bytes()).collect();
    let kind = |options: &Options| compress(&bytes, options).map(drop).unwrap_err().kind;
    assert_eq!(kind(&options(Dtype::F32, &[40, 100], Loss::None)), ErrorKind::Argument);
    assert_eq!(kind(&options(Dtype::F32, &[40, 100], Loss::PwRel(0.1))), ErrorKind::Argument);
    for e in [1e-3, 2e-5] {
        assert_eq!(kind(&options(Dtype::F32, &[40, 100], Loss::Abs(e))), ErrorKind::Argument);
    }
    assert_eq!(kind(&options(Dtype::U16, &[80, 100], Loss::Abs(3.0))), ErrorKind::Argument);
    // nothing differs, or nothing is finite: there is nothing to be lost
    for sample in [7.5f32, f32::NAN] {
        let same = sample.to_le_bytes().repeat(4000);
        let packed = compress(&same, &options(Dtype::F32, &[40, 100], Loss::Rel(0.1))).unwrap();
        assert_eq!(decompress(&packed).unwrap(), same);
    }
    let mut two = options(Dtype::F32, &[40, 100], Loss::Abs(1.0));
    compress(&bytes, &two).unwrap();
    let Choice::These(models) = &mut two.model else { unreachable!() };
    models.push(synthetic::loaded(collapsar::internals::model::Family::Pixelcnn));
    assert_eq!(kind(&two), ErrorKind::Argument);
}
