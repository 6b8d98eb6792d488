//! Ints as symbols of tables, and back: intervals, plain bits, and what lies beyond a table
//!
//! An int is told as its symbol's interval, then by which of the symbol's ints it is, in plain bits. The first symbol and the last go on
//! for ever: before the plain bits stands how far beyond the table the int lies.

use super::log2::log2;
use super::rans::{N, Symbol};
use super::table::{Choice, Choices, FAR, N_SYMBOLS, NONE, PRECISION, STEPS, interval, is_end, tables};

/// What is told of an int beside its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Which of the ints of the symbol it is, in so many plain bits.
    pub plain: u32,
    pub n_plain: u32,
    /// How many steps it lies behind the beginning of the first symbol or the last; told before the plain bits.
    pub beyond: Option<u32>,
}

impl Rest {
    /// Of an int of symbol j.
    #[inline(always)]
    pub fn of(choice: Choice, middle: i32, j: usize, int: i32) -> Rest {
        let shift = choice.shift();
        let low = (int & ((1 << shift) - 1)) as u32;
        let d = (int >> shift) - middle;
        if is_end(j) {
            let beyond = if j == 0 { -FAR - 1 - d } else { d - FAR } as u32;
            return Rest { plain: low, n_plain: shift, beyond: Some(beyond) };
        }
        let (first, log2_steps) = STEPS[j];
        Rest { plain: ((d - first) as u32) << shift | low, n_plain: shift + log2_steps, beyond: None }
    }

    /// Bits in all.
    pub fn n_bits(&self) -> u32 {
        self.n_plain + self.beyond.map_or(0, |n| Length::of(n).n_bits())
    }
}

/// −256 · log2 of the probability of an int.
pub fn cost(choice: Choice, middle: i32, int: i32) -> i32 {
    let j = choice.symbol(middle, int);
    let (_, width) = interval(choice, j);
    256 * (PRECISION + Rest::of(choice, middle, j, int).n_bits()) as i32 - log2(width as i32)
}

/// How many bits a number beyond the table has behind its highest: told in 3 bits, or by 7 in these and 5 more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub u32);

impl Length {
    pub const SHORT_BITS: u32 = 3;
    pub const LONG: u32 = 7;
    pub const LONG_BITS: u32 = 5;

    pub fn of(beyond: u32) -> Length {
        Length((beyond + 1).ilog2())
    }

    /// With the number.
    pub fn n_bits(self) -> u32 {
        Length::SHORT_BITS + if self.0 < Length::LONG { 0 } else { Length::LONG_BITS } + self.0
    }
}

/// What is told of the ints of a run, as `rans::Symbol::new` takes it: intervals, and the rest. Returns about how many bits it takes but
/// for what lies beyond the tables, and whether something does.
pub fn tell(choices: &Choices, ints: &[i32], intervals: &mut [i32], rests: &mut [i32]) -> Told {
    let mut told = Told::default();
    for (i, &int) in ints.iter().enumerate() {
        let (choice, middle) = (Choice(choices.choice[i]), choices.middle[i]);
        let j = choice.symbol(middle, int);
        let (start, width) = interval(choice, j);
        let rest = Rest::of(choice, middle, j, int);
        intervals[i] = (start | (width - 1) << 16) as i32;
        rests[i] = (rest.plain | rest.n_plain << 24 | u32::from(rest.beyond.is_some()) << 31) as i32;
        told.n_bits += n_bits(Symbol::new(intervals[i], rests[i]));
        told.is_any_beyond |= rest.beyond.is_some();
    }
    told
}

/// Of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub n_bits: u32,
    pub is_any_beyond: bool,
}

/// Bits of a symbol, about, but for what lies beyond the table.
#[inline(always)]
pub fn n_bits(symbol: Symbol) -> u32 {
    16 - (2 * symbol.width() - 1).ilog2() + symbol.n_plain()
}

/// What sixteen quantiles mean: symbols, their intervals, how many plain bits follow, and the int if they are zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub symbol: [i32; N],
    pub start: [u32; N],
    pub width: [u32; N],
    pub n_plain: [u32; N],
    pub int: [i32; N],
    /// Whether one lies beyond its table: then its n_plain and int mean nothing.
    pub is_any_beyond: bool,
}

/// The symbols of the first `n` ≤ 16 quantiles, whose intervals hold them; the others' choices have one symbol.
pub fn find(n: usize, choices: &[u32; N], middles: &[i32; N], quantiles: &[u16; N]) -> Found {
    let mut found = Found::default();
    for i in 0..N {
        let choice = Choice(choices[i]);
        debug_assert!(i < n || choice == NONE);
        let (table, (first, last)) = (&tables()[choice.number() * N_SYMBOLS..][..N_SYMBOLS], choice.ends());
        let j = (table.partition_point(|&c| c <= quantiles[i]) - 1).clamp(first, last);
        found.symbol[i] = j as i32;
        (found.start[i], found.width[i]) = interval(choice, j);
        found.n_plain[i] = STEPS[j].1 + choice.shift();
        found.int[i] = (middles[i] + STEPS[j].0) << choice.shift();
        found.is_any_beyond |= is_end(j);
    }
    found
}
