//! What the tiles of one array have in common, and one of them through it: the smaller of its coder's code and a classic one.

use crate::error::{Error, Result};
use crate::grid::{Grid, Place, Previous};
use crate::kernel::MAX_INT;
use crate::model::Family;
use crate::tile::code::{Code, Coded, Decoded, Known, Mode, Tile};
use crate::tile::coder::{Coder, Domain};
use crate::tile::mask::{Classes, Kind, Mask, fill_rows};
use crate::tile::runtime::Runtime;
use crate::tile::stream::PlaneContext;
use crate::tile::transform::vqae::{self, Autoencoder, Opened};
use crate::tile::transform::{self, TransformCoded, wavelet};
use crate::tile::{cells, classic, inpaint};
use std::sync::Arc;

/// An array as its tiles see it.
pub struct ArrayCoder<'a> {
    pub grid: &'a Grid,
    pub previous: Previous,
    /// The largest int of each limb.
    pub max: [u32; 2],
    /// What masks may say; None where there are none.
    pub classes: Option<Classes>,
    /// The mask that planes have in common; empty where there is none.
    pub common: &'a [u8],
    pub coder: Coder<Arc<Runtime>>,
    /// An encoder's: whether the estimate of what classic modes take is believed, which is a few per cent off.
    pub trusts_estimates: bool,
    /// An encoder's: what a search has coded already.
    pub known: Known,
}

