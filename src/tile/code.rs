//! A tile before and after: its ints and what is known of them, and its code.

use crate::grid::Place;
use crate::tile::mask::{Kind, Mask};

/// How a tile is coded: the byte in front of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Classic = 0,
    Network = 1,
}

/// A tile's ints, which of them are masked, and what it may be predicted from.
pub struct Tile {
    pub place: Place,
    /// Masked ones have been filled in.
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

/// A tile as its block holds it: how it is coded, and the code behind its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub mode: Mode,
    pub mask: Kind,
    pub bytes: Vec<u8>,
}

/// A tile that was coded, and what decoding gives where that is something else than its ints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    pub code: Code,
    pub reconstruction: Option<Vec<i32>>,
}

/// Tiles that a search has coded already.
#[derive(Clone, Debug, Default)]
pub struct Known(Vec<Option<Coded>>);

impl Known {
    pub fn keep(&mut self, place: &Place, coded: Coded) {
        let number = place.number as usize;
        self.0.resize(self.0.len().max(number + 1), None);
        self.0[number] = Some(coded);
    }

    pub fn get(&self, place: &Place) -> Option<&Coded> {
        self.0.get(place.number as usize)?.as_ref()
    }
}

/// A tile that was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub ints: Vec<i32>,
    pub mask: Mask,
}
