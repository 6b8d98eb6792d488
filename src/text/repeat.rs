//! next = what followed the last time the three symbols before were the same
//!
//! A repeat is followed for as long as it is right. How many symbols before the place are the same says how far it is to be trusted.

use super::page::{END, hash};

/// A repeat of fewer symbols is none.
const MIN_LENGTH: usize = 3;
/// Longer ones are not told apart.
pub const MAX_LENGTH: usize = 32;
const LOG2_PLACES: u32 = 14;
const NONE: u32 = u32::MAX;

#[derive(Clone)]
pub struct Repeat {
    symbols: Vec<u8>,
    /// Behind the last three symbols of this hash.
    places: Vec<u32>,
    at: usize,
    length: usize,
}

impl Default for Repeat {
    fn default() -> Repeat {
        Repeat { symbols: Vec::new(), places: vec![NONE; 1 << LOG2_PLACES], at: 0, length: 0 }
    }
}

impl Repeat {
    /// What comes next if what was repeated goes on, and the length of the repeat; 0 where there is none.
    pub fn next(&mut self) -> (u8, usize) {
        let n = self.symbols.len();
        if n >= MIN_LENGTH {
            let last = self.symbols[n - MIN_LENGTH..].iter().fold(0, |last, &symbol| last << 8 | u32::from(symbol));
            let place = &mut self.places[(hash(last, 0) >> (32 - LOG2_PLACES)) as usize];
            if self.length == 0 && *place != NONE {
                self.at = *place as usize;
                let same = self.symbols[..self.at].iter().rev().zip(self.symbols.iter().rev());
                let length = same.take(MAX_LENGTH).take_while(|(a, b)| a == b).count();
                self.length = if length < MIN_LENGTH { 0 } else { length };
            }
            *place = n as u32;
        }
        if self.length == 0 { (END, 0) } else { (self.symbols[self.at], self.length) }
    }

    pub fn put(&mut self, symbol: u8) {
        if self.length > 0 {
            let is_right = self.symbols[self.at] == symbol;
            (self.at, self.length) = if is_right { (self.at + 1, (self.length + 1).min(MAX_LENGTH)) } else { (0, 0) };
        }
        self.symbols.push(symbol);
    }
}
