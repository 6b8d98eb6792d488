//! One tile as the payload of a block: which array, which tile, how it is coded, and the code.

use crate::codec::classic;
use crate::codec::fine::{self, Settled};
use crate::codec::head::Head;
use crate::codec::mask::{Classes, Kind, Mask};
use crate::codec::network::{self, Context};
use crate::codec::plans::Plans;
use crate::codec::vqae::{self, Opened, Painter};
use crate::codec::waves;
use crate::error::{Error, Result};
use crate::kernel::MAX_INT;
use crate::tile::Place;
use crate::wire::{put_varint, take_u8, take_varint};

/// How a tile is coded: the byte in front of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Classic = 0,
    Network = 1,
}

/// A tile's ints, which of them are hidden, and what it may look at.
pub struct Tile {
    pub place: Place,
    /// Hidden ones have been filled in.
    pub ints: Vec<i32>,
    pub mask: Mask,
    pub refs: Vec<Vec<i32>>,
}

impl Tile {
    /// A tile of one value needs no network.
    pub fn is_constant(&self) -> bool {
        self.ints.iter().all(|v| *v == self.ints[0])
    }

    pub fn refs(&self) -> Vec<&[i32]> {
        self.refs.iter().map(Vec::as_slice).collect()
    }
}

/// The identity in front of a tile's code, and how it is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    pub array: u64,
    pub number: u64,
    pub mode: Mode,
    pub mask: Kind,
}

/// A tile as its block holds it: how it is coded, and the code behind its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub mode: Mode,
    pub mask: Kind,
    pub bytes: Vec<u8>,
}

/// A tile that was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub ints: Vec<i32>,
    pub mask: Mask,
}

impl Label {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.array);
        put_varint(out, self.number);
        out.push(self.mode as u8 | (self.mask as u8) << 1);
    }

    pub fn read(from: &mut &[u8]) -> Result<Label> {
        let (array, number) = (take_varint(from)?, take_varint(from)?);
        let byte = take_u8(from)?;
        let mode = if byte & 1 == 0 { Mode::Classic } else { Mode::Network };
        let mask = match byte >> 1 {
            0 => Kind::None,
            1 => Kind::Whole,
            2 => Kind::Coded,
            3 => Kind::Common,
            _ => return Err(Error::unsupported(format!("tile mode {byte} is not known to this version"))),
        };
        Ok(Label { array, number, mode, mask })
    }
}

/// What the network needs to know of a tile; None where only classic modes apply.
pub fn context<'a>(head: &'a Head, plans: &'a Plans, place: &Place) -> Option<Context<'a>> {
    let network = head.network.as_ref().filter(|network| network.model.vqae.is_none())?;
    let max = head.map.max_int(place.part);
    let fitted = &network.fits[place.phase][head.n_previous_of(place.plane)];
    (max <= MAX_INT as u32).then(|| Context {
        model: &network.model,
        fast: &plans.fast,
        linears: &fitted.linears,
        usual: fitted.usual,
        max: max as i32,
    })
}

/// The smallest code of a tile, with its label in front.
pub fn encode(head: &Head, plans: Option<&Plans>, array: u64, tile: &Tile) -> Vec<u8> {
    let network = plans.filter(|_| !tile.is_constant()).and_then(|plans| {
        let context = context(head, plans, &tile.place)?;
        let plan = plans.get(tile.place.h, tile.place.w);
        Some(network::encode_masked(context, &plan, &tile.ints, &tile.mask.classes, &tile.refs()))
    });
    settle(head, array, tile, network)
}

/// Network or classic, whichever is smaller.
pub fn settle(head: &Head, array: u64, tile: &Tile, network: Option<Vec<u8>>) -> Vec<u8> {
    let Place { number, part, h, w, .. } = tile.place;
    // what others look at is what the network's rule filled in
    let is_looked_at = head.network.is_some() && (head.n_previous > 0 || head.grid.n_phases > 1);
    let hidden = if is_looked_at { &[][..] } else { &tile.mask.classes };
    let classic = || classic::encode_masked(&tile.ints, hidden, h, w, head.map.max_int(part));
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
    let mut masked = Vec::new();
    let mask = classes(head)
        .map_or(Kind::None, |classes| tile.mask.write(w, classes, &common(head, &tile.place), &mut masked));
    let mut out = Vec::with_capacity(masked.len() + code.len() + 12);
    Label { array, number, mode, mask }.write(&mut out);
    out.extend(masked);
    out.extend(code);
    out
}

