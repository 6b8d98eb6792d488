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

use crate::codec::search::adapt::Adapt;
use crate::model::Model;
use crate::weights::zoo;
use std::sync::Arc;

/// 1 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Default for Level {
    fn default() -> Level {
        Level(5)
    }
}

impl Level {
    pub const FIRST: u8 = 1;
    pub const LAST: u8 = 9;

    pub fn new(n: u8) -> Option<Level> {
        (Level::FIRST..=Level::LAST).contains(&n).then_some(Level(n))
    }

    pub fn number(self) -> u8 {
        self.0
    }

    /// The models that are measured; a field is an array of floats, or one that something may be lost of.
    pub fn models(self, is_field: bool) -> Vec<Arc<Model>> {
        let names: &[&str] = match (self.0, is_field) {
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
        let named = |name: &&str| zoo::by_name(name, &[]).expect("the models of the levels are built in");
        names.iter().flat_map(named).collect()
    }

    pub fn adapt(self) -> Adapt {
        match self.0 {
            ..=3 => Adapt::Off,
            4 | 5 => Adapt::Short,
            6 | 7 => Adapt::Fast,
            _ => Adapt::Max,
        }
    }

    /// Whether the search looks at little, and believes estimates.
    pub fn is_short(self) -> bool {
        self.0 != 2 && self.0 <= 5
    }

    /// Whether a wavelet is tried for fields within a bound.
    pub fn tries_wavelets(self) -> bool {
        self.0 >= 3
    }
}
