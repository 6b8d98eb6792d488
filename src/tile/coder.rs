//! What codes the tiles of an array that classic modes do not: FORMAT.md, section 6, *by*.
//!
//! A model is there as files name it, or packed for this machine: `M`.

use crate::kernel::PlaneStats;
use crate::kernel::predict::Linear;
use crate::model::Model;
use crate::net::Refit;
use crate::tile::counts::Counts;
use crate::tile::runtime::{Runtime, Runtimes};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum Coder<M = Arc<Model>> {
    /// Nothing else.
    Classic,
    /// A network whose nets meet cells.
    Cells(CellCoder<M>),
    /// An autoencoder of blocks.
    Blocks(M),
    /// A wavelet over slabs: tiles of whole planes of so many rows, one below the other.
    Wavelet { rows: usize },
    /// A table of how often each value comes.
    Counts(Arc<Counts>),
}

/// A network, and what was fitted to the array.
#[derive(Clone, Debug, PartialEq)]
pub struct CellCoder<M = Arc<Model>> {
    /// With its last layers refitted.
    pub model: M,
    /// How they were: (net, refit).
    pub refits: Vec<(usize, Refit)>,
    /// One fit per phase and number of planes before: `fits[phase][n]`.
    pub fits: Vec<Vec<Fitted>>,
}

/// Predictors of one kind of plane: one per set of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub linears: Vec<Linear>,
    pub stats: PlaneStats,
}

/// Which ints a coder wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Those of the map: what is coded comes back, and others may refer to it.
    Ints,
    /// 65 to each step of a bound: what comes back is known when it has been coded.
    Oversampled,
}

impl Coder {
    /// Whether a GPU may run it.
    pub fn runs_on_gpus(&self) -> bool {
        self.model().is_some_and(|model| model.family.runs_on_gpus())
    }
}

impl<M> Coder<M> {
    pub fn domain(&self) -> Domain {
        match self {
            Coder::Classic | Coder::Cells(_) | Coder::Counts(_) => Domain::Ints,
            Coder::Blocks(_) | Coder::Wavelet { .. } => Domain::Oversampled,
        }
    }

    pub fn model(&self) -> Option<&M> {
        match self {
            Coder::Cells(CellCoder { model, .. }) | Coder::Blocks(model) => Some(model),
            Coder::Classic | Coder::Wavelet { .. } | Coder::Counts(_) => None,
        }
    }

    pub fn cells(&self) -> Option<&CellCoder<M>> {
        match self {
            Coder::Cells(cells) => Some(cells),
            _ => None,
        }
    }

    /// What a tile that is not classic is coded by, in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Coder::Wavelet { .. } => "wavelet",
            Coder::Counts(_) => "counts",
            Coder::Classic | Coder::Cells(_) | Coder::Blocks(_) => "network",
        }
    }

    /// The same with its model there in another way.
    pub fn with<N>(&self, model: impl Fn(&M) -> N) -> Coder<N> {
        match self {
            Coder::Classic => Coder::Classic,
            Coder::Cells(cells) => Coder::Cells(CellCoder {
                model: model(&cells.model),
                refits: cells.refits.clone(),
                fits: cells.fits.clone(),
            }),
            Coder::Blocks(m) => Coder::Blocks(model(m)),
            Coder::Wavelet { rows } => Coder::Wavelet { rows: *rows },
            Coder::Counts(counts) => Coder::Counts(counts.clone()),
        }
    }
}

impl Coder {
    /// Packed for this machine.
    pub fn packed(&self, runtimes: &Runtimes) -> Coder<Arc<Runtime>> {
        let is_refitted = self.cells().is_some_and(|cells| !cells.refits.is_empty());
        self.with(|model| if is_refitted { runtimes.of_refit(model) } else { runtimes.of(model) })
    }

    pub fn name(&self) -> Option<&str> {
        match self {
            Coder::Wavelet { .. } => Some("wavelet"),
            Coder::Counts(_) => Some("counts"),
            _ => self.model().map(|model| model.name.as_str()),
        }
    }

    /// Memory that the fitted parts take, about: a few bytes of a file may ask for a copy of the model.
    pub fn fitted_bytes(&self) -> usize {
        let cells = match self {
            Coder::Cells(cells) => cells,
            Coder::Counts(counts) => return counts.n_bytes(),
            Coder::Classic | Coder::Blocks(_) | Coder::Wavelet { .. } => return 0,
        };
        let weights = |n: &crate::net::Net| n.layers().iter().map(|l| l.weights.len() + 5 * l.n_out).sum::<usize>();
        let copied = if cells.refits.is_empty() { 0 } else { cells.model.nets.iter().map(|p| weights(&p.net)).sum() };
        let linear = |l: &Linear| 64 + 2 * l.own().len() + l.refs().iter().map(|r| 32 + 2 * r.len()).sum::<usize>();
        copied + cells.fits.iter().flatten().flat_map(|f| &f.linears).map(linear).sum::<usize>()
    }
}

impl Coder<Arc<Runtime>> {
    /// As files name it.
    pub fn named(&self) -> Coder {
        self.with(|runtime| runtime.model().clone())
    }
}
