//! recipe = magic · version · number varint · (length varint · type · body without tiles) each · crc

use crate::array::ArrayType;
use crate::codec::array::by::at_most;
use crate::codec::chunk::{body, frame};
use crate::codec::search::recipe::Recipe;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::wire::{put_varint, take_bytes, take_u8, take_varint};
use std::sync::Arc;

pub const MAGIC: [u8; 3] = [0x8f, b'C', b'R'];
const VERSION: u8 = 1;
/// Kinds of arrays in a recipe.
const MAX_KINDS: u64 = 256;

pub fn write_recipe(recipe: &Recipe) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
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

pub fn read_recipe(bytes: &[u8], models: &[Arc<Model>]) -> Result<Recipe> {
    let wrong = || Error::corrupt("not a recipe, or a damaged one");
    let (summed, sum) = bytes.split_last_chunk().ok_or_else(wrong)?;
    if !summed.starts_with(&MAGIC) || crc32c::crc32c(summed) != u32::from_le_bytes(*sum) {
        return Err(wrong());
    }
    let mut from = &summed[MAGIC.len()..];
    let version = take_u8(&mut from)?;
    if version != VERSION {
        return Err(Error::unsupported(format!("a recipe of version {version}, this build reads version {VERSION}")));
    }
    let mut recipe = Recipe::default();
    for _ in 0..at_most(take_varint(&mut from)?, MAX_KINDS, "kinds of arrays")? {
        let n = take_varint(&mut from)?;
        let mut one = take_bytes(&mut from, usize::try_from(n).map_err(|_| wrong())?)?;
        let ty: ArrayType = frame::read_type(&mut one)?;
        let form = take_u8(&mut one)?;
        recipe.add(body::read_head(form, &mut one, &ty, models)?);
        if !one.is_empty() {
            return Err(Error::corrupt("bytes follow a decision of a recipe"));
        }
    }
    if from.is_empty() { Ok(recipe) } else { Err(Error::corrupt("bytes follow the decisions of a recipe")) }
}
