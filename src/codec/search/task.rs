//! What a search is told: the array, what the caller wants, and what came before it in the file.

use crate::array::Dtype;
use crate::codec::search::adapt::Adapt;
use crate::codec::search::choice::Choice;
use crate::codec::search::recipe::Recipe;
use crate::codec::search::related::Related;
use crate::codec::search::view::SourceView;
use crate::model::Model;
use crate::sample::Loss;
use crate::tile::runtime::{Runtime, Runtimes};
use crate::weights::zoo;
use std::sync::Arc;

/// A short search codes one sample of so many in every way.
const SHORT_SHARE: usize = 16;
/// Of arrays of fewer samples it codes all: the first planes of a chain may be nothing like the others.
const MIN_MEASURED: usize = 1 << 18;

/// One array to be chosen for.
pub struct Task<'a> {
    pub view: SourceView<'a>,
    pub label: &'a str,
    pub choice: &'a Choice,
    pub adapt: Adapt,
    /// What was decided before for arrays of this kind.
    pub recipe: Option<&'a Recipe>,
    pub related: Related<'a>,
    pub runtimes: &'a Runtimes,
}

impl Task<'_> {
    /// How much work goes into refits.
    pub fn adapt(&self) -> Adapt {
        match (self.adapt, self.choice) {
            (Adapt::ByLevel, Choice::Level(level)) => level.adapt(),
            (Adapt::ByLevel, _) => Adapt::Fast,
            (adapt, _) => adapt,
        }
    }

    pub fn is_short(&self) -> bool {
        self.choice.is_short()
    }

    /// How many samples are coded in every way where windows do not decide, of so many in a long search.
    pub fn n_measured(&self, of_long: usize) -> usize {
        let n_samples = self.view.ty.n_samples().map_or(usize::MAX, |n| n as usize);
        if self.is_short() { of_long.min((n_samples / SHORT_SHARE).max(MIN_MEASURED)) } else { of_long }
    }

    /// The models that come into question: those whose nets meet cells, which windows can compare, and the others.
    pub fn models(&self) -> (Vec<Arc<Runtime>>, Vec<Arc<Model>>) {
        let field = matches!(self.view.ty.dtype, Dtype::F32 | Dtype::F64) || self.view.loss != Loss::None;
        let models = match self.choice {
            Choice::Classic | Choice::Wavelet => Vec::new(),
            Choice::These(models) => models.clone(),
            Choice::Auto => zoo::measured(field, self.adapt == Adapt::Max),
            Choice::Level(level) => level.models(field),
        };
        let (cells, others): (Vec<_>, Vec<_>) = models.into_iter().partition(|model| model.vqae.is_none());
        (cells.iter().map(|model| self.runtimes.of(model)).collect(), others)
    }
}
