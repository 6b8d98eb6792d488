//! What was decided for arrays of a kind, to be used for others of it: nothing is searched then, nothing fitted
//!
//! A recipe has one decision per kind of array: dtype, rows, columns. It is a head (FORMAT.md, section 6) of which the map's numbers
//! are found anew; everything else is used as it is. A tile that comes out worse than a classic mode is classic, as ever.

use crate::array::ArrayType;
use crate::codec::array::head::Head;
use crate::codec::search::draft::{Draft, is_for_networks};
use crate::codec::search::view::{Candidates, shape};
use crate::error::{Error, Result};
use crate::grid::Layout;
use crate::model::Model;
use crate::tile::coder::Coder;
use crate::tile::runtime::{Runtime, Runtimes};
use std::fmt::Write;
use std::sync::Arc;

/// Decisions, one per kind of array, in the order in which they were made.
#[derive(Clone, Default)]
pub struct Recipe {
    decisions: Vec<Decision>,
    /// Networks that are not built in, with their weights files, for whoever uses the recipe or decodes what it coded.
    carried: Vec<(Vec<u8>, Arc<Model>)>,
    /// Packed models, for all who use the recipe.
    runtimes: Runtimes,
}

#[derive(Clone)]
struct Decision {
    head: Head,
    coder: Coder<Arc<Runtime>>,
}

impl Recipe {
    /// Adds what was decided for an array, unless there is a decision for its kind.
    pub fn add(&mut self, head: Head) {
        if self.find(&head.ty).is_none() {
            let coder = head.coder.packed(&self.runtimes);
            self.decisions.push(Decision { head, coder });
        }
    }

    /// Adds a network and its weights file.
    pub fn carry(&mut self, bytes: Vec<u8>, model: Arc<Model>) {
        self.carried.push((bytes, model));
    }

    pub fn carried(&self) -> &[(Vec<u8>, Arc<Model>)] {
        &self.carried
    }

    pub fn heads(&self) -> impl ExactSizeIterator<Item = &Head> {
        self.decisions.iter().map(|decision| &decision.head)
    }

    fn find(&self, ty: &ArrayType) -> Option<&Decision> {
        self.decisions.iter().find(|decision| kind(&decision.head.ty) == kind(ty))
    }

    /// Whether it has a decision for arrays of this type.
    pub fn fits(&self, ty: &ArrayType) -> bool {
        self.find(ty).is_some()
    }

    /// The draft of an array; None where its map is of another form than that of the array it was made for.
    pub(super) fn draft(&self, ty: &ArrayType, label: &str, candidates: &Candidates) -> Result<Option<Draft>> {
        let Decision { head, coder } = self.find(ty).ok_or_else(|| self.unfit(ty))?;
        let Some(map) = candidates.maps.iter().find(|map| map.is_like(&head.map)) else { return Ok(None) };
        let fits = match coder {
            Coder::Classic => true,
            Coder::Cells(_) => is_for_networks(map),
            Coder::Counts(counts) => is_for_networks(map) && counts.is_for(map.max_int(0)),
            Coder::Blocks(_) | Coder::Wavelet { .. } => false,
        };
        if !fits {
            return Ok(None);
        }
        let (n_planes, h, w) = shape(ty);
        Ok(Some(Draft {
            ty: ty.clone(),
            label: label.to_string(),
            map: map.clone(),
            layout: Layout::usual(n_planes, h, w, map.n_limbs(), head.layout.n_phases),
            common: Vec::new(),
            n_previous: head.previous().n().min(n_planes - 1),
            key_interval: if n_planes > 1 { head.key_interval } else { 0 },
            references: Vec::new(),
            coder: coder.clone(),
        }))
    }

    fn unfit(&self, ty: &ArrayType) -> Error {
        let mut known = String::new();
        for head in self.heads() {
            let (dtype, h, w) = kind(&head.ty);
            write!(known, ", {} of {h}×{w}", dtype.name()).expect("a string grows");
        }
        let (dtype, h, w) = kind(ty);
        Error::argument(format!(
            "the recipe does not fit {} of {h}×{w}: it is for {}",
            dtype.name(),
            known.trim_start_matches(", ")
        ))
    }
}

fn kind(ty: &ArrayType) -> (crate::array::Dtype, usize, usize) {
    let (_, h, w) = shape(ty);
    (ty.dtype, h, w)
}