/// A tile that was painted, whose ints become what decoding gives.
pub fn put_painted(head: &Head, array: u64, tile: &Tile, settled: &Settled) -> Vec<u8> {
    let mut out = Vec::new();
    let mut masked = Vec::new();
    let mask = classes(head)
        .map_or(Kind::None, |classes| tile.mask.write(tile.place.w, classes, &common(head, &tile.place), &mut masked));
    Label { array, number: tile.place.number, mode: Mode::Network, mask }.write(&mut out);
    out.extend(masked);
    out.extend(&settled.code);
    out
}

/// The same as painters want it.
pub fn for_painter<'a>(head: &Head, tile: &'a Tile) -> fine::Tile<'a> {
    let Place { h, w, .. } = tile.place;
    fine::Tile { ints: &tile.ints, classes: &tile.mask.classes, h, w, max: max(head, &tile.place) }
}

/// The first half of decoding such a tile.
pub fn open_vqae(head: &Head, painter: Painter, code: &Code, place: &Place) -> Result<(Mask, Opened)> {
    let (mask, from) = unmask(head, code, place)?;
    let (h, w) = (place.h, place.w);
    let opened = match code.mode {
        Mode::Network => vqae::open(painter, from, &mask.classes, (h, w), max(head, place))?,
        Mode::Classic => {
            let mut ints = vec![0; h * w];
            classic::decode(from, h, w, head.map.max_int(place.part), &mut ints)?;
            Opened::Plain(ints)
        }
    };
    Ok((mask, opened))
}

/// The autoencoder of an array, if one codes it.
pub fn painter<'a>(head: &'a Head, plans: Option<&'a Plans>) -> Option<Painter<'a>> {
    Some(Painter { vqae: head.vqae()?, fast: &plans?.fast })
}

/// The largest fine int.
pub fn max(head: &Head, place: &Place) -> i32 {
    head.map.max_int(place.part) as i32
}

/// What masks of the array may say; None where there are none.
pub fn classes(head: &Head) -> Option<Classes> {
    Some(Classes { exception: head.map.exception()?, sample_bytes: head.ty.dtype.n_bytes() })
}

/// What the head says of the ints of a tile; nothing where it says nothing.
fn common(head: &Head, place: &Place) -> Vec<u8> {
    let grid = &head.grid;
    if head.common.is_empty() {
        return Vec::new();
    }
    let rows = head.common.chunks_exact(grid.w).cycle().skip(place.band * grid.tile_h).take(place.h);
    rows.flat_map(|row| &row[place.column * grid.tile_w..][..place.w]).copied().collect()
}

/// The mask of a tile, and the code of its ints behind it.
pub fn unmask<'a>(head: &Head, code: &'a Code, place: &Place) -> Result<(Mask, &'a [u8])> {
    let mut from = code.bytes.as_slice();
    let mask = match (code.mask, classes(head)) {
        (Kind::None, _) => Mask::default(),
        (kind, Some(classes)) => {
            Mask::read(&mut from, kind, (place.h * place.w, place.w), classes, || common(head, place))?
        }
        (_, None) => return Err(Error::corrupt("a masked tile in an array without masks")),
    };
    Ok((mask, from))
}

/// A tile from its code.
pub fn decode(head: &Head, plans: Option<&Plans>, code: &Code, place: &Place, refs: &[&[i32]]) -> Result<Decoded> {
    let (h, w) = (place.h, place.w);
    let (mask, from) = unmask(head, code, place)?;
    let mut ints = vec![0; h * w];
    let network = plans.and_then(|plans| Some((context(head, plans, place)?, plans)));
    match (code.mode, network) {
        (Mode::Network, _) if let Some(rows) = head.waves => {
            ints = waves::decode(from, &mask.classes, (h, w), rows, max(head, place))?;
        }
        (Mode::Network, _) if let Some(painter) = painter(head, plans) => {
            ints = vqae::decode(painter, from, &mask.classes, (h, w), max(head, place))?;
        }
        (Mode::Classic, _) => classic::decode(from, h, w, head.map.max_int(place.part), &mut ints)?,
        (Mode::Network, Some((context, plans))) => {
            network::decode_masked(context, &plans.get(h, w), from, &mask.classes, refs, &mut ints)?;
        }
        (Mode::Network, None) => return Err(Error::corrupt("a tile coded by a network in an array without one")),
    }
    Ok(Decoded { ints, mask })
}
