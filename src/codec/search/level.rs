//! One knob from fast to small: which models are measured, whether they are refitted, how long is searched
//!
//! | level | models of frames | of fields | refit | search |
//! |---|---|---|---|---|
//! | 1, 2 | none | none | | short, long |
//! | 3, 4 | `pixelcnn-tiny` | `pixelcnn-tiny-field` | no, short | short |
//! | 5 | `pixelcnn-small` | `pixelcnn-small-field` | short | short |
//! | 6 | `pixelcnn-fast` | and `pixelcnn-field` | fast | long |
//! | 7, 8 | the defaults | and `pixelcnn-field` | fast, max | long |
//! | 9 | and the largest, and a flow | likewise | max | long |
//!
//! For files that a GPU will decode the models are lattices, `lattice-…` of the same sizes: a tile has some twenty
//! dependent steps, one in raster order hundreds.

use crate::codec::search::adapt::Adapt;
use crate::model::Model;
use crate::weights::zoo;
use std::sync::Arc;

/// 1 to 9, and where the file will be decoded. No byte depends on where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    number: u8,
    decoder: Decoder,
}

/// What files will be decoded on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoder {
    #[default]
    Cpu,
    Gpu,
}

impl Default for Level {
    fn default() -> Level {
        Level { number: 5, decoder: Decoder::Cpu }
    }
}

impl Level {
    pub const FIRST: u8 = 1;
    pub const LAST: u8 = 9;

    pub fn new(n: u8) -> Option<Level> {
        (Level::FIRST..=Level::LAST).contains(&n).then_some(Level { number: n, ..Level::default() })
    }

    pub fn number(self) -> u8 {
        self.number
    }

    pub fn decoder(self) -> Decoder {
        self.decoder
    }

    pub fn decoded_on(self, decoder: Decoder) -> Level {
        Level { decoder, ..self }
    }

    /// The models that are measured; a field is an array of floats, or one that something may be lost of.
    pub fn models(self, is_field: bool) -> Vec<Arc<Model>> {
        if self.decoder == Decoder::Gpu {
            return self.lattices(is_field);
        }
        let names: &[&str] = match (self.number, is_field) {
            (..=2, _) => &[],
            (3 | 4, false) => &["pixelcnn-tiny"],
            (3 | 4, true) => &["pixelcnn-tiny-field"],
            (5, false) => &["pixelcnn-small"],
            (5, true) => &["pixelcnn-small-field"],
            (6, false) => &["pixelcnn-fast"],
            (6, true) => &["pixelcnn-fast", "field"],
            (7 | 8, _) => return zoo::measured(is_field, false),
            _ => return zoo::measured(is_field, true),
        };
        built_in(names)
    }

    fn lattices(self, is_field: bool) -> Vec<Arc<Model>> {
        built_in(match (self.number, is_field) {
            (..=2, _) => &[],
            (3 | 4, false) => &["lattice-tiny"],
            (3 | 4, true) => &["lattice-tiny-field"],
            (5, false) => &["lattice-small"],
            (5, true) => &["lattice-small-field"],
            (6, false) => &["lattice-small", "lattice-fast"],
            (6, true) => &["lattice-small-field", "lattice-fast"],
            (7 | 8, false) => &["lattice-default"],
            (7 | 8, true) => &["lattice-small-field", "lattice-default"],
            (_, false) => &["lattice-default", "lattice-max"],
            (_, true) => &["lattice-small-field", "lattice-default", "lattice-max"],
        })
    }

    pub fn adapt(self) -> Adapt {
        match self.number {
            ..=3 => Adapt::Off,
            4 | 5 => Adapt::Short,
            6 | 7 => Adapt::Fast,
            _ => Adapt::Max,
        }
    }

    /// Whether the search looks at little, and believes estimates.
    pub fn is_short(self) -> bool {
        self.number != 2 && self.number <= 5
    }

    /// Whether a wavelet is tried for fields within a bound. Wavelets are decoded by the CPU.
    pub fn tries_wavelets(self) -> bool {
        self.number >= 3 && self.decoder == Decoder::Cpu
    }
}

fn built_in(names: &[&str]) -> Vec<Arc<Model>> {
    let named = |name: &&str| zoo::by_name(name, &[]).expect("the models of the levels are built in");
    names.iter().flat_map(named).collect()
}
