//! What a decoder must know of an array before its tiles: FORMAT.md, section "HEAD".

use crate::array::{ArrayType, Dtype};
use crate::codec::anchor::{Anchor, MAX_ANCHORS};
use crate::codec::fine::MAX_FINE;
use crate::codec::{mask, refit};
use crate::error::{Error, Result};
use crate::kernel::predict::Linear;
use crate::kernel::{MAX_INT, MAX_RESIDUAL, ONE, Usual};
use crate::model::Model;
use crate::model::vqae::Vqae;
use crate::net::Refit;
use crate::sample::Map;
use crate::tile::Grid;
use crate::wire::{put_varint, take_array, take_bytes, take_u8, take_varint};
use std::sync::Arc;

/// More dimensions than any array has.
const MAX_DIMENSIONS: u64 = 999;
const MAX_LABEL_BYTES: u64 = 4096;
/// What codes tiles beside classic modes.
const BY_NOTHING_ELSE: u8 = 0;
const BY_NETWORK: u8 = 1;
const BY_WAVES: u8 = 2;
/// Reference planes a plane may look at.
pub const MAX_REFS: usize = 3;
/// The longest chain of planes that look at each other.
pub const MAX_KEY_INTERVAL: usize = 256;
/// A plane with more samples is not kept in memory for the next to look at.
pub const MAX_PLANE_LOOKED_AT: usize = 1 << 24;

/// An array as the file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub ty: ArrayType,
    pub label: String,
    pub map: Map,
    pub grid: Grid,
    /// The mask that planes have in common: a class of a marker or 0 for every int of a plane. None: there is none.
    pub common: Vec<u8>,
    /// How many planes before it a plane looks at.
    pub n_previous: usize,
    /// Every so many planes one looks at none, so that no chain is longer. 0 where `n_previous` is.
    pub key_interval: usize,
    /// Other arrays that it looks at, behind the planes before.
    pub anchors: Vec<Anchor>,
    /// None: classic modes only, or waves.
    pub network: Option<Network>,
    /// Rows of the planes of which tiles hold some, one below the other, where waves code them.
    pub waves: Option<usize>,
}

/// The network of an array and what was fitted to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// With its last layers refitted.
    pub model: Arc<Model>,
    /// How they were: (net, refit).
    pub refits: Vec<(usize, Refit)>,
    /// One fit per phase and number of planes looked at: `fits[phase][n]`, n from 0 to `n_previous`.
    pub fits: Vec<Vec<Fitted>>,
}

/// Predictors of one kind of plane: one per set of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub linears: Vec<Linear>,
    pub usual: Usual,
}

impl Head {
    /// The autoencoder that codes the tiles, if one does.
    pub fn vqae(&self) -> Option<&Vqae> {
        self.network.as_ref()?.model.vqae.as_ref()
    }

    /// Whether ints are fine, and tiles are painted and corrected.
    pub fn is_painted(&self) -> bool {
        self.vqae().is_some() || self.waves.is_some()
    }

    /// What codes the tiles that a classic mode does not.
    pub fn coder(&self) -> Option<&str> {
        self.network.as_ref().map(|network| network.model.name.as_str()).or(self.waves.map(|_| "waves"))
    }

    /// How many planes before plane `p` it looks at.
    pub fn n_previous_of(&self, p: usize) -> usize {
        if self.n_previous == 0 { 0 } else { (p % self.key_interval).min(self.n_previous) }
    }

    /// How many reference planes phase `phase` of plane `p` has: earlier phases first, then the same phase of earlier planes, then
    /// of anchors.
    pub fn n_refs(&self, p: usize, phase: usize) -> usize {
        (phase + self.n_previous_of(p) + self.anchors.len()).min(MAX_REFS)
    }

    /// How many of them lie in the array itself.
    pub fn n_own_refs(&self, p: usize, phase: usize) -> usize {
        (phase + self.n_previous_of(p)).min(MAX_REFS)
    }

