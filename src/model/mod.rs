//! A model: the nets of one weights file, and the schedule in which they meet the cells of a tile.

pub mod idf;
pub mod l3c;
pub mod lattice;
pub mod plan;
pub mod raster;
pub mod vdm;
pub mod vqae;

use crate::error::{Error, Result};
use crate::kernel::fast::{Kernels, Level};
use crate::kernel::predict::Linear;
use crate::net::{Head, Net, Pass, Tap};
pub use plan::Plan;
use vqae::Vqae;

/// The families of networks this version knows. FORMAT.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The context net in raster order, decoded in wavefronts.
    Pixelcnn,
    /// The context net from coarse to fine, two passes per level.
    Lattice,
    /// Layers that read those of cells coded earlier, in raster order.
    PixelcnnDeep,
    /// An integer flow: midpoints predicted, cells around them updated, from fine to coarse; what is left is coded, coarse to fine.
    Idf,
    /// Means and transmitted features from coarse to fine, each scale at once.
    L3c,
    /// A two-level autoencoder with codebooks, for fields within a bound: blocks, and corrections that keep the bound.
    Vqae,
    /// A diffusion model: coarser and noisier images of a tile, whose noise is bits of the file, borrowed and given back.
    Vdm,
}

impl Family {
    pub const ALL: [Family; 7] =
        [Family::Pixelcnn, Family::Lattice, Family::PixelcnnDeep, Family::Idf, Family::L3c, Family::Vqae, Family::Vdm];
    /// Those whose nets meet the cells of a tile in a plan's steps.
    pub const OF_CELLS: [Family; 5] =
        [Family::Pixelcnn, Family::Lattice, Family::PixelcnnDeep, Family::Idf, Family::L3c];

    pub fn name(self) -> &'static str {
        match self {
            Family::Pixelcnn => "pixelcnn",
            Family::Lattice => "lattice",
            Family::PixelcnnDeep => "pixelcnn-deep",
            Family::Idf => "idf",
            Family::L3c => "l3c",
            Family::Vqae => "vqae",
            Family::Vdm => "vdm",
        }
    }

    pub fn from_name(name: &str) -> Result<Family> {
        Family::ALL
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| Error::unsupported(format!("model family '{name}' is not known to this version")))
    }

    /// The passes that the family runs; a model must have a net without references for each.
    pub fn passes(self) -> &'static [Pass] {
        match self {
            Family::Pixelcnn | Family::PixelcnnDeep => &[Pass::Raster],
            Family::Lattice => &[Pass::Diagonal, Pass::Rest],
            Family::Vqae => &[],
            Family::Idf => &[
                Pass::Diagonal,
                Pass::Rest,
                Pass::PredictDiagonal,
                Pass::PredictRest,
                Pass::UpdateDiagonal,
                Pass::UpdateRest,
            ],
            Family::L3c => &[Pass::Encoder, Pass::Feature, Pass::Finer],
            Family::Vdm => &[Pass::Finer],
        }
    }

    /// The passes in which ints are coded: the first of them.
    pub fn coded(self) -> &'static [Pass] {
        let n = if self == Family::Idf { 2 } else { self.passes().len() };
        &self.passes()[..n]
    }

    /// How many reference planes a plane may have, and whether ints that a mask hides can be left out.
    pub fn max_refs(self) -> usize {
        if self.has_scales() { 0 } else { 3 }
    }

    /// How much wider than the noise asks for the steps of means may be; where there are none, nothing is to be measured twice.
    pub fn octaves(self) -> &'static [i32] {
        if self == Family::L3c { &[0, -1, 1] } else { &[0] }
    }

    /// Whether its nets may be as large as those of a preset `max`: not where an int costs three of them.
    pub fn has_large_nets(self) -> bool {
        self != Family::L3c
    }

    pub fn knows_masks(self) -> bool {
        !self.has_scales()
    }

    /// Whether it codes images of a tile from coarse to fine.
    pub fn has_scales(self) -> bool {
        matches!(self, Family::L3c | Family::Vdm)
    }

    /// Whether there are shaders for it.
    pub fn runs_on_gpus(self) -> bool {
        self != Family::Vdm
    }
}