impl ArrayCoder<'_> {
    pub fn domain(&self) -> Domain {
        self.coder.domain()
    }

    /// What nets that meet cells need to know of a tile, and the model that has them; None where only classic modes apply.
    pub fn cells(&self, place: &Place) -> Option<(&Runtime, PlaneContext<'_>)> {
        let cells = self.coder.cells()?;
        let (runtime, max) = (&*cells.model, self.max[place.limb]);
        let fitted = &cells.fits[place.phase][self.previous.of(place.plane)];
        let (linears, stats) = (&fitted.linears, fitted.stats);
        let context =
            PlaneContext { model: runtime.model(), kernels: runtime.kernels(), linears, stats, max: max as i32 };
        (max <= MAX_INT as u32).then_some((runtime, context))
    }

    /// The autoencoder, if one codes the array.
    pub fn blocks(&self) -> Option<Autoencoder<'_>> {
        match &self.coder {
            Coder::Blocks(runtime) => Some(autoencoder(runtime)),
            _ => None,
        }
    }

    /// The smallest code of a tile.
    pub fn encode(&self, tile: &Tile) -> Coded {
        match &self.coder {
            Coder::Classic => self.pick_smaller(tile, None),
            Coder::Cells(_) => self.pick_smaller(tile, self.by_cells(tile)),
            Coder::Counts(counts) => {
                let code = (!tile.is_constant()).then(|| counts.encode(&tile.ints, self.max[tile.place.limb]));
                self.pick_smaller(tile, code)
            }
            Coder::Blocks(runtime) => {
                self.transformed(tile, vqae::encode(autoencoder(runtime), self.to_transform(tile)))
            }
            Coder::Wavelet { rows } => {
                let encode = if self.trusts_estimates { wavelet::encode_by_estimates } else { wavelet::encode };
                self.transformed(tile, encode(self.to_transform(tile), *rows))
            }
        }
    }

    /// About the bits of a tile that a wavelet codes; 0 where none does.
    pub fn estimate_wavelet(&self, tile: &Tile) -> u64 {
        match &self.coder {
            Coder::Wavelet { rows } => wavelet::estimate(self.to_transform(tile), *rows),
            Coder::Classic | Coder::Cells(_) | Coder::Blocks(_) | Coder::Counts(_) => 0,
        }
    }

    /// A tile of one value needs no network.
    fn by_cells(&self, tile: &Tile) -> Option<Vec<u8>> {
        let (runtime, context) = self.cells(&tile.place).filter(|_| !tile.is_constant())?;
        let plan = runtime.plan_to_encode(tile.place.h, tile.place.w);
        Some(cells::encode_masked(context, &plan, &tile.ints, &tile.mask.classes, &tile.refs()))
    }

    /// Network or classic, whichever is smaller.
    pub fn pick_smaller(&self, tile: &Tile, network: Option<Vec<u8>>) -> Coded {
        let Place { limb, h, w, .. } = tile.place;
        // what others are predicted from is what the network's rule filled in
        let is_reference = self.coder.cells().is_some() && (self.previous.n() > 0 || self.grid.n_phases > 1);
        let masked = if is_reference { &[][..] } else { &tile.mask.classes };
        let classic = || classic::encode_masked(&tile.ints, masked, h, w, self.max[limb]);
        let (mode, code) = match network {
            None => (Mode::Classic, classic()),
            Some(code) if (code.len() as u64) * 8 < self.most_bits(tile) => (Mode::Network, code),
            Some(code) => {
                let classic = classic();
                if classic.len() <= code.len() { (Mode::Classic, classic) } else { (Mode::Network, code) }
            }
        };
        Coded { code: self.masked(tile, mode, &code), reconstruction: None }
    }

    /// What a network's code may take without classic modes being tried.
    fn most_bits(&self, tile: &Tile) -> u64 {
        let estimate = classic::estimate_bits(&tile.ints, tile.place.h, tile.place.w);
        match self.trusts_estimates {
            false => estimate * 15 / 16,
            // of white noise a network only comes near to what a table takes
            true if classic::has_few_values(&tile.ints) => estimate,
            true => estimate * 33 / 32,
        }
    }

    /// A tile of oversampled ints.
    pub fn transformed(&self, tile: &Tile, settled: TransformCoded) -> Coded {
        Coded { code: self.masked(tile, Mode::Network, &settled.code), reconstruction: Some(settled.ints) }
    }

    /// The mask of a tile in front of its code.
    fn masked(&self, tile: &Tile, mode: Mode, code: &[u8]) -> Code {
        let mut bytes = Vec::new();
        let write = |classes| tile.mask.write(tile.place.w, classes, &self.common(&tile.place), &mut bytes);
        let mask = self.classes.map_or(Kind::None, write);
        bytes.extend(code);
        Code { mode, mask, bytes }
    }

    /// Fills in the ints of a tile that are masked, as a decoder will; row by row where no net sees them.
    pub fn fill_in(&self, place: &Place, classes: &[u8], ints: &mut [i32]) {
        match &self.coder {
            Coder::Cells(cells) => inpaint::fill_in(&cells.model.plan_to_encode(place.h, place.w), classes, ints),
            _ => fill_rows(ints, classes, place.w),
        }
    }

    /// A tile as transforms want it.
    pub fn to_transform<'t>(&self, tile: &'t Tile) -> transform::Tile<'t> {
        let Place { h, w, limb, .. } = tile.place;
        transform::Tile { ints: &tile.ints, classes: &tile.mask.classes, h, w, max: self.max[limb] as i32 }
    }

    /// The first half of decoding a tile of an autoencoder.
    pub fn open(&self, autoencoder: Autoencoder, code: &Code, place: &Place) -> Result<(Mask, Opened)> {
        let (mask, from) = self.unmask(code, place)?;
        let opened = match code.mode {
            Mode::Network => {
                vqae::open(autoencoder, from, &mask.classes, (place.h, place.w), self.max[place.limb] as i32)?
            }
            Mode::Classic => Opened::Plain(self.classic(from, place)?),
        };
        Ok((mask, opened))
    }

    /// The second half, with the heads of its blocks.
    pub fn close(&self, (mask, opened): (Mask, Opened), heads: &[Vec<i32>], place: &Place) -> Result<Decoded> {
        let ints = opened.close(heads, &mask.classes, (place.h, place.w), self.max[place.limb] as i32)?;
        Ok(Decoded { ints, mask })
    }

    /// What the head says of the mask of a tile; nothing where it says nothing.
    fn common(&self, place: &Place) -> Vec<u8> {
        let grid = self.grid;
        if self.common.is_empty() {
            return Vec::new();
        }
        let rows = self.common.chunks_exact(grid.w).cycle().skip(place.band * grid.tile_h).take(place.h);
        rows.flat_map(|row| &row[place.column * grid.tile_w..][..place.w]).copied().collect()
    }

    /// The mask of a tile, and the code of its ints behind it.
    pub fn unmask<'c>(&self, code: &'c Code, place: &Place) -> Result<(Mask, &'c [u8])> {
        let mut from = code.bytes.as_slice();
        let mask = match (code.mask, self.classes) {
            (Kind::None, _) => Mask::default(),
            (kind, Some(classes)) => {
                Mask::read(&mut from, kind, (place.h * place.w, place.w), classes, || self.common(place))?
            }
            (_, None) => return Err(Error::corrupt("a masked tile in an array without masks")),
        };
        Ok((mask, from))
    }

    /// −256 · log2 of the probability of each int of a tile that is not classic; None where ints are not coded one by one.
    pub fn cell_costs(&self, place: &Place, tile: &Decoded, refs: &[&[i32]]) -> Option<Vec<i32>> {
        if let Coder::Counts(counts) = &self.coder {
            let cost = |&int: &i32| counts.cost(int, self.max[place.limb]) as i32;
            return Some(tile.ints.iter().map(cost).collect());
        }
        let (runtime, context) = self.cells(place)?;
        if matches!(context.model.family, Family::Idf | Family::L3c | Family::Vdm) {
            return None;
        }
        let plan = runtime.plan_to_encode(place.h, place.w);
        Some(cells::cell_costs(context, &plan, &tile.ints, &tile.mask.classes, refs))
    }

    /// A tile from its code.
    pub fn decode(&self, code: &Code, place: &Place, refs: &[&[i32]]) -> Result<Decoded> {
        let (size, max) = ((place.h, place.w), self.max[place.limb] as i32);
        let (mask, from) = self.unmask(code, place)?;
        let classes = &mask.classes;
        let ints = match (code.mode, &self.coder) {
            (Mode::Classic, _) => self.classic(from, place)?,
            (Mode::Network, Coder::Wavelet { rows }) => wavelet::decode(from, classes, size, *rows, max)?,
            (Mode::Network, Coder::Blocks(runtime)) => vqae::decode(autoencoder(runtime), from, classes, size, max)?,
            (Mode::Network, Coder::Counts(counts)) => {
                let mut ints = vec![0; place.h * place.w];
                counts.decode(from, max as u32, &mut ints)?;
                ints
            }
            (Mode::Network, Coder::Cells(_) | Coder::Classic) => {
                let without = || Error::corrupt("a tile coded by a network in an array without one");
                let (runtime, context) = self.cells(place).ok_or_else(without)?;
                let mut ints = vec![0; place.h * place.w];
                let plan = runtime.plan_to_decode(place.h, place.w);
                cells::decode_masked(context, &plan, from, classes, refs, &mut ints)?;
                ints
            }
        };
        Ok(Decoded { ints, mask })
    }

    fn classic(&self, from: &[u8], place: &Place) -> Result<Vec<i32>> {
        let mut ints = vec![0; place.h * place.w];
        classic::decode(from, place.h, place.w, self.max[place.limb], &mut ints)?;
        Ok(ints)
    }
}

fn autoencoder(runtime: &Runtime) -> Autoencoder<'_> {
    let vqae = runtime.model().vqae.as_ref().expect("a head has no blocks without an autoencoder");
    Autoencoder { vqae, kernels: runtime.kernels() }
}
