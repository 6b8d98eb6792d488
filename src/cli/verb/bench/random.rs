//! Models of every size with seeded random weights: they predict poorly and cost what trained ones cost.

use collapsar::internals::Result;
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Input, Layer, MAX_REACH, Net, Pass, Spec, Wiring};
use collapsar::internals::synthetic::Lcg;

const N_LINEAR: usize = 16;

/// How large a net is: about as many thousand multiplications per cell as its name says.
pub struct Size {
    name: &'static str,
    n_values: usize,
    n_residuals: usize,
    hidden: &'static [usize],
    head: Head,
}

pub const SIZES: [Size; 3] = [
    Size { name: "3k", n_values: 24, n_residuals: 16, hidden: &[32, 32], head: Head::Mixture { k: 3 } },
    Size { name: "15k", n_values: 60, n_residuals: 32, hidden: &[64, 64, 64], head: Head::Mixture { k: 3 } },
    Size { name: "70k", n_values: 84, n_residuals: 60, hidden: &[160, 160, 128], head: Head::Mixture { k: 5 } },
];

/// Nets that name tables, of the families that know them: with these go small ones.
pub const TABLES: Size = Size { name: "tables-1k", n_values: 16, n_residuals: 12, hidden: &[24], head: Head::Table };

pub fn model(family: Family, size: &Size) -> Result<Model> {
    let mut random = Lcg(1);
    let mut parts = Vec::new();
    for &pass in family.passes() {
        for n_refs in 0..=family.max_refs().min(1) {
            parts.push(part(pass, n_refs, size, &mut random)?);
        }
    }
    let name = format!("random-{}-{}", family.name(), size.name);
    // through its weights file, so that its hash is the one that a coded file would name
    collapsar::internals::weights::load(&collapsar::internals::weights::store(&Model::new(
        &name, family, parts, [0; 32],
    )?)?)
}

/// Three gated residual blocks, each of which reads the four nearest cells: 24 activations per cell and layer.
pub fn deep() -> Result<Model> {
    const AROUND: [(i32, i32); 5] = [(0, 0), (0, -1), (-1, -1), (-1, 0), (-1, 1)];
    const WIDTH: usize = 24;
    let size = Size { name: "deep", n_values: 40, n_residuals: 24, hidden: &[], head: Head::Mixture { k: 3 } };
    let mut random = Lcg(1);
    let mut part = |n_refs: usize| {
        let spec = spec(Pass::Raster, n_refs, &size, 2);
        let block = |source: usize| Wiring {
            inputs: AROUND.map(|tap| Input { source, tap }).to_vec(),
            gate: true,
            add: Some(source),
        };
        let wiring = vec![Wiring::plain(0), block(1), block(2), block(3), Wiring::plain(4)];
        let n_in = AROUND.len() * WIDTH;
        let sizes = [
            (spec.n_features(), WIDTH),
            (n_in, 2 * WIDTH),
            (n_in, 2 * WIDTH),
            (n_in, 2 * WIDTH),
            (WIDTH, size.head.n_outputs()),
        ];
        let layers = sizes.map(|(n_in, n_out)| layer(n_in, n_out, &mut random)).to_vec();
        Ok::<PassNet, collapsar::internals::Error>(PassNet {
            net: Net::wired(spec, layers, wiring)?,
            linear: Linear::mean(N_LINEAR),
        })
    };
    let parts = vec![part(0)?, part(1)?];
    let model = Model::new("random-pixelcnn-deep-19k", Family::PixelcnnDeep, parts, [0; 32])?;
    collapsar::internals::weights::load(&collapsar::internals::weights::store(&model)?)
}

fn part(pass: Pass, n_refs: usize, size: &Size, random: &mut Lcg) -> Result<PassNet> {
    let spec = spec(pass, n_refs, size, MAX_REACH);
    let widths = [&[spec.n_features()], size.hidden, &[size.head.n_outputs()]].concat();
    let layers = widths.windows(2).map(|w| layer(w[0], w[1], random)).collect();
    Ok(PassNet { net: Net::new(spec, layers)?, linear: Linear::mean(N_LINEAR) })
}

fn layer(n_used: usize, n_out: usize, random: &mut Lcg) -> Layer {
    let mut random = |n: u32| random.bits(24) % n;
    let n_in = n_used.next_multiple_of(4);
    Layer {
        n_in,
        n_out,
        weights: (0..n_in * n_out).map(|_| random(31) as i8 - 15).collect(),
        bias: (0..n_out).map(|_| random(4001) as i32 - 2000).collect(),
        shift: (0..n_out).map(|_| 7 + random(3) as u8).collect(),
    }
}

/// Raster taps lean to the right by less than `lean` columns per row: wavefronts lie that far apart.
fn spec(pass: Pass, n_refs: usize, size: &Size, lean: i32) -> Spec {
    let known = |(dy, dx): (i32, i32)| match pass {
        Pass::Raster => (dy < 0 && dx < lean * -dy) || (dy == 0 && dx < 0),
        _ => pass.knows((dy, dx)),
    };
    let nearest = |reach: i32, known: &dyn Fn((i32, i32)) -> bool| {
        let square = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx)));
        let mut taps: Vec<(i32, i32)> = square.filter(|&t| known(t)).collect();
        taps.sort_by_key(|&(dy, dx)| (dy * dy + dx * dx, dy, dx));
        taps
    };
    let mut taps = nearest(11, &known);
    taps.truncate(size.n_values.max(size.n_residuals));
    Spec {
        pass,
        head: size.head,
        taps,
        n_linear: N_LINEAR,
        n_values: size.n_values,
        n_residuals: size.n_residuals,
        n_refs,
        n_hints: if pass == Pass::Finer { 8 } else { 0 },
        ref_taps: nearest(1, &|_| true),
        near_log2: 3,
        wide_log2: 4,
        scale_floor: 16,
        feature_shift: 4,
    }
}
