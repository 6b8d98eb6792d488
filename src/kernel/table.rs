//! A cell's location m, log2 scale l, tail t and skew k → one of 24 960 tables, and where its middle lies
//!
//! A table is a mixture of three logistics over 64 symbols: a core of scale σ; a tail of scale 3 σ, of weight w = ½ (t / 7)², moved
//! by k σ; and outliers of scale 12 σ, of weight w / 8. Scales are eighths of an octave, locations steps of at most σ / 4. A symbol is one int, or 2ʰ of them where σ is
//! 8 ints or more, and from 20 of those away from the middle 2 to 32 times as many; the first and the last go on for ever. Which
//! int of a symbol it was is told in plain bits.
//!
//! Tables are made of `kernel::interval::logistic` when a process first needs them.

use super::context::Heads;
use super::interval::logistic;
use super::log2::log2;
use super::tables::EXP2_8192;
use crate::net::Head;
use std::sync::LazyLock;

/// log2 of the total width of a table.
pub const PRECISION: u32 = 16;
/// Symbols of a table.
pub const N_SYMBOLS: usize = 64;
/// The least and the largest log2 scale, in 1/256 octave of 1/64 int.
pub const MIN_LOG2_SCALE: i32 = 512;
pub const MAX_LOG2_SCALE: i32 = 191 * 32;
/// A tail goes from 0 to 7, a skew from −2 to 2; the net tells them in finer steps.
pub const MAX_TAIL: i32 = 7;
pub const MAX_SKEW: i32 = 2;
pub const LOG2_TAIL_STEPS: u32 = Head::Table.log2_steps(2);
pub const LOG2_SKEW_STEPS: u32 = Head::Table.log2_steps(3);
/// log2 of 3, in 1/256 octave: how much wider a tail is than its core.
pub const TAIL_OCTAVES: i32 = 406;
/// log2 of 12, and the share that outliers have of the tail's weight.
pub const OUTLIER_OCTAVES: i32 = 918;
pub const LOG2_OUTLIERS: u32 = 3;
/// How far a middle may lie outside of the plane, in symbols of the table's middle.
pub const OUTSIDE: i32 = 16;
/// Symbols of one step that lie on each side of the middle, and where the last symbol begins.
const N_STEPS: i32 = 20;
pub const FAR: i32 = 146;
/// log2 of the places that a location has in a symbol, by octave of the scale.
pub const LOG2_PLACES: [i32; 8] = [4, 4, 4, 4, 3, 2, 1, 0];
/// Places of all octaves before.
pub const FIRST_PLACE: [i32; 8] = [0, 128, 256, 384, 512, 576, 608, 624];
pub const N_SKEWS: i32 = 2 * MAX_SKEW + 1;
pub const N_TABLES: usize = (FIRST_PLACE[7] * (MAX_TAIL + 1) * N_SKEWS) as usize;

/// A choice with one symbol, which needs no saying: for lanes that have no cell.
pub const NONE: Choice = Choice(32 << 19 | 32 << 25);

/// Which table, and what stands beside it, in a word: its number (15 bits), h (4), first symbol of the plane (6), last one (6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice(pub u32);

impl Choice {
    #[inline(always)]
    pub fn number(self) -> usize {
        (self.0 & 0x7fff) as usize
    }

    /// log2 of the ints in a symbol of the middle.
    #[inline(always)]
    pub fn shift(self) -> u32 {
        self.0 >> 15 & 15
    }

    /// The symbols of the plane's first and last ints: they have what lies beyond, too.
    #[inline(always)]
    pub fn ends(self) -> (usize, usize) {
        ((self.0 >> 19 & 63) as usize, (self.0 >> 25) as usize)
    }

    /// The symbol of an int.
    #[inline(always)]
    pub fn symbol(self, middle: i32, int: i32) -> usize {
        symbol((int >> self.shift()) - middle) as usize
    }

    pub(super) fn new(number: i32, shift: i32, middle: i32, last: i32) -> Choice {
        Choice((number | shift << 15 | symbol(-middle) << 19 | symbol(last - middle) << 25) as u32)
    }
}

