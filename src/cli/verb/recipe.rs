//! compress --learn-recipe FILES -o R, --recipe R, --alike FILES

use crate::cli::args;
use crate::cli::path::input::Input;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::model::Model;
use collapsar::internals::{Error, Options, Recipe, Result, learn, read_recipe, write_recipe};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// The recipe that all files are coded by, if one was asked for.
pub fn asked(
    args: &args::Recipes,
    inputs: &[Input],
    options: &Options,
    given: &[Arc<Model>],
) -> Result<Option<Arc<Recipe>>> {
    if let Some(path) = &args.recipe {
        let bytes = std::fs::read(path).map_err(|e| Error::from(e).at(path.display()))?;
        return Ok(Some(Arc::new(read_recipe(&bytes, given).map_err(|e| e.at(path.display()))?)));
    }
    Ok(if args.alike { Some(Arc::new(learnt(inputs, options)?)) } else { None })
}

/// Writes what is decided for the files.
pub fn write(out: &Path, force: bool, inputs: &[Input], options: &Options, talk: Talk) -> Result<Tally> {
    let recipe = learnt(inputs, options)?;
    if recipe.heads().len() == 0 {
        return Err(Error::argument("the files hold no arrays that are understood: there is nothing to decide"));
    }
    let bytes = write_recipe(&recipe);
    let existing = if force { Existing::Replace } else { Existing::Refuse(Some("-f")) };
    let mut file = Output::create(out, existing)?;
    file.write_all(&bytes)?;
    file.commit()?;
    let (name, n_kinds) = (print::name(out), recipe.heads().len());
    let value = json!({"recipe": out.to_string_lossy(), "kinds": n_kinds, "bytes": bytes.len()});
    talk.done(&value, &format!("{name}  a recipe for {n_kinds} kinds of arrays, {} bytes", bytes.len()))?;
    Ok(Tally::default())
}

fn learnt(inputs: &[Input], options: &Options) -> Result<Recipe> {
    let mut recipe = Recipe::default();
    for input in inputs {
        learn(&input.open()?.source, options, &mut recipe).map_err(|e| e.at(print::name(&input.path)))?;
    }
    Ok(recipe)
}