/// What the nets of a pass read: ints, reference planes, activations.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    pub taps: &'a [Tap],
    pub ref_taps: &'a [Tap],
    pub around: &'a [Tap],
}

/// A net and the predictor it was trained with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassNet {
    pub net: Net,
    pub linear: Linear,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub name: String,
    pub family: Family,
    /// Empty of a vqae, whose nets are meshes.
    pub nets: Vec<PassNet>,
    pub vqae: Option<Vqae>,
    /// blake3 of the weights file: how a coded file names its model.
    pub hash: [u8; 32],
    /// Rungs of a vdm's ladder from one size of image to the next: 1, but in experiments.
    pub per_octave: usize,
}

impl Model {
    pub fn new(name: &str, family: Family, nets: Vec<PassNet>, hash: [u8; 32]) -> Result<Model> {
        for (i, p) in nets.iter().enumerate() {
            if nets[..i].iter().any(|q| (q.net.pass, q.net.n_refs) == (p.net.pass, p.net.n_refs)) {
                return Err(Error::corrupt("two nets for one pass and one number of reference planes"));
            }
        }
        if nets.is_empty() {
            return Err(Error::corrupt(format!("a {} model without nets", family.name())));
        }
        if nets.iter().any(|p| p.net.n_refs > family.max_refs()) {
            return Err(Error::corrupt(format!("a {} model that has reference planes", family.name())));
        }
        for &pass in family.passes() {
            if !nets.iter().any(|p| p.net.pass == pass && p.net.n_refs == 0) {
                return Err(Error::corrupt(format!("a {} model without a net for pass {pass:?}", family.name())));
            }
        }
        if family != Family::PixelcnnDeep && !nets.iter().all(|p| p.net.is_plain()) {
            return Err(Error::corrupt(format!("a {} model whose layers are not plain", family.name())));
        }
        let same = |f: fn(&Net) -> &[(i32, i32)]| {
            nets.iter().all(|p| nets.iter().all(|q| p.net.pass != q.net.pass || f(&p.net) == f(&q.net)))
        };
        let places = same(|n| &n.taps) && same(|n| &n.ref_taps) && same(Net::around);
        if !places || nets.iter().any(|p| !family.passes().contains(&p.net.pass)) {
            return Err(Error::corrupt("nets of one pass read different places"));
        }
        let coded = || nets.iter().filter(|p| family.coded().contains(&p.net.pass)).map(|p| &p.net);
        if coded().any(|net| net.n_linear != nets[0].net.n_linear || net.head != nets[0].net.head) {
            return Err(Error::corrupt("nets of one model differ in their linear taps or mixtures"));
        }
        if nets.iter().any(|p| p.net.head == Head::Table)
            && !matches!(family, Family::Pixelcnn | Family::Lattice | Family::Vdm)
        {
            return Err(Error::corrupt(format!("a {} model whose ints are coded by tables", family.name())));
        }
        if family == Family::Vdm {
            vdm::check(&nets[0].net)?;
        }
        if family == Family::Idf {
            idf::check(&nets)?;
        }
        if nets.iter().any(|p| p.net.ref_taps.len() != nets[0].net.ref_taps.len()) {
            return Err(Error::corrupt("nets of one model differ in their reference taps"));
        }
        Ok(Model { name: name.to_string(), family, nets, vqae: None, hash, per_octave: 1 })
    }

    /// What the nets that code ints say of them.
    pub fn head(&self) -> Head {
        self.nets[0].net.head
    }

    /// The net for a pass that uses most of the `n_refs` reference planes at hand.
    pub fn net_index(&self, pass: Pass, n_refs: usize) -> usize {
        let fits = |&i: &usize| self.nets[i].net.pass == pass && self.nets[i].net.n_refs <= n_refs;
        (0..self.nets.len()).filter(fits).max_by_key(|&i| self.nets[i].net.n_refs).expect("Model::new found one")
    }