/// The tables of a run: of every cell which, and its middle in steps of 2ʰ ints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub choice: Vec<u32>,
    pub middle: Vec<i32>,
}

impl Choices {
    pub fn new(stride: usize) -> Choices {
        Choices { choice: vec![0; stride], middle: vec![0; stride] }
    }
}

/// The tables of a run from its predictions and heads, in a plane of 0..=max.
pub fn choose(b: &[i32], heads: &Heads, max: i32, out: &mut Choices) {
    for (i, &b) in b.iter().enumerate() {
        let s = heads.s[i];
        let head = |h: usize| heads.heads[h * heads.stride + i];
        let location = b + ((s.min(1 << 19) * head(0).clamp(-1024, 1024) + 64) >> 7);
        let q = ((log2(s) + head(1)).clamp(MIN_LOG2_SCALE, MAX_LOG2_SCALE) + 16) >> 5;
        let tail = ((head(2) + (1 << LOG2_TAIL_STEPS >> 1)) >> LOG2_TAIL_STEPS).clamp(0, MAX_TAIL);
        let skew = ((head(3) + (1 << LOG2_SKEW_STEPS >> 1)) >> LOG2_SKEW_STEPS).clamp(-MAX_SKEW, MAX_SKEW);

        let shift = ((q >> 3) - 8).max(0);
        let scale = q - 8 * shift - 16;
        let places = LOG2_PLACES[(scale >> 3) as usize];
        let log2_step = 6 + shift - places;
        // ints begin half an int below themselves
        let place = (location + 32 + ((1 << log2_step) >> 1)) >> log2_step;
        let last = max >> shift;
        let middle = (place >> places).clamp(-OUTSIDE, last + OUTSIDE);
        let first = FIRST_PLACE[(scale >> 3) as usize] + ((scale & 7) << places);
        let number = ((first + (place & ((1 << places) - 1))) * (MAX_TAIL + 1) + tail) * N_SKEWS + skew + MAX_SKEW;
        out.choice[i] = Choice::new(number, shift, middle, last).0;
        out.middle[i] = middle;
    }
}

/// The symbol of an int whose step is `d` from the middle.
#[inline(always)]
pub fn symbol(d: i32) -> i32 {
    let n = if d < 0 { -1 - d } else { d };
    let near = (32 + n).min(42 + (n >> 1)).min(48 + ((n + 2) >> 2)).min(52 + ((n + 6) >> 3));
    let up = near.min(55 + ((n + 14) >> 4)).min(58 + ((n + 14) >> 5)).min(63);
    if d < 0 { 63 - up } else { up }
}

/// (start, width) of symbol j, which the plane has.
#[inline(always)]
pub fn interval(choice: Choice, j: usize) -> (u32, u32) {
    let (at, (first, last)) = (choice.number() * N_SYMBOLS + j, choice.ends());
    let table = tables();
    let start = if j == first { 0 } else { u32::from(table[at]) };
    let end = if j == last { 1 << PRECISION } else { u32::from(table[at + 1]) };
    (start, end - start)
}

/// Whether a symbol goes on for ever.
#[inline(always)]
pub fn is_end(j: usize) -> bool {
    j == 0 || j == N_SYMBOLS - 1
}

/// (first step, log2 of the number of steps) of a symbol but the first and the last.
pub const STEPS: [(i32, u32); N_SYMBOLS] = {
    let mut all = [(0, 0); N_SYMBOLS];
    let (mut j, mut d) = (32, 0);
    while j < N_SYMBOLS {
        let log2_n = if d < N_STEPS { 0 } else { [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5][j - 52] };
        all[j] = (d, log2_n);
        all[63 - j] = (-d - (1 << log2_n), log2_n);
        d += 1 << log2_n;
        j += 1;
    }
    all
};

/// All tables, one behind the other: C(j), where symbol j begins, in 2¹⁶; and a 0 that ends the last.
#[inline(always)]
pub fn tables() -> &'static [u16] {
    static TABLES: LazyLock<Box<[u16]>> = LazyLock::new(make);
    &TABLES
}

