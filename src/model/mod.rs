//! A model: the nets of one weights file, and the schedule in which they meet the cells of a tile.

pub mod lattice;
pub mod plan;
pub mod raster;
pub mod zoo;

use crate::error::{Error, Result};
use crate::kernel::fast::{Fast, Level};
use crate::kernel::predict::Linear;
use crate::net::{Net, Pass, Tap};
pub use plan::Plan;

/// The families of networks this version knows. FORMAT.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The context net in raster order, decoded in wavefronts.
    Pixelcnn,
    /// The context net from coarse to fine, two passes per level.
    Lattice,
}

impl Family {
    pub fn name(self) -> &'static str {
        match self {
            Family::Pixelcnn => "pixelcnn",
            Family::Lattice => "lattice",
        }
    }

    pub fn from_name(name: &str) -> Result<Family> {
        [Family::Pixelcnn, Family::Lattice]
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| Error::unsupported(format!("model family '{name}' is not known to this version")))
    }

    /// The passes that the family runs; a model must have a net without references for each.
    pub fn passes(self) -> &'static [Pass] {
        match self {
            Family::Pixelcnn => &[Pass::Raster],
            Family::Lattice => &[Pass::Diagonal, Pass::Rest],
        }
    }
}

/// A net and the predictor it was trained with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub net: Net,
    pub linear: Linear,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub name: String,
    pub family: Family,
    pub parts: Vec<Part>,
    /// blake3 of the weights file: how a coded file names its model.
    pub hash: [u8; 32],
}

impl Model {
    pub fn new(name: &str, family: Family, parts: Vec<Part>, hash: [u8; 32]) -> Result<Model> {
        for (i, p) in parts.iter().enumerate() {
            if parts[..i].iter().any(|q| (q.net.pass, q.net.n_refs) == (p.net.pass, p.net.n_refs)) {
                return Err(Error::corrupt("two nets for one pass and one number of reference planes"));
            }
        }
        for &pass in family.passes() {
            if !parts.iter().any(|p| p.net.pass == pass && p.net.n_refs == 0) {
                return Err(Error::corrupt(format!("a {} model without a net for pass {pass:?}", family.name())));
            }
        }
        let same = |f: fn(&Net) -> &[(i32, i32)]| {
            parts.iter().all(|p| parts.iter().all(|q| p.net.pass != q.net.pass || f(&p.net) == f(&q.net)))
        };
        if !same(|n| &n.taps) || !same(|n| &n.ref_taps) || parts.iter().any(|p| !family.passes().contains(&p.net.pass))
        {
            return Err(Error::corrupt("nets of one pass look at different places"));
        }
        if parts.iter().any(|p| p.net.n_linear != parts[0].net.n_linear || p.net.k != parts[0].net.k) {
            return Err(Error::corrupt("nets of one model differ in their linear taps or mixtures"));
        }
        if parts.iter().any(|p| p.net.ref_taps.len() != parts[0].net.ref_taps.len()) {
            return Err(Error::corrupt("nets of one model differ in their reference taps"));
        }
        Ok(Model { name: name.to_string(), family, parts, hash })
    }

    /// The net for a pass that uses most of the `n_refs` reference planes at hand.
    pub fn part(&self, pass: Pass, n_refs: usize) -> usize {
        let fits = |&i: &usize| self.parts[i].net.pass == pass && self.parts[i].net.n_refs <= n_refs;
        (0..self.parts.len()).filter(fits).max_by_key(|&i| self.parts[i].net.n_refs).expect("Model::new found one")
    }

    /// Multiplications per cell of the net without references, the largest of its passes.
    pub fn n_mac(&self) -> usize {
        self.parts.iter().filter(|p| p.net.n_refs == 0).map(|p| p.net.n_mac()).max().unwrap_or(0)
    }

    /// How many predictors a plane may have: one per pass, and for coarse-to-fine passes one per class of level.
    pub fn n_sets(&self) -> usize {
        match self.family {
            Family::Pixelcnn => 1,
            Family::Lattice => 6,
        }
    }
}

impl Model {
    /// The kernels of a level, with the nets of this model.
    pub fn fast(&self, level: Level) -> Fast {
        Fast::new(level, self.parts.iter().map(|p| &p.net))
    }

    fn taps(&self, pass: Pass) -> (&[Tap], &[Tap]) {
        let net = &self.parts[self.part(pass, 0)].net;
        (&net.taps, &net.ref_taps)
    }

