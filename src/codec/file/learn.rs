//! A file → what a search decides for its arrays, kept as a recipe

use crate::codec::file::cut::{cut, fields};
use crate::codec::file::options::Options;
use crate::codec::search::choose::choose;
use crate::codec::search::recipe::Recipe;
use crate::codec::search::related::{References, Related};
use crate::codec::search::task::Task;
use crate::codec::search::view::SourceView;
use crate::error::Result;
use crate::format::{self, Hint, Piece};
use crate::source::Source;
use crate::tile::runtime::Runtimes;

/// Adds decisions for the kinds of arrays that the recipe does not know yet; the first of a kind decides. Arrays are not predicted
/// from each other.
pub fn learn(source: &dyn Source, options: &Options, recipe: &mut Recipe) -> Result<()> {
    let Options { loss, memory, adapt, .. } = *options;
    let (choice, references, runtimes) = (&options.model, &References::None, &Runtimes::default());
    for piece in format::read(source, &Hint { raw: options.raw.clone() })?.pieces {
        let Piece::Array { offset, ty, label } = piece else { continue };
        for (offset, ty) in fields(offset, &ty, options.fields)? {
            for (offset, ty) in cut(offset, &ty)?.into_iter().filter(|(_, ty)| !recipe.fits(ty)).collect::<Vec<_>>() {
                let loss = loss.of_maps();
                let view = SourceView { source, offset, ty: &ty, loss, memory };
                let related = Related { number: 0, source, loss, fields: &[], references };
                let task = Task { view, label: "", choice, adapt, recipe: None, related, runtimes };
                recipe.add(choose(&task).map_err(|e| e.at(&label))?.head);
            }
        }
    }
    Ok(())
}
