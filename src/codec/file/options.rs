//! What a caller asks of an encoder and of a decoder.

use crate::array::ArrayType;
use crate::codec::array::memory::{Memory, Resources};
use crate::codec::search::adapt::Adapt;
use crate::codec::search::choice::Choice;
use crate::codec::search::recipe::Recipe;
use crate::codec::search::related::References;
use crate::device::Device;
use crate::model::Model;
use crate::sample::Loss;
use std::sync::Arc;

/// How to compress; `Default` is what most want.
#[derive(Clone, Default)]
pub struct Options {
    pub model: Choice,
    /// The file is this array and nothing else.
    pub raw: Option<ArrayType>,
    /// Put the weights of the model into the file, so that it can be decoded where they are not at hand.
    pub embed: bool,
    pub device: Device,
    /// What the work may take. No byte depends on it.
    pub memory: Memory,
    /// A .gz that cannot be made again to the bit is kept as its content, and given back unpacked.
    pub gunzip: bool,
    /// How much work goes into refitting networks to the arrays.
    pub adapt: Adapt,
    /// What was decided before for arrays of these kinds.
    pub recipe: Option<Arc<Recipe>>,
    /// What may be lost; nothing unless it is asked for.
    pub loss: Loss,
    /// Which arrays of the file others may be predicted from.
    pub references: References,
    /// The first dimension of arrays counts fields, each of which becomes an array of its own.
    pub fields: bool,
}

/// How to decompress; `Default` is what most want.
#[derive(Clone, Default)]
pub struct Decoding {
    /// Models known beside those that are built in.
    pub models: Vec<Arc<Model>>,
    pub device: Device,
    pub memory: Memory,
}

impl Decoding {
    /// What the work may take.
    pub fn resources(&self) -> Resources {
        Resources { device: self.device.clone(), memory: self.memory }
    }
}
