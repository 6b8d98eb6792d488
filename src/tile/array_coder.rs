//! What the tiles of one array have in common, and one of them through it: the smaller of its coder's code and a classic one.

use crate::error::{Error, Result};
use crate::grid::{Grid, Place};
use crate::kernel::predict::Linear;
use crate::kernel::{MAX_INT, Usual};
use crate::tile::code::{Code, Decoded, Mode, Tile};
use crate::tile::mask::{Classes, Kind, Mask};
use crate::tile::runtime::Plans;
use crate::tile::stream::Context;
use crate::tile::transform::vqae::{self, Opened, Painter};
use crate::tile::transform::{self, Settled, wavelet};
use crate::tile::{cells, classic};

/// Predictors of one kind of plane: one per set of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub linears: Vec<Linear>,
    pub usual: Usual,
}

/// How many planes before it a plane sees; every `key_interval`-th sees none, so that no chain is longer. Both 0: no plane sees any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Previous {
    pub n: usize,
    pub key_interval: usize,
}

impl Previous {
    /// How many planes before plane `p` it sees.
    pub fn of(self, p: usize) -> usize {
        if self.n == 0 { 0 } else { (p % self.key_interval).min(self.n) }
    }
}

/// An array as its tiles see it.
#[derive(Clone, Copy)]
pub struct ArrayCoder<'a> {
    pub grid: &'a Grid,
    pub previous: Previous,
    /// The largest int of each part.
    pub max: [u32; 2],
    /// What masks may say; None where there are none.
    pub classes: Option<Classes>,
    /// The mask that planes have in common; empty where there is none.
    pub common: &'a [u8],
    /// The network: its plans, and its fits by phase and number of planes before. Of an autoencoder there are no fits.
    pub network: Option<(&'a Plans, &'a [Vec<Fitted>])>,
    /// Rows of the planes of a slab, where a wavelet codes them.
    pub wavelet: Option<usize>,
}

impl<'a> ArrayCoder<'a> {
    /// What the network needs to know of a tile; None where only classic modes apply.
    pub fn context(&self, place: &Place) -> Option<Context<'a>> {
        let (plans, fits) = self.network.filter(|(plans, _)| plans.model().vqae.is_none())?;
        let max = self.max[place.part];
        let fitted = &fits[place.phase][self.previous.of(place.plane)];
        (max <= MAX_INT as u32).then(|| Context {
            model: plans.model(),
            fast: &plans.fast,
            linears: &fitted.linears,
            usual: fitted.usual,
            max: max as i32,
        })
    }

    /// The plans of the network.
    pub fn plans(&self) -> Option<&'a Plans> {
        self.network.map(|(plans, _)| plans)
    }

    /// The smallest code of a tile.
    pub fn encode(&self, tile: &Tile) -> Code {
        let network = self.plans().filter(|_| !tile.is_constant()).and_then(|plans| {
            let context = self.context(&tile.place)?;
            let plan = plans.get(tile.place.h, tile.place.w);
            Some(cells::encode_masked(context, &plan, &tile.ints, &tile.mask.classes, &tile.refs()))
        });
        self.pick_smaller(tile, network)
    }

    /// Network or classic, whichever is smaller.
    pub fn pick_smaller(&self, tile: &Tile, network: Option<Vec<u8>>) -> Code {
        let Place { part, h, w, .. } = tile.place;
        // what others look at is what the network's rule filled in
        let is_looked_at = self.network.is_some() && (self.previous.n > 0 || self.grid.n_phases > 1);
        let hidden = if is_looked_at { &[][..] } else { &tile.mask.classes };
        let classic = || classic::encode_masked(&tile.ints, hidden, h, w, self.max[part]);
        let (mode, code) = match network {
            None => (Mode::Classic, classic()),
            // the estimate is a few per cent off: classic modes are tried wherever they might win
            Some(code) if (code.len() as u64) * 8 < classic::estimate_bits(&tile.ints, h, w) * 15 / 16 => {
                (Mode::Network, code)
            }
            Some(code) => {
                let classic = classic();
                if classic.len() <= code.len() { (Mode::Classic, classic) } else { (Mode::Network, code) }
            }
        };
        self.masked(tile, mode, &code)
    }

    /// A tile of oversampled ints.
    pub fn transformed(&self, tile: &Tile, settled: &Settled) -> Code {
        self.masked(tile, Mode::Network, &settled.code)
    }

    /// The mask of a tile in front of its code.
    fn masked(&self, tile: &Tile, mode: Mode, code: &[u8]) -> Code {
        let mut bytes = Vec::new();
        let write = |classes| tile.mask.write(tile.place.w, classes, &self.common(&tile.place), &mut bytes);
        let mask = self.classes.map_or(Kind::None, write);
        bytes.extend(code);
        Code { mode, mask, bytes }
    }

    /// The same as transforms want it.
    pub fn to_transform<'t>(&self, tile: &'t Tile) -> transform::Tile<'t> {
        let Place { h, w, .. } = tile.place;
        transform::Tile { ints: &tile.ints, classes: &tile.mask.classes, h, w, max: self.max(&tile.place) }
    }

    /// The first half of decoding a tile of an autoencoder.
    pub fn open_vqae(&self, painter: Painter, code: &Code, place: &Place) -> Result<(Mask, Opened)> {
        let (mask, from) = self.unmask(code, place)?;
        let (h, w) = (place.h, place.w);
        let opened = match code.mode {
            Mode::Network => vqae::open(painter, from, &mask.classes, (h, w), self.max(place))?,
            Mode::Classic => {
                let mut ints = vec![0; h * w];
                classic::decode(from, h, w, self.max[place.part], &mut ints)?;
                Opened::Plain(ints)
            }
        };
        Ok((mask, opened))
    }

    /// The autoencoder, if one codes the array.
    pub fn painter(&self) -> Option<Painter<'a>> {
        let plans = self.plans()?;
        Some(Painter { vqae: plans.model().vqae.as_ref()?, fast: &plans.fast })
    }

    /// The largest oversampled int.
    pub fn max(&self, place: &Place) -> i32 {
        self.max[place.part] as i32
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

    /// A tile from its code.
    pub fn decode(&self, code: &Code, place: &Place, refs: &[&[i32]]) -> Result<Decoded> {
        let (h, w) = (place.h, place.w);
        let (mask, from) = self.unmask(code, place)?;
        let mut ints = vec![0; h * w];
        let network = self.plans().and_then(|plans| Some((self.context(place)?, plans)));
        match (code.mode, network) {
            (Mode::Network, _) if let Some(rows) = self.wavelet => {
                ints = wavelet::decode(from, &mask.classes, (h, w), rows, self.max(place))?;
            }
            (Mode::Network, _) if let Some(painter) = self.painter() => {
                ints = vqae::decode(painter, from, &mask.classes, (h, w), self.max(place))?;
            }
            (Mode::Classic, _) => classic::decode(from, h, w, self.max[place.part], &mut ints)?,
            (Mode::Network, Some((context, plans))) => {
                cells::decode_masked(context, &plans.get(h, w), from, &mask.classes, refs, &mut ints)?;
            }
            (Mode::Network, None) => {
                return Err(Error::corrupt("a tile coded by a network in an array without one"));
            }
        }
        Ok(Decoded { ints, mask })
    }
}
