//! A model of the usual size with seeded random weights: it predicts poorly and costs what a trained one costs.

use collapsar::Result;
use collapsar::kernel::predict::Linear;
use collapsar::model::{Family, Model, Part};
use collapsar::net::{Layer, Net, Pass, Spec};

const K: usize = 3;
const HIDDEN: [usize; 2] = [32, 32];
const N_LINEAR: usize = 12;

pub fn model(family: Family) -> Result<Model> {
    let passes: &[Pass] = match family {
        Family::Pixelcnn => &[Pass::Raster],
        Family::Lattice => &[Pass::Diagonal, Pass::Rest],
    };
    let mut state = 1u32;
    let parts = passes.iter().map(|&pass| part(pass, &mut state)).collect::<Result<Vec<Part>>>()?;
    let name = format!("random-{}", family.name());
    // through its weights file, so that its hash is the one that a coded file would name
    collapsar::net::load(&collapsar::net::store(&Model::new(&name, family, parts, [0; 32])?)?)
}

fn part(pass: Pass, state: &mut u32) -> Result<Part> {
    let mut random = |n: u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 8) % n
    };
    let spec = spec(pass);
    let widths = [&[spec.n_features()], &HIDDEN[..], &[3 * K]].concat();
    let layer = |w: &[usize]| {
        let (n_in, n_out) = (w[0].next_multiple_of(4), w[1]);
        Layer {
            n_in,
            n_out,
            weights: (0..n_in * n_out).map(|_| random(31) as i8 - 15).collect(),
            bias: (0..n_out).map(|_| random(4001) as i32 - 2000).collect(),
            shift: (0..n_out).map(|_| 7 + random(3) as u8).collect(),
        }
    };
    let layers = widths.windows(2).map(layer).collect();
    Ok(Part { net: Net::new(spec, layers)?, linear: Linear::mean(N_LINEAR) })
}

fn spec(pass: Pass) -> Spec {
    let known = |(dy, dx): (i32, i32)| match pass {
        Pass::Raster => dy < 0 || (dy == 0 && dx < 0),
        Pass::Diagonal => dy & 1 == 1 && dx & 1 == 1,
        Pass::Rest => (dy + dx) & 1 == 1,
    };
    let square = (-5..=5).flat_map(|dy| (-5..=5).map(move |dx| (dy, dx)));
    let mut taps: Vec<(i32, i32)> = square.filter(|&t| known(t)).collect();
    taps.sort_by_key(|&(dy, dx)| (dy * dy + dx * dx, dy, dx));
    taps.truncate(24);
    Spec {
        pass,
        k: K,
        taps,
        n_linear: N_LINEAR,
        n_values: 16,
        n_residuals: 12,
        n_refs: 0,
        ref_taps: vec![(0, 0)],
        near_log2: 3,
        wide_log2: 4,
        scale_floor: 16,
        feature_shift: 4,
    }
}