    /// Memory that the fitted parts take, about: a few bytes of a file may ask for a copy of the model.
    pub fn fitted_bytes(&self) -> usize {
        let Some(network) = &self.network else { return self.common.len() };
        let weights = |n: &crate::net::Net| n.layers().iter().map(|l| l.weights.len() + 5 * l.n_out).sum::<usize>();
        let copied =
            if network.refits.is_empty() { 0 } else { network.model.parts.iter().map(|p| weights(&p.net)).sum() };
        let linear = |l: &Linear| 64 + 2 * l.own().len() + l.refs().iter().map(|r| 32 + 2 * r.len()).sum::<usize>();
        self.common.len() + copied + network.fits.iter().flatten().flat_map(|f| &f.linears).map(linear).sum::<usize>()
    }

    /// Bytes of the head that say how the network was refitted.
    pub fn refit_bytes(&self) -> u64 {
        self.network.iter().flat_map(|n| &n.refits).map(|(net, refit)| refit::n_bytes(*net, refit)).sum()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.ty.dtype as u8);
        out.push(u8::from(self.ty.big_endian));
        put_varint(out, self.ty.shape.len() as u64);
        self.ty.shape.iter().for_each(|&d| put_varint(out, d));
        put_varint(out, self.label.len() as u64);
        out.extend_from_slice(self.label.as_bytes());
        self.map.write(out);
        let g = &self.grid;
        let looks = self.n_previous + (MAX_REFS + 1) * self.anchors.len();
        for n in [g.n_planes, g.h, g.w, g.n_phases, g.tile_h, g.tile_w, looks, self.key_interval] {
            put_varint(out, n as u64);
        }
        self.anchors.iter().for_each(|anchor| anchor.write(out));
        if self.map.exception().is_some() {
            out.push(u8::from(!self.common.is_empty()));
            if !self.common.is_empty() {
                mask::write_classes(&self.common, g.w, self.map.markers().len() as u8, &[], out);
            }
        }
        if let Some(rows) = self.waves {
            out.push(BY_WAVES);
            return put_varint(out, rows as u64);
        }
        let Some(network) = &self.network else { return out.push(BY_NOTHING_ELSE) };
        out.push(BY_NETWORK);
        out.extend_from_slice(&network.model.hash);
        put_varint(out, network.refits.len() as u64);
        for (net, refit) in &network.refits {
            refit::write(*net, refit, out);
        }
        for fitted in network.fits.iter().flatten() {
            put_varint(out, fitted.usual.residual as u64);
            put_varint(out, (fitted.usual.value / ONE) as u64);
            let all = fitted.linears.iter().flat_map(|l| l.own().iter().chain(l.refs().iter().flatten()));
            all.for_each(|&c| put_varint(out, zigzag(c)));
        }
    }

    /// The inverse; `find` gives the model of a hash.
    pub fn read(mut from: &[u8], find: &dyn Fn(&[u8; 32]) -> Result<Arc<Model>>) -> Result<Head> {
        let from = &mut from;
        let dtype = Dtype::from_code(take_u8(from)?)?;
        let big_endian = take_flag(from)?;
        let n_dimensions = at_most(take_varint(from)?, MAX_DIMENSIONS, "dimensions")?;
        let shape = (0..n_dimensions).map(|_| take_varint(from)).collect::<Result<Vec<u64>>>()?;
        let ty = ArrayType { dtype, big_endian, shape };
        let n_samples = ty.n_samples()?;
        let n_label = at_most(take_varint(from)?, MAX_LABEL_BYTES, "bytes of label")?;
        let label = String::from_utf8_lossy(take_bytes(from, n_label)?).into_owned();
        let map = Map::read(from, dtype)?;
        let mut number =
            || usize::try_from(take_varint(from)?).map_err(|_| Error::corrupt("a number beyond all sizes"));
        let (n_planes, h, w, n_phases, tile_h, tile_w) =
            (number()?, number()?, number()?, number()?, number()?, number()?);
        let (looks, key_interval) = (number()?, number()?);
        let (n_previous, n_anchors) = (looks % (MAX_REFS + 1), looks / (MAX_REFS + 1));
        let grid = Grid { n_planes, h, w, n_parts: map.n_parts(), n_phases, tile_h, tile_w }.check(n_samples)?;
        if n_anchors > MAX_ANCHORS || (n_previous > 0) != (key_interval > 0) || key_interval > MAX_KEY_INTERVAL {
            let planes = format!("{n_previous} planes looked at, renewed every {key_interval}");
            return Err(Error::corrupt(format!("{planes}, and {n_anchors} arrays")));
        }
        if n_previous > 0 && grid.h * grid.w > MAX_PLANE_LOOKED_AT {
            return Err(Error::limit(format!("planes of {}×{} that look at each other", grid.h, grid.w)));
        }
        let anchors = (0..n_anchors).map(|_| Anchor::read(from)).collect::<Result<Vec<Anchor>>>()?;
        let has_common = map.exception().is_some() && take_flag(from)?;
        let common = if has_common { read_common(from, &map, &ty, &grid)? } else { Vec::new() };
        let looks = (n_phases, n_previous, n_anchors);
        let (network, waves) = match take_u8(from)? {
            BY_NOTHING_ELSE => (None, None),
            BY_NETWORK => (Some(Network::read(from, looks, find)?), None),
            BY_WAVES => (None, Some(at_most(take_varint(from)?, grid.tile_h as u64, "rows of a plane of a tile")?)),
            other => {
                return Err(Error::unsupported(format!("arrays coded in way {other} are not known to this version")));
            }
        };
        if network.is_none() && n_anchors > 0 {
            return Err(Error::corrupt("anchors in an array without a network"));
        }
        if !from.is_empty() {
            return Err(Error::corrupt("bytes follow the head of an array"));
        }
        let head = Head { ty, label, map, grid, common, n_previous, key_interval, anchors, network, waves };
        let plain = n_phases == 1 && n_previous == 0 && head.anchors.is_empty() && head.grid.n_parts == 1;
        if head.is_painted() && !(plain && head.map.max_int(0) <= MAX_FINE as u32) {
            return Err(Error::corrupt("an array that cannot have been painted"));
        }
        let grid = &head.grid;
        match head.waves {
            None => grid.check_rows()?,
            Some(rows)
                if rows > 0
                    && grid.tile_h.is_multiple_of(rows)
                    && (grid.tile_h == rows || grid.h.is_multiple_of(rows)) => {}
            Some(rows) => return Err(Error::corrupt(format!("planes of {rows} rows in tiles of {}", grid.tile_h))),
        }
        Ok(head)
    }
}

