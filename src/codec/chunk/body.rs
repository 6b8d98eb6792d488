//! body = form · what the form says
//!
//! | form | | |
//! |---|---|---|
//! | 0 | stored | the samples |
//! | 1 | constant | one sample |
//! | 2 | whole head | length varint · a HEAD as files have it · tiles |
//! | 3 | parts | an array whose rows are too long to hold, cut: (length varint · body) each |
//! | 128 + flags | short head | what differs from the usual · tiles |
//!
//! Tiles are (mode · length varint · code) each; the last one has no length, it ends with the body.

use crate::array::ArrayType;
use crate::codec::array::by::{self, Predictors};
use crate::codec::array::head::{Head, Spec};
use crate::codec::array::payload;
use crate::codec::search::view::shape;
use crate::error::{Error, Result};
use crate::grid::{Grid, Layout, Previous};
use crate::model::Model;
use crate::sample::Map;
use crate::tile::code::Code;
use crate::tile::coder::{CellCoder, Coder, Fitted};
use crate::weights::zoo;
use crate::wire::{put_varint, take_bytes, take_u8, take_varint};
use std::sync::Arc;

pub const STORED: u8 = 0;
pub const CONSTANT: u8 = 1;
pub const WHOLE_HEAD: u8 = 2;
pub const PARTS: u8 = 3;
pub const SHORT_HEAD: u8 = 128;
/// Flags of a short head.
const NETWORK: u8 = 1;
const FOUR_PHASES: u8 = 2;
const PREVIOUS: u8 = 4;
const PREDICTORS_OF_MODEL: u8 = 8;
/// So much of the hash of a model says which one it is.
const PREFIX_BYTES: usize = 8;

/// The form and the head in front of the tiles.
pub fn write_head(head: &Head, out: &mut Vec<u8>) {
    if is_usual(head) {
        return write_short(head, out);
    }
    let mut whole = Vec::new();
    head.write(&mut whole);
    out.push(WHOLE_HEAD);
    put_varint(out, whole.len() as u64);
    out.extend(whole);
}

/// Whether a short head can say it.
fn is_usual(head: &Head) -> bool {
    let by_cells = matches!(head.coder, Coder::Classic | Coder::Cells(_));
    let no_more = head.label.is_empty() && head.references.is_empty() && head.common.is_empty();
    by_cells && no_more && head.layout == usual(&head.ty, &head.map, head.layout.n_phases)
}

fn usual(ty: &ArrayType, map: &Map, n_phases: usize) -> Layout {
    let (n_planes, h, w) = shape(ty);
    Layout::usual(n_planes, h, w, map.n_limbs(), n_phases)
}

fn write_short(head: &Head, out: &mut Vec<u8>) {
    let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
    let flags = flag(NETWORK, head.coder.cells().is_some())
        | flag(FOUR_PHASES, head.layout.n_phases == 4)
        | flag(PREVIOUS, head.n_previous > 0)
        | flag(PREDICTORS_OF_MODEL, has_predictors_of_model(head));
    out.push(SHORT_HEAD | flags);
    if head.n_previous > 0 {
        put_varint(out, head.n_previous as u64);
        put_varint(out, head.key_interval as u64);
    }
    head.map.write(out);
    if let Some(cells) = head.coder.cells() {
        out.extend_from_slice(&cells.model.hash[..PREFIX_BYTES]);
        write_fitted(head, cells, out);
    }
}

fn write_fitted(head: &Head, cells: &CellCoder, out: &mut Vec<u8>) {
    let of_model = has_predictors_of_model(head);
    by::write_cells(cells, if of_model { Predictors::OfModel } else { Predictors::Fitted }, out);
}

/// Of a body with this head, the bytes that say what was fitted to the array.
pub fn fitted_bytes(head: &Head) -> u64 {
    let mut out = Vec::new();
    match head.coder.cells() {
        Some(cells) if is_usual(head) => write_fitted(head, cells, &mut out),
        Some(cells) => by::write_cells(cells, Predictors::Fitted, &mut out),
        None => {}
    }
    out.len() as u64
}

