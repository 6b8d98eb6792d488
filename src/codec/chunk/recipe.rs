//! recipe = magic · version 1 · decisions · crc, or magic · version 2 · weights files · decisions · crc
//!
//! decisions = number varint · (length varint · type · body without tiles) each;  weights files = number varint · (length varint · file) each

use crate::array::ArrayType;
use crate::codec::array::by::at_most;
use crate::codec::chunk::{body, frame};
use crate::codec::search::recipe::Recipe;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::weights;
use crate::wire::{put_varint, take_bytes, take_u8, take_varint};
use std::sync::Arc;

pub const MAGIC: [u8; 3] = [0x8f, b'C', b'R'];
/// Without weights, and with: what carries none is read by whoever knows version 1.
const PLAIN: u8 = 1;
const WITH_WEIGHTS: u8 = 2;
/// Kinds of arrays in a recipe.
const MAX_KINDS: u64 = 256;
/// Networks that it carries.
const MAX_WEIGHTS: u64 = 16;

pub fn write_recipe(recipe: &Recipe) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(if recipe.carried().is_empty() { PLAIN } else { WITH_WEIGHTS });
    if !recipe.carried().is_empty() {
        put_varint(&mut out, recipe.carried().len() as u64);
        for (bytes, _) in recipe.carried() {
            put_varint(&mut out, bytes.len() as u64);
            out.extend(bytes);
        }
    }
    put_varint(&mut out, recipe.heads().len() as u64);
    for head in recipe.heads() {
        let mut one = Vec::new();
        frame::write_type(&head.ty, &mut one);
        body::write_head(head, &mut one);
        put_varint(&mut out, one.len() as u64);
        out.extend(one);
    }
    out.extend(crc32c::crc32c(&out).to_le_bytes());
    out
}

/// A recipe; its networks are those that are built in, that it carries, or that are given.
pub fn read_recipe(bytes: &[u8], models: &[Arc<Model>]) -> Result<Recipe> {
    let (mut recipe, mut from) = open(bytes)?;
    let carried = recipe.carried().iter().map(|(_, model)| model.clone());
    let models: Vec<Arc<Model>> = carried.chain(models.iter().cloned()).collect();
    for _ in 0..at_most(take_varint(&mut from)?, MAX_KINDS, "kinds of arrays")? {
        let mut one = take_counted(&mut from)?;
        let ty: ArrayType = frame::read_type(&mut one)?;
        let form = take_u8(&mut one)?;
        recipe.add(body::read_head(form, &mut one, &ty, &models)?);
        if !one.is_empty() {
            return Err(Error::corrupt("bytes follow a decision of a recipe"));
        }
    }
    if from.is_empty() { Ok(recipe) } else { Err(Error::corrupt("bytes follow the decisions of a recipe")) }
}

/// The networks of a weights file, or of a recipe that carries some: what stands wherever weights are asked for.
pub fn read_weights(bytes: &[u8]) -> Result<Vec<Arc<Model>>> {
    if !bytes.starts_with(&MAGIC) {
        return Ok(vec![Arc::new(weights::load(bytes)?)]);
    }
    let (recipe, _) = open(bytes)?;
    if recipe.carried().is_empty() {
        return Err(Error::argument("a recipe that carries no weights"));
    }
    Ok(recipe.carried().iter().map(|(_, model)| model.clone()).collect())
}

/// A recipe without decisions yet, and what says them.
fn open(bytes: &[u8]) -> Result<(Recipe, &[u8])> {
    let wrong = || Error::corrupt("not a recipe, or a damaged one");
    let (summed, sum) = bytes.split_last_chunk().ok_or_else(wrong)?;
    if !summed.starts_with(&MAGIC) || crc32c::crc32c(summed) != u32::from_le_bytes(*sum) {
        return Err(wrong());
    }
    let mut from = &summed[MAGIC.len()..];
    let version = take_u8(&mut from)?;
    let mut recipe = Recipe::default();
    match version {
        PLAIN => {}
        WITH_WEIGHTS => {
            for _ in 0..at_most(take_varint(&mut from)?, MAX_WEIGHTS, "networks in a recipe")? {
                let bytes = take_counted(&mut from)?;
                recipe.carry(bytes.to_vec(), Arc::new(weights::load(bytes)?));
            }
        }
        _ => {
            let text = format!("a recipe of version {version}, this build reads up to version {WITH_WEIGHTS}");
            return Err(Error::unsupported(text));
        }
    }
    Ok((recipe, from))
}

fn take_counted<'a>(from: &mut &'a [u8]) -> Result<&'a [u8]> {
    let n = usize::try_from(take_varint(from)?).map_err(|_| Error::corrupt("not a recipe, or a damaged one"))?;
    take_bytes(from, n)
}
