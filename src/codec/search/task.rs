//! What a search is told: the array, what the caller wants, and what came before it in the file.

use crate::array::Dtype;
use crate::codec::search::adapt::Adapt;
use crate::codec::search::choice::Choice;
use crate::codec::search::related::Related;
use crate::codec::search::view::SourceView;
use crate::model::Model;
use crate::sample::Loss;
use crate::tile::runtime::{Runtime, Runtimes};
use crate::weights::zoo;
use std::sync::Arc;

/// One array to be chosen for.
pub struct Task<'a> {
    pub view: SourceView<'a>,
    pub label: &'a str,
    pub choice: &'a Choice,
    pub adapt: Adapt,
    pub related: Related<'a>,
    pub runtimes: &'a Runtimes,
}

impl Task<'_> {
    /// The models that come into question: those whose nets meet cells, which windows can compare, and the others.
    pub fn models(&self) -> (Vec<Arc<Runtime>>, Vec<Arc<Model>>) {
        let field = matches!(self.view.ty.dtype, Dtype::F32 | Dtype::F64) || self.view.loss != Loss::None;
        let models = match self.choice {
            Choice::Classic | Choice::Wavelet => Vec::new(),
            Choice::These(models) => models.clone(),
            Choice::Auto => zoo::measured(field, self.adapt == Adapt::Max),
        };
        let (cells, others): (Vec<_>, Vec<_>) = models.into_iter().partition(|model| model.vqae.is_none());
        (cells.iter().map(|model| self.runtimes.of(model)).collect(), others)
    }
}
