//! block = 3 bits of kind | symbols, in whichever of three ways is shortest: stored, the fixed code, a code of its own
//!
//! A block ends when its table of symbols is full. GNU gzip also ends one after each 4096 symbols in which matches did so well that
//! new codes may pay.

use super::bits::Bits;
use super::tree::Code;
use super::window::Window;
use super::{MIN_MATCH, Settings, Writer};
use std::io::{Result, Write};
use std::sync::LazyLock;

const END_OF_BLOCK: usize = 256;
const N_LITERAL_CODES: usize = 286;
const N_DISTANCE_CODES: usize = 30;
const N_LENGTH_CODES: usize = 19;
/// The order in which the lengths of the code for code lengths are sent, the likely ones first.
const SEND_ORDER: [usize; N_LENGTH_CODES] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

static FIXED_LITERALS: LazyLock<Code> = LazyLock::new(|| {
    let length = |s| match s {
        0..=143 => 8,
        144..=255 => 9,
        256..=279 => 7,
        _ => 8,
    };
    Code::of_lengths((0..288).map(length).collect())
});
static FIXED_DISTANCES: LazyLock<Code> = LazyLock::new(|| Code::of_lengths(vec![5; N_DISTANCE_CODES]));

/// The class of a length − 3 or a distance − 1, and its extra bits: classes double in width every `2^log2_per_octave`.
fn class(value: u32, log2_per_octave: u32) -> (usize, u32) {
    let n_bits = value.checked_ilog2().unwrap_or(0).saturating_sub(log2_per_octave);
    ((n_bits << log2_per_octave) as usize + (value >> n_bits) as usize, n_bits)
}

/// (symbol, extra bits, their number) of a match length.
fn length_symbol(length: usize) -> (usize, u32, u32) {
    let value = (length - MIN_MATCH) as u32;
    if value == 255 {
        return (N_LITERAL_CODES - 1, 0, 0);
    }
    let (class, n_bits) = class(value, 2);
    (END_OF_BLOCK + 1 + class, value & ((1 << n_bits) - 1), n_bits)
}

fn distance_symbol(distance: usize) -> (usize, u32, u32) {
    let value = (distance - 1) as u32;
    let (class, n_bits) = class(value, 1);
    (class, value & ((1 << n_bits) - 1), n_bits)
}

fn literal_extra(symbol: usize) -> u32 {
    match symbol {
        265..285 => (symbol as u32 - 261) / 4,
        _ => 0,
    }
}

fn distance_extra(symbol: usize) -> u32 {
    (symbol as u32 / 2).saturating_sub(1)
}

/// A literal if the distance is 0.
struct Symbol {
    literal_or_length: u16,
    distance: u16,
}

pub struct Block<'a> {
    settings: Settings,
    max_symbols: usize,
    symbols: Vec<Symbol>,
    n_matches: usize,
    literals: [u32; N_LITERAL_CODES],
    distances: [u32; N_DISTANCE_CODES],
    bits: Bits,
    out: &'a mut dyn Write,
}