    pub fn plan_to_encode(&self, h: usize, w: usize) -> Plan {
        match self.family {
            Family::Pixelcnn => {
                let (taps, ref_taps) = self.taps(Pass::Raster);
                raster::rows(taps, ref_taps, h, w)
            }
            Family::Lattice => self.plan_to_decode(h, w),
        }
    }

    pub fn plan_to_decode(&self, h: usize, w: usize) -> Plan {
        match self.family {
            Family::Pixelcnn => {
                let (taps, ref_taps) = self.taps(Pass::Raster);
                raster::waves(taps, ref_taps, h, w)
            }
            Family::Lattice => {
                let (diagonal, rest) = (self.taps(Pass::Diagonal), self.taps(Pass::Rest));
                lattice::plan((diagonal.0, rest.0), (diagonal.1, rest.1), h, w)
            }
        }
    }

    /// The predictors that the weights file came with, one per set; places in `n_refs` reference planes count for nothing.
    pub fn linears(&self, n_refs: usize) -> Vec<Linear> {
        let passes = self.family.passes();
        let linear = |set: usize| {
            let part = &self.parts[self.part(passes[set % passes.len()], 0)];
            let refs = vec![vec![0; part.net.ref_taps.len() - 1]; n_refs];
            Linear::new(part.linear.own().to_vec(), refs).expect("zeros add nothing to a sum that was checked")
        };
        (0..self.n_sets()).map(linear).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::net::{Layer, Spec};

    /// A small model with seeded random weights: poor predictions, every path walked.
    pub fn painted_model(family: Family, seed: u32, k: usize) -> Model {
        let mut state = seed;
        let mut random = move |n: u32| {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 8) % n
        };
        let mut part = |pass: Pass, n_refs: usize| {
            let spec = painted_spec(pass, n_refs, k);
            let widths = [spec.n_features(), 8, 12, 3 * k];
            let layers = widths.windows(2).enumerate().map(|(l, w)| {
                let n_in = w[0].next_multiple_of(4);
                let last = l + 2 == widths.len();
                // the last layer is calm, so that predictions stay sensible: scales about half an octave below s
                let weight = |r: u32| if last { r as i32 % 15 - 7 } else { r as i32 - 127 };
                let bias = |o: usize, r: i32| {
                    if !last {
                        r
                    } else if o >= 2 * k {
                        -150 << 3
                    } else {
                        r >> 6
                    }
                };
                Layer {
                    n_in,
                    n_out: w[1],
                    weights: (0..n_in * w[1]).map(|_| weight(random(255)) as i8).collect(),
                    bias: (0..w[1]).map(|o| bias(o, random(20000) as i32 - 10000)).collect(),
                    shift: (0..w[1]).map(|_| if last { 3 } else { 7 + random(4) as u8 }).collect(),
                }
            });
            let layers = layers.collect();
            Part { net: Net::new(spec, layers).unwrap(), linear: Linear::mean(6) }
        };
        let parts = family.passes().iter().flat_map(|&p| [part(p, 0), part(p, 1)]).collect();
        Model::new("painted", family, parts, [0; 32]).unwrap()
    }

    fn painted_spec(pass: Pass, n_refs: usize, k: usize) -> Spec {
        let near = |&(dy, dx): &(i32, i32)| (dy * dy + dx * dx, dy, dx);
        let square = |r: i32| (-r..=r).flat_map(move |dy| (-r..=r).map(move |dx| (dy, dx)));
        let mut taps: Vec<_> = square(5).filter(|&t| pass.knows(t)).collect();
        taps.sort_by_key(near);
        taps.truncate(24);
        let mut ref_taps: Vec<_> = square(1).collect();
        ref_taps.sort_by_key(near);
        Spec {
            pass,
            k,
            taps,
            n_linear: 6,
            n_values: 20,
            n_residuals: 17,
            n_refs,
            ref_taps,
            near_log2: 3,
            wide_log2: 4,
            scale_floor: 16,
            feature_shift: 4,
        }
    }

    #[test]
    fn a_model_survives_its_weights_file() {
        for family in [Family::Pixelcnn, Family::Lattice] {
            let model = painted_model(family, 5, 2);
            let bytes = crate::net::store(&model).unwrap();
            assert_eq!(bytes, crate::net::store(&model).unwrap());
            let back = crate::net::load(&bytes).unwrap();
            assert_eq!((&back.parts, back.family), (&model.parts, family));
            assert_eq!(back.hash, *blake3::hash(&bytes).as_bytes());
        }
    }
}
