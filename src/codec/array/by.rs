//! What codes an array, as its head says it: FORMAT.md, section 6, *by*.

use crate::codec::array::refit;
use crate::error::{Error, Result};
use crate::grid::{Grid, MAX_REFS};
use crate::kernel::predict::Linear;
use crate::kernel::{MAX_INT, MAX_RESIDUAL, ONE, PlaneStats};
use crate::model::Model;
use crate::tile::coder::{CellCoder, Coder, Fitted};
use crate::tile::counts::Counts;
use crate::wire::{put_varint, take_array, take_u8, take_varint};
use std::sync::Arc;

const BY_NOTHING_ELSE: u8 = 0;
const BY_NETWORK: u8 = 1;
const BY_WAVES: u8 = 2;
const BY_COUNTS: u8 = 3;

/// How many reference planes a phase of a plane with so many planes before it has, in an array that sees so many others.
pub fn n_refs((phase, n_previous): (usize, usize), n_references: usize) -> usize {
    (phase + n_previous + n_references).min(MAX_REFS)
}

pub fn write(coder: &Coder, out: &mut Vec<u8>) {
    match coder {
        Coder::Classic => out.push(BY_NOTHING_ELSE),
        Coder::Wavelet { rows } => {
            out.push(BY_WAVES);
            put_varint(out, *rows as u64);
        }
        Coder::Counts(counts) => {
            out.push(BY_COUNTS);
            counts.write(out);
        }
        Coder::Blocks(model) => {
            out.push(BY_NETWORK);
            out.extend_from_slice(&model.hash);
            put_varint(out, 0);
        }
        Coder::Cells(cells) => {
            out.push(BY_NETWORK);
            out.extend_from_slice(&cells.model.hash);
            write_cells(cells, Predictors::Fitted, out);
        }
    }
}

/// Whose predictors an array has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predictors {
    /// Its own, which stand in its head.
    Fitted,
    /// Those of the weights file.
    OfModel,
}

/// What was fitted to the array: refitted layers, spreads, medians, predictors.
pub fn write_cells(CellCoder { refits, fits, .. }: &CellCoder, whose: Predictors, out: &mut Vec<u8>) {
    put_varint(out, refits.len() as u64);
    for (net, refit) in refits {
        refit::write(*net, refit, out);
    }
    fits.iter().flatten().for_each(|fitted| write_fitted(fitted, whose, out));
}

/// The inverse, with (planes before, other arrays) that planes see; `find` gives the model of a hash.
pub fn read(
    from: &mut &[u8],
    grid: &Grid,
    (n_previous, n_references): (usize, usize),
    find: &dyn Fn(&[u8; 32]) -> Result<Arc<Model>>,
) -> Result<Coder> {
    match take_u8(from)? {
        BY_NOTHING_ELSE => return Ok(Coder::Classic),
        BY_NETWORK => {}
        BY_WAVES => {
            let rows = at_most(take_varint(from)?, grid.tile_h as u64, "rows of a plane of a tile")?;
            return Ok(Coder::Wavelet { rows });
        }
        BY_COUNTS => return Ok(Coder::Counts(Arc::new(Counts::read(from)?))),
        other => {
            return Err(Error::unsupported(format!("arrays coded in way {other} are not known to this version")));
        }
    }
    let model = find(&take_array(from)?)?;
    read_cells(from, model, Predictors::Fitted, grid, (n_previous, n_references))
}

/// The inverse of `write_cells`; an autoencoder has nothing fitted.
pub fn read_cells(
    from: &mut &[u8],
    mut model: Arc<Model>,
    whose: Predictors,
    grid: &Grid,
    (n_previous, n_references): (usize, usize),
) -> Result<Coder> {
    let n_refits = at_most(take_varint(from)?, model.nets.len() as u64, "refitted layers")?;
    if model.vqae.is_some() {
        return Ok(Coder::Blocks(model));
    }
    let mut refits = Vec::new();
    for _ in 0..n_refits {
        let (net, refit) = refit::read(from, &model)?;
        let changed = model.nets[net].net.refitted(&refit)?;
        Arc::make_mut(&mut model).nets[net].net = changed;
        refits.push((net, refit));
    }
    let fits = (0..grid.n_phases).map(|phase| {
        let fits = (0..=n_previous).map(|n| read_fitted(from, &model, whose, n_refs((phase, n), n_references)));
        fits.collect::<Result<Vec<Fitted>>>()
    });
    let fits = fits.collect::<Result<Vec<Vec<Fitted>>>>()?;
    Ok(Coder::Cells(CellCoder { model, refits, fits }))
}

fn write_fitted(fitted: &Fitted, whose: Predictors, out: &mut Vec<u8>) {
    put_varint(out, fitted.stats.spread as u64);
    put_varint(out, (fitted.stats.median / ONE) as u64);
    if whose == Predictors::OfModel {
        return;
    }
    let all = fitted.linears.iter().flat_map(|l| l.own().iter().chain(l.refs().iter().flatten()));
    all.for_each(|&c| put_varint(out, zigzag(c)));
}

fn read_fitted(from: &mut &[u8], model: &Model, whose: Predictors, n_refs: usize) -> Result<Fitted> {
    let spread = at_most(take_varint(from)?, MAX_RESIDUAL as u64, "as a residual")? as i32;
    if spread == 0 {
        return Err(Error::corrupt("a plane whose residuals are usually 0"));
    }
    let median = at_most(take_varint(from)?, MAX_INT as u64, "as the usual int")? as i32 * ONE;
    let expected = model.linears(n_refs);
    if whose == Predictors::OfModel {
        return Ok(Fitted { linears: expected, stats: PlaneStats { median, spread } });
    }
    let linears = expected.iter().map(|like| {
        let mut take = |n: usize| (0..n).map(|_| unzigzag(take_varint(from)?)).collect::<Result<Vec<i16>>>();
        let own = take(like.own().len())?;
        let refs = like.refs().iter().map(|r| take(r.len())).collect::<Result<Vec<_>>>()?;
        Linear::new(own, refs)
    });
    Ok(Fitted { linears: linears.collect::<Result<_>>()?, stats: PlaneStats { median, spread } })
}

fn zigzag(c: i16) -> u64 {
    (((c << 1) ^ (c >> 15)) as u16).into()
}

fn unzigzag(v: u64) -> Result<i16> {
    let v = u16::try_from(v).map_err(|_| Error::corrupt("a coefficient beyond 16 bits"))?;
    Ok((v >> 1) as i16 ^ -((v & 1) as i16))
}

pub fn take_flag(from: &mut &[u8]) -> Result<bool> {
    match take_u8(from)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::corrupt(format!("{other} where 0 or 1 is possible"))),
    }
}

pub fn at_most(n: u64, most: u64, what: &str) -> Result<usize> {
    if n > most { Err(Error::corrupt(format!("{n} {what}, {most} is the most"))) } else { Ok(n as usize) }
}