    /// Multiplications per cell of the nets without references, the largest of the passes; a cell of a flow meets three nets, one of a
    /// vqae all meshes.
    pub fn n_mac(&self) -> usize {
        if let Some(vqae) = &self.vqae {
            return vqae.n_mac();
        }
        let plain = self.nets.iter().filter(|p| p.net.n_refs == 0).map(|p| p.net.n_mac());
        match self.family {
            Family::Idf => plain.collect::<Vec<_>>().chunks(2).filter_map(|nets| nets.iter().max()).sum(),
            _ => plain.max().unwrap_or(0),
        }
    }

    /// How many predictors a plane may have: one per pass, and for coarse-to-fine passes one per class of level.
    pub fn n_sets(&self) -> usize {
        match self.family {
            Family::Pixelcnn | Family::PixelcnnDeep => 1,
            Family::Lattice | Family::Idf => 6,
            Family::L3c => l3c::N_SETS,
            Family::Vdm => vdm::n_sets(self.per_octave),
            Family::Vqae => 0,
        }
    }
}

impl Model {
    /// The kernels of a level, with the nets of this model.
    pub fn kernels(&self, level: Level) -> Kernels {
        Kernels::new(level, self.nets.iter().map(|p| &p.net)).with(self.vqae.iter().flat_map(Vqae::meshes))
    }

    fn places(&self, pass: Pass) -> Places<'_> {
        let net = &self.nets[self.net_index(pass, 0)].net;
        Places { taps: &net.taps, ref_taps: &net.ref_taps, around: net.around() }
    }

    pub fn plan_to_encode(&self, h: usize, w: usize) -> Plan {
        match self.family {
            Family::Pixelcnn | Family::PixelcnnDeep => raster::rows(self.places(Pass::Raster), h, w),
            Family::Lattice | Family::Idf | Family::L3c | Family::Vqae | Family::Vdm => self.plan_to_decode(h, w),
        }
    }

    pub fn plan_to_decode(&self, h: usize, w: usize) -> Plan {
        match self.family {
            Family::Pixelcnn | Family::PixelcnnDeep => raster::by_wavefronts(self.places(Pass::Raster), h, w),
            Family::Vqae => panic!("a vqae knows blocks, and no plan"),
            Family::Lattice => lattice::plan([Pass::Diagonal, Pass::Rest].map(|pass| self.places(pass)), h, w),
            Family::Idf => {
                let coded = [Pass::Diagonal, Pass::Rest].map(|pass| self.places(pass));
                idf::plan(coded, [Pass::UpdateDiagonal, Pass::UpdateRest].map(|pass| self.places(pass)), h, w)
            }
            Family::L3c => {
                let taps = l3c::PassTaps::of(|pass| &self.nets[self.net_index(pass, 0)].net);
                l3c::plan(&taps, (h, w), l3c::scales(h, w, 1))
            }
            Family::Vdm => vdm::plan(&self.nets[0].net, self.per_octave, h, w),
        }
    }

    /// The predictors that the weights file came with, one per set; places in `n_refs` reference planes count for nothing.
    pub fn linears(&self, n_refs: usize) -> Vec<Linear> {
        let passes = match self.family {
            Family::L3c => &[Pass::Finer], // the others predict nothing that a file fits
            family => family.coded(),
        };
        let linear = |set: usize| {
            let part = &self.nets[self.net_index(passes[set % passes.len()], 0)];
            let refs = vec![vec![0; part.net.ref_taps.len() - 1]; n_refs.min(self.family.max_refs())];
            Linear::new(part.linear.own().to_vec(), refs).expect("zeros add nothing to a sum that was checked")
        };
        (0..self.n_sets()).map(linear).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn a_model_survives_its_weights_file() {
        let tables = [Family::Pixelcnn, Family::Lattice].map(|family| synthetic::tiny_with(family, 5, Head::Table));
        for model in Family::OF_CELLS.map(|family| synthetic::tiny(family, 5, 2)).into_iter().chain(tables) {
            let bytes = crate::weights::store(&model).unwrap();
            assert_eq!(bytes, crate::weights::store(&model).unwrap());
            let back = crate::weights::load(&bytes).unwrap();
            assert_eq!((&back.nets, back.family), (&model.nets, model.family));
            assert_eq!(back.hash, *blake3::hash(&bytes).as_bytes());
        }
    }
}