fn has_predictors_of_model(head: &Head) -> bool {
    head.coder.cells().is_some_and(|cells| of_model(cells.model.as_ref(), &cells.fits) == cells.fits)
}

/// The same fits with the predictors of the weights file.
pub fn of_model(model: &Model, fits: &[Vec<Fitted>]) -> Vec<Vec<Fitted>> {
    let fit = |phase: usize, n: usize| {
        let linears = model.linears(by::n_refs((phase, n), 0));
        Fitted { linears, stats: fits[phase][n].stats }
    };
    (0..fits.len()).map(|phase| (0..fits[phase].len()).map(|n| fit(phase, n)).collect()).collect()
}

/// The head of an array of this type, from a body of a form that has one.
pub fn read_head(form: u8, from: &mut &[u8], ty: &ArrayType, models: &[Arc<Model>]) -> Result<Head> {
    if form >= SHORT_HEAD {
        return read_short(form - SHORT_HEAD, from, ty, models);
    }
    if form != WHOLE_HEAD {
        return Err(Error::unsupported(format!("a chunk of form {form} is not known to this version")));
    }
    let n = take_varint(from)?;
    let n = usize::try_from(n).map_err(|_| Error::truncated("a head that is longer than its chunk"))?;
    let head = Head::read(take_bytes(from, n)?, &|hash| zoo::by_hash(hash, models))?;
    if head.ty != *ty || !head.references.is_empty() {
        return Err(Error::corrupt("the head of another array"));
    }
    Ok(head)
}

fn read_short(flags: u8, from: &mut &[u8], ty: &ArrayType, models: &[Arc<Model>]) -> Result<Head> {
    if flags >= 2 * PREDICTORS_OF_MODEL {
        return Err(Error::unsupported(format!("a chunk with flags {flags} is not known to this version")));
    }
    let (mut n_previous, mut key_interval) = (0, 0);
    if flags & PREVIOUS != 0 {
        let mut number =
            || usize::try_from(take_varint(from)?).map_err(|_| Error::corrupt("a number beyond all sizes"));
        (n_previous, key_interval) = (number()?, number()?);
        if n_previous == 0 {
            return Err(Error::corrupt("no planes where some are said to be references"));
        }
    }
    // nothing is allocated before its limit
    Previous::new(n_previous, key_interval)?;
    let map = Map::read(from, ty.dtype)?;
    let layout = usual(ty, &map, if flags & FOUR_PHASES != 0 { 4 } else { 1 });
    let grid = Grid::new(layout, ty.n_samples()?)?;
    let coder = if flags & NETWORK == 0 {
        Coder::Classic
    } else {
        let model = zoo::by_prefix(take_bytes(from, PREFIX_BYTES)?, models)?;
        let of_model = flags & PREDICTORS_OF_MODEL != 0;
        let whose = if of_model { Predictors::OfModel } else { Predictors::Fitted };
        by::read_cells(from, model, whose, &grid, (n_previous, 0))?
    };
    let (label, common, references) = (String::new(), Vec::new(), Vec::new());
    Head::new(Spec { ty: ty.clone(), label, map, layout, common, n_previous, key_interval, references, coder })
}

pub fn write_tiles(codes: &[Code], out: &mut Vec<u8>) {
    for (i, code) in codes.iter().enumerate() {
        out.push(payload::mode(code.mode, code.mask));
        if i + 1 < codes.len() {
            put_varint(out, code.bytes.len() as u64);
        }
        out.extend_from_slice(&code.bytes);
    }
}

/// The codes of the tiles of a grid, which are the rest of the body.
pub fn read_tiles(from: &mut &[u8], n_tiles: u64) -> Result<Vec<Code>> {
    let mut codes = Vec::new();
    for i in 0..n_tiles {
        let (mode, mask) = payload::read_mode(take_u8(from)?)?;
        let n = if i + 1 < n_tiles { take_varint(from)? } else { from.len() as u64 };
        let n = usize::try_from(n).map_err(|_| Error::truncated("a tile that is longer than its chunk"))?;
        codes.push(Code { mode, mask, bytes: take_bytes(from, n)?.to_vec() });
    }
    Ok(codes)
}