/// Rows of a mask that planes have in common. Where planes are laid one below the other it is that of each of them.
fn common_rows(ty: &ArrayType, grid: &Grid) -> usize {
    let (_, h, w) = ty.planes();
    if w == grid.w as u64 { grid.h.min(h as usize) } else { grid.h }
}

fn read_common(from: &mut &[u8], map: &Map, ty: &ArrayType, grid: &Grid) -> Result<Vec<u8>> {
    let n_markers = map.markers().len() as u8;
    let rows = common_rows(ty, grid);
    if rows * grid.w > MAX_PLANE_LOOKED_AT {
        return Err(Error::limit(format!("a mask of planes of {rows}×{}", grid.w)));
    }
    if n_markers == 0 || grid.n_phases != 1 {
        return Err(Error::corrupt("a mask where none is possible"));
    }
    mask::read_classes(from, (rows * grid.w, grid.w), n_markers, &[])
}

impl Network {
    fn read(
        from: &mut &[u8],
        (n_phases, n_previous, n_anchors): (usize, usize, usize),
        find: &dyn Fn(&[u8; 32]) -> Result<Arc<Model>>,
    ) -> Result<Network> {
        let mut model = find(&take_array(from)?)?;
        let n_refits = at_most(take_varint(from)?, model.parts.len() as u64, "refitted layers")?;
        let mut refits = Vec::new();
        for _ in 0..n_refits {
            let (net, refit) = refit::read(from, &model)?;
            let changed = model.parts[net].net.refitted(&refit)?;
            Arc::make_mut(&mut model).parts[net].net = changed;
            refits.push((net, refit));
        }
        if model.vqae.is_some() {
            return Ok(Network { model, refits, fits: Vec::new() });
        }
        let fits = (0..n_phases).map(|phase| {
            let fits = (0..=n_previous).map(|n| Fitted::read(from, &model, (phase + n + n_anchors).min(MAX_REFS)));
            fits.collect::<Result<Vec<Fitted>>>()
        });
        let fits = fits.collect::<Result<Vec<Vec<Fitted>>>>()?;
        Ok(Network { model, refits, fits })
    }
}