fn make() -> Box<[u16]> {
    let mut all = Vec::with_capacity(N_TABLES * N_SYMBOLS + 1);
    for scale in 0..56 {
        (0..1 << LOG2_PLACES[scale >> 3]).for_each(|place| make_place(scale as i32, place, &mut all));
    }
    all.push(0);
    all.into_boxed_slice()
}

/// The tables of a scale and a place of the location: tail by tail, skew by skew.
fn make_place(scale: i32, place: i32, all: &mut Vec<u16>) {
    let log2_scale = 32 * (scale + 16);
    let octaves = (log2_scale + 255) >> 8;
    let sigma = (EXP2_8192[(-log2_scale & 255) as usize] << octaves) >> 13;
    let middle = place << (6 - LOG2_PLACES[(scale >> 3) as usize]);
    let below = |location: i32, log2_scale: i32| -> [i32; N_SYMBOLS] {
        std::array::from_fn(|j| logistic(64 * STEPS[j].0 - middle, location, log2_scale))
    };
    let (core, outliers) = (below(0, log2_scale), below(0, log2_scale + OUTLIER_OCTAVES));
    let skews = -MAX_SKEW..=MAX_SKEW;
    let tails: Vec<_> = skews.map(|skew| below(skew * sigma, log2_scale + TAIL_OCTAVES)).collect();
    for tail in 0..=MAX_TAIL {
        // ½ (t / 7)² in 1/4096, rounded
        let weight = (2048 * tail * tail + 24) / 49;
        let further = weight >> LOG2_OUTLIERS;
        for wide in &tails {
            // every symbol has a width of at least 1
            let c = |j: usize| {
                let parts = [(4096 - weight - further, core[j]), (weight, wide[j]), (further, outliers[j])];
                let below = parts.iter().map(|&(weight, below)| weight as u64 * below as u64).sum::<u64>() >> 12;
                (j as u64 + ((((1 << PRECISION) - N_SYMBOLS as u64) * below) >> 20)) as u16
            };
            all.extend((0..N_SYMBOLS).map(|j| if j == 0 { 0 } else { c(j) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_belongs_to_the_symbol_that_it_is_coded_by() {
        for d in -3000..3000 {
            let j = symbol(d) as usize;
            let (first, log2_n) = STEPS[j];
            match j {
                0 => assert!(d < -FAR, "{d}"),
                63 => assert!(d >= FAR, "{d}"),
                _ => assert!((first..first + (1 << log2_n)).contains(&d), "{d} in {j}"),
            }
        }
        assert_eq!((STEPS[63].0, STEPS[1].0), (FAR, -FAR));
    }

    #[test]
    fn tables_rise_and_there_are_as_many_as_is_said() {
        let tables = tables();
        for table in tables.chunks_exact(N_SYMBOLS) {
            assert_eq!(table[0], 0);
            assert!(table.windows(2).all(|c| c[0] < c[1]), "{table:?}");
        }
        assert_eq!((tables.len(), N_TABLES), (24_960 * 64 + 1, 24_960));
    }

    #[test]
    fn a_cell_names_the_scale_and_the_place_that_its_head_says() {
        let mut out = Choices::new(1);
        for (s, l, shift, sigma) in [(64, 0, 0, 1.0), (64 * 16, 0, 2, 16.0), (64 * 100, 256, 5, 200.0)] {
            let heads = Heads { stride: 1, s: vec![s], heads: vec![0, l, 3 << LOG2_TAIL_STEPS, 0] };
            choose(&[64 * 5000 + 17], &heads, 65535, &mut out);
            let choice = Choice(out.choice[0]);
            assert_eq!(choice.shift(), shift);
            // half of a table that is not skewed lies below its location
            let table = &tables()[choice.number() * N_SYMBOLS..][..N_SYMBOLS];
            let middle = f64::from(out.middle[0]);
            let half = table.iter().position(|&c| c > 32768).unwrap();
            let (low, high) = (f64::from(table[half - 1]), f64::from(table[half]));
            let at = middle + f64::from(STEPS[half - 1].0) + (32768.0 - low) / (high - low);
            let location = at * f64::from(1 << shift) - 0.5;
            assert!((location - 5000.27).abs() < sigma / 8.0 + 0.1, "{location}");
            assert_eq!(choice.ends(), (0, 63));
        }
    }
}