impl<'a> Block<'a> {
    pub fn new(settings: Settings, out: &'a mut dyn Write) -> Block<'a> {
        let table: usize = match settings.writer {
            Writer::Zlib => 1 << 14,
            Writer::ZlibLarge | Writer::Gnu => 1 << 15,
        };
        Block {
            settings,
            max_symbols: table - 1,
            symbols: Vec::with_capacity(table),
            n_matches: 0,
            literals: [0; N_LITERAL_CODES],
            distances: [0; N_DISTANCE_CODES],
            bits: Bits::default(),
            out,
        }
    }

    /// True when the block is to be flushed.
    #[must_use]
    pub fn push_literal(&mut self, byte: u8, window: &Window) -> bool {
        self.literals[usize::from(byte)] += 1;
        self.symbols.push(Symbol { literal_or_length: byte.into(), distance: 0 });
        self.is_full(window)
    }

    #[must_use]
    pub fn push_match(&mut self, length: usize, distance: usize, window: &Window) -> bool {
        self.literals[length_symbol(length).0] += 1;
        self.distances[distance_symbol(distance).0] += 1;
        self.n_matches += 1;
        self.symbols.push(Symbol { literal_or_length: length as u16, distance: distance as u16 });
        self.is_full(window)
    }

    fn is_full(&self, window: &Window) -> bool {
        let n = self.symbols.len();
        if n == self.max_symbols {
            return true;
        }
        if self.settings.writer != Writer::Gnu || self.settings.level <= 2 || !n.is_multiple_of(4096) {
            return false;
        }
        // An upper bound: literals and lengths at 8 bits, distances at 5.
        let distances =
            self.distances.iter().enumerate().map(|(s, &f)| u64::from(f) * u64::from(5 + distance_extra(s)));
        let out_bytes = (8 * n as u64 + distances.sum::<u64>()) / 8;
        self.n_matches < n / 2 && out_bytes < window.unflushed() / 2
    }

    pub fn flush(&mut self, window: &mut Window) -> Result<()> {
        self.write(window, false)?;
        window.flushed();
        Ok(())
    }

    /// The last block, which may be empty.
    pub fn finish(mut self, window: &Window) -> Result<()> {
        self.write(window, true)
    }

    fn write(&mut self, window: &Window, last: bool) -> Result<()> {
        self.literals[END_OF_BLOCK] = 1;
        let literals = Code::optimal(&self.literals, 15);
        let distances = Code::optimal(&self.distances, 15);
        let lengths = Lengths::new(&literals, &distances);
        let optimal_bytes = (3 + lengths.cost() + self.cost(&literals, &distances)).div_ceil(8);
        let fixed_bytes = (3 + self.cost(&FIXED_LITERALS, &FIXED_DISTANCES)).div_ceil(8);
        let stored = window.unflushed_bytes().filter(|b| b.len() as u64 + 4 <= optimal_bytes.min(fixed_bytes));

        if let Some(bytes) = stored {
            self.bits.push(STORED << 1 | u32::from(last), 3);
            self.bits.align();
            let n = bytes.len() as u16;
            self.bits.bytes.extend([n.to_le_bytes(), (!n).to_le_bytes()].as_flattened());
            self.bits.bytes.extend_from_slice(bytes);
        } else if fixed_bytes <= optimal_bytes {
            self.bits.push(FIXED << 1 | u32::from(last), 3);
            self.push_symbols(&FIXED_LITERALS, &FIXED_DISTANCES);
        } else {
            self.bits.push(DYNAMIC << 1 | u32::from(last), 3);
            lengths.push(&mut self.bits);
            self.push_symbols(&literals, &distances);
        }
        if last {
            self.bits.align();
        }
        self.out.write_all(&self.bits.bytes)?;
        self.bits.bytes.clear();
        self.symbols.clear();
        self.n_matches = 0;
        self.literals.fill(0);
        self.distances.fill(0);
        Ok(())
    }

    fn cost(&self, literals: &Code, distances: &Code) -> u64 {
        literals.cost(&self.literals, literal_extra) + distances.cost(&self.distances, distance_extra)
    }

    fn push_symbols(&mut self, literals: &Code, distances: &Code) {
        for symbol in &self.symbols {
            if symbol.distance == 0 {
                literals.push(symbol.literal_or_length.into(), &mut self.bits);
                continue;
            }
            let (length, extra, n_extra) = length_symbol(symbol.literal_or_length.into());
            literals.push(length, &mut self.bits);
            self.bits.push(extra, n_extra);
            let (distance, extra, n_extra) = distance_symbol(symbol.distance.into());
            distances.push(distance, &mut self.bits);
            self.bits.push(extra, n_extra);
        }
        literals.push(END_OF_BLOCK, &mut self.bits);
    }
}

/// The code lengths of both codes, run-length coded, and the code for that.
struct Lengths {
    n_literals: usize,
    n_distances: usize,
    /// (symbol, extra bits, their number)
    runs: Vec<(usize, u32, u32)>,
    frequencies: [u32; N_LENGTH_CODES],
    code: Code,
    /// How many lengths of `code` are sent, in SEND_ORDER.
    n_sent: usize,
}

impl Lengths {
    fn new(literals: &Code, distances: &Code) -> Lengths {
        let mut runs = Vec::new();
        push_runs(&literals.lengths[..=literals.max_symbol], &mut runs);
        push_runs(&distances.lengths[..=distances.max_symbol], &mut runs);
        let mut frequencies = [0; N_LENGTH_CODES];
        runs.iter().for_each(|run| frequencies[run.0] += 1);
        let code = Code::optimal(&frequencies, 7);
        let n_sent = 1 + (3..N_LENGTH_CODES).rev().find(|&i| code.lengths[SEND_ORDER[i]] > 0).unwrap_or(2);
        Lengths {
            n_literals: literals.max_symbol + 1,
            n_distances: distances.max_symbol + 1,
            runs,
            frequencies,
            code,
            n_sent,
        }
    }

    fn cost(&self) -> u64 {
        let extra = |s| match s {
            16 => 2,
            17 => 3,
            18 => 7,
            _ => 0,
        };
        5 + 5 + 4 + 3 * self.n_sent as u64 + self.code.cost(&self.frequencies, extra)
    }

    fn push(&self, bits: &mut Bits) {
        bits.push(self.n_literals as u32 - 257, 5);
        bits.push(self.n_distances as u32 - 1, 5);
        bits.push(self.n_sent as u32 - 4, 4);
        for &symbol in &SEND_ORDER[..self.n_sent] {
            bits.push(self.code.lengths[symbol].into(), 3);
        }
        for &(symbol, extra, n_extra) in &self.runs {
            self.code.push(symbol, bits);
            bits.push(extra, n_extra);
        }
    }
}

/// Zeros go in runs of 3–10 and 11–138; any other length is sent once and then in runs of 3–6.
fn push_runs(lengths: &[u8], runs: &mut Vec<(usize, u32, u32)>) {
    for run in lengths.chunk_by(|a, b| a == b) {
        let length = usize::from(run[0]);
        let mut left = run.len() as u32;
        if length > 0 {
            runs.push((length, 0, 0));
            left -= 1;
        }
        while left > 0 {
            let n = match (length, left) {
                (_, 0..3) => 1,
                (0, _) => left.min(138),
                _ => left.min(6),
            };
            runs.push(match (length, n) {
                (_, 1) => (length, 0, 0),
                (0, 3..=10) => (17, n - 3, 3),
                (0, _) => (18, n - 11, 7),
                _ => (16, n - 3, 2),
            });
            left -= n;
        }
    }
}
