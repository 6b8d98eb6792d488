//! What a training of raster, lattice or flow nets begins from: fresh floats, a model's, or a model's with more
//! reference planes.

use crate::net::context::first_floats;
use crate::net::preset::{Preset, mean_of_nearest};
use crate::net::quantise::{export, import, shape};
use crate::net::shape::Shape;
use crate::random::Random;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Layer, N_CONTEXT, Net, Pass, Spec};

/// What a training begins from.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its family, taps and shapes.
    pub model: Model,
    /// One list per net.
    pub floats: Vec<Vec<f32>>,
    /// So many of the nets are kept as they are.
    pub n_kept: usize,
}

impl Start {
    /// No weights yet.
    pub fn fresh(family: Family, preset: Preset, seed: u64) -> Result<Start> {
        let parts = preset.specs(family).into_iter().map(|spec| {
            let mut n_in = spec.n_features();
            let layers = preset.widths(spec.pass).into_iter().map(|n_out| {
                let n = n_in.next_multiple_of(4);
                n_in = n_out;
                Layer { n_in: n, n_out, weights: vec![0; n * n_out], bias: vec![0; n_out], shift: vec![0; n_out] }
            });
            let linear = mean_of_nearest(&spec)?;
            Ok(PassNet { net: Net::new(spec, layers.collect())?, linear })
        });
        let model = Model::new("blank", family, parts.collect::<Result<_>>()?, [0; 32])?;
        let first = |(i, part): (usize, &PassNet)| {
            let shape = shape(&part.net);
            let mut floats = first_floats(&shape, part.net.spec().head, &mut Random::of(&[seed, i as u64, 0]));
            if matches!(part.net.spec().pass, Pass::UpdateDiagonal | Pass::UpdateRest) {
                calm(&mut floats, &shape);
            }
            floats
        };
        let floats = model.nets.iter().enumerate().map(first).collect();
        Ok(Start { model, floats, n_kept: 0 })
    }

    /// The same nets with the weights of a model.
    pub fn with(self, model: Model) -> Result<Start> {
        let specs = |model: &Model| model.nets.iter().map(|p| (p.net.spec(), shape(&p.net))).collect::<Vec<_>>();
        if model.family != self.model.family || specs(&model) != specs(&self.model) {
            return Err(Error::argument("the weights to begin from are of another family or preset"));
        }
        Ok(Start::of(model))
    }

    /// The weights of a model.
    pub fn of(model: Model) -> Start {
        let floats = model.nets.iter().map(|part| import(&part.net)).collect();
        Start { model, floats, n_kept: 0 }
    }

    /// The nets of a model as they are, and behind them one per pass for each number of reference planes up to
    /// `n_refs`: it begins as the net without any, blind to them.
    pub fn with_refs(model: Model, n_refs: usize) -> Result<Start> {
        if model.family == Family::Idf {
            return Err(Error::argument("the nets of a flow are trained without reference planes"));
        }
        let mut start = Start::of(model);
        start.n_kept = start.model.nets.len();
        for n_refs in 1..=n_refs {
            for &pass in start.model.family.passes() {
                let plain = start.model.net_index(pass, 0);
                let PassNet { net, linear } = &start.model.nets[plain];
                let spec = Spec { n_refs, ..net.spec() };
                let floats = blind(&start.floats[plain], &shape(net), spec.n_features());
                let part = PassNet { net: export(&floats, &shape_of(&spec, net), &spec)?, linear: linear.clone() };
                start.floats.push(floats);
                start.model.nets.push(part);
            }
        }
        let Model { name, family, nets, .. } = start.model;
        Ok(Start { model: Model::new(&name, family, nets, [0; 32])?, ..start })
    }

    /// The nets of a model without reference planes as they are, the others to be trained further.
    pub fn of_refs(model: Model) -> Start {
        let n_kept = model.nets.iter().take_while(|part| part.net.spec().n_refs == 0).count();
        Start { n_kept, ..Start::of(model) }
    }
}

/// A last layer that says nothing: an update that does not disturb what comes before its turn to be trained.
fn calm(floats: &mut [f32], shape: &Shape) {
    let [n_in, n_out] = *shape.last().expect("a net has layers");
    let at = floats.len() - (n_in + 1) * n_out;
    floats[at..at + n_in * n_out].fill(0.0);
}

/// The shape of a net with another spec.
fn shape_of(spec: &Spec, net: &Net) -> Shape {
    let mut shape = shape(net);
    shape[0][0] = spec.n_features();
    shape
}

/// The floats of a net that sees more features and cares for none of them; the new ones come before the last
/// `N_CONTEXT`.
fn blind(floats: &[f32], shape: &Shape, n_features: usize) -> Vec<f32> {
    let [n_used, n_out] = shape[0];
    let (seen, rest) = floats.split_at((n_used - N_CONTEXT) * n_out);
    [seen, &vec![0.0; (n_features - n_used) * n_out], rest].concat()
}
