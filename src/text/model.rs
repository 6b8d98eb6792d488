//! symbol = its eight bits, highest first; the same function tells and hears them

use super::cells::Cells;
use super::mixer::{Mixer, N_INPUTS};
use super::page::{END, N_CONTEXTS, Page};
use super::repeat::{MAX_LENGTH, Repeat};
use crate::entropy::binary::Bits;
use crate::entropy::mixing::{Counter, Squash, Stretch};

/// What the next symbol stands for.
pub enum Step {
    Byte(u8),
    /// The card has nothing more but this byte.
    Rest(u8),
}

const LIMIT: u8 = 250;
/// The last input.
const CONSTANT: i16 = 256;

#[derive(Clone)]
pub struct Model {
    page: Page,
    repeat: Repeat,
    cells: Cells,
    mixer: Mixer,
    stretch: Stretch,
    squash: Squash,
    /// Whether a repeat was right, by its length.
    repeated: [Counter; MAX_LENGTH + 1],
    /// Whether an `END` stands in the text.
    told: Counter,
}

impl Default for Model {
    fn default() -> Model {
        Model {
            page: Page::default(),
            repeat: Repeat::default(),
            cells: Cells::default(),
            mixer: Mixer::default(),
            stretch: Stretch::default(),
            squash: Squash::default(),
            repeated: [Counter::EVEN; MAX_LENGTH + 1],
            told: Counter::EVEN,
        }
    }
}

impl Model {
    pub fn begin(&mut self, n: usize) {
        self.page.begin(n);
    }

    pub fn room(&self) -> usize {
        self.page.room()
    }

    /// One byte, or the rest of a card.
    pub fn step(&mut self, bits: &mut impl Bits, filler: u8, known: Option<&Step>) -> Step {
        let symbol = match known {
            Some(Step::Byte(byte)) => *byte,
            _ => END,
        };
        let symbol = self.symbol(bits, symbol);
        if symbol != END {
            return Step::Byte(symbol);
        }
        let is_told = matches!(known, Some(Step::Byte(_)));
        let is_told = bits.bit(u32::from(self.told.p).clamp(16, 65_520), u32::from(is_told));
        self.told.learn(is_told, LIMIT);
        if is_told == 1 { Step::Byte(END) } else { Step::Rest(filler) }
    }

    fn symbol(&mut self, bits: &mut impl Bits, known: u8) -> u8 {
        let Model { page, repeat, cells, mixer, stretch, squash, repeated, .. } = self;
        let contexts = page.contexts();
        let kind = page.last_kind();
        let (predicted, length) = repeat.next();
        let (predicted, known) = (u32::from(predicted) | 256, u32::from(known));
        let trust = 1 + usize::from(length > 8) + usize::from(length > 15) + usize::from(length > 31);
        let repeated = &mut repeated[length.min(MAX_LENGTH)];
        let mut node = 1;
        for half in [4, 0] {
            let mut found = [0; N_CONTEXTS];
            for (cell, context) in found.iter_mut().zip(contexts) {
                *cell = cells.find(context, node);
            }
            let mut within = 1;
            for b in (half..half + 4).rev() {
                let mut inputs = [CONSTANT; N_INPUTS];
                for (input, cell) in inputs.iter_mut().zip(found) {
                    *input = stretch.of(cells.p(cell, within) << 4) as i16;
                }
                let is_repeat = length > 0 && predicted >> (b + 1) == node;
                let hint = predicted >> b & 1;
                let stretched = stretch.of(repeated.p) as i16;
                inputs[N_CONTEXTS] = if !is_repeat {
                    0
                } else if hint == 1 {
                    stretched
                } else {
                    -stretched
                };
                let set = (if is_repeat { trust } else { 0 } * 16 + kind) * 8 + b;
                let p = squash.of(mixer.mix(set, &inputs));
                let bit = bits.bit(p, known >> b & 1);
                mixer.learn(set, &inputs, p, bit);
                for cell in found {
                    cells.learn(cell, within, bit);
                }
                if is_repeat {
                    repeated.learn(u32::from(hint == bit), LIMIT);
                }
                node = node << 1 | bit;
                within = within << 1 | bit as usize;
            }
        }
        let symbol = (node & 255) as u8;
        page.put(symbol);
        repeat.put(symbol);
        symbol
    }
}