impl Fitted {
    fn read(from: &mut &[u8], model: &Model, n_refs: usize) -> Result<Fitted> {
        let residual = at_most(take_varint(from)?, MAX_RESIDUAL as u64, "as a residual")? as i32;
        if residual == 0 {
            return Err(Error::corrupt("a plane whose residuals are usually 0"));
        }
        let value = at_most(take_varint(from)?, MAX_INT as u64, "as the usual int")? as i32 * ONE;
        let usual = model.linears(n_refs);
        let linears = usual.iter().map(|like| {
            let mut take = |n: usize| (0..n).map(|_| unzigzag(take_varint(from)?)).collect::<Result<Vec<i16>>>();
            let own = take(like.own().len())?;
            let refs = like.refs().iter().map(|r| take(r.len())).collect::<Result<Vec<_>>>()?;
            Linear::new(own, refs)
        });
        Ok(Fitted { linears: linears.collect::<Result<_>>()?, usual: Usual { value, residual } })
    }
}

fn zigzag(c: i16) -> u64 {
    (((c << 1) ^ (c >> 15)) as u16).into()
}

fn unzigzag(v: u64) -> Result<i16> {
    let v = u16::try_from(v).map_err(|_| Error::corrupt("a coefficient beyond 16 bits"))?;
    Ok((v >> 1) as i16 ^ -((v & 1) as i16))
}

fn take_flag(from: &mut &[u8]) -> Result<bool> {
    match take_u8(from)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::corrupt(format!("{other} where 0 or 1 is possible"))),
    }
}

fn at_most(n: u64, most: u64, what: &str) -> Result<usize> {
    if n > most { Err(Error::corrupt(format!("{n} {what}, {most} is the most"))) } else { Ok(n as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, tests::painted_model};
    use crate::sample::Stats;

    fn painted_refit(net: &crate::net::Net) -> Refit {
        let n_out = net.layers().last().unwrap().n_out;
        let counts = (0..n_out * (net.n_last_used() + 1)).map(|i| (i as i32 * 29 % 64 - 31) / (i as i32 % 40 + 1));
        Refit { log2_steps: (0..n_out).map(|o| (o % 3) as u8).collect(), counts: counts.collect() }
    }

    #[test]
    fn a_head_comes_back_and_no_cut_or_flip_of_it_panics() {
        let mut stats = Stats::new(Dtype::U16);
        stats.update(&(0..200u16).flat_map(|i| (i * 3).to_be_bytes()).collect::<Vec<u8>>(), true);
        let mut model = painted_model(Family::Lattice, 1, 3);
        let shipped = Arc::new(model.clone());
        let refit = painted_refit(&model.parts[2].net);
        model.parts[2].net = model.parts[2].net.refitted(&refit).unwrap();
        let model = Arc::new(model);
        let fitted = |n: usize| Fitted { linears: model.linears(n), usual: Usual { value: 640, residual: 99 } };
        let fits = (0..4).map(|phase| (0..2).map(|n| fitted((phase + n + 1).min(MAX_REFS))).collect()).collect();
        let head = Head {
            ty: ArrayType { dtype: Dtype::U16, big_endian: true, shape: vec![2, 10, 10] },
            label: "HDU 1".into(),
            map: Map::candidates(&stats)[0].clone(),
            grid: Grid::usual(2, 10, 10, 1, 4),
            common: Vec::new(),
            n_previous: 1,
            key_interval: 16,
            anchors: vec![Anchor::new(2, 1, 3, -300).unwrap()],
            network: Some(Network { model: model.clone(), refits: vec![(2, refit)], fits }),
            waves: None,
        };
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        let find = |_: &[u8; 32]| Ok(shipped.clone());
        assert_eq!(Head::read(&bytes, &find).unwrap(), head);
        for n in 0..bytes.len() {
            assert!(Head::read(&bytes[..n], &find).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let _ = Head::read(&wrong, &find);
        }
    }
}
