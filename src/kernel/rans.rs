//! Sixteen states of `entropy::wide_lanes` at once: a push, a pop, and plain bits, without their words
//!
//! Loops over whole arrays without branches: inside a door of `kernel::fast` they become vectors.

/// States that move together.
pub const N: usize = 16;

/// What goes into a state: start (16 bits) · width − 1 (16) · plain bits (24) · how many (5) · 2 bits of nothing · whether it lies
/// beyond its table (1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol(pub u64);

impl Symbol {
    /// One that needs no saying: it leaves a state as it is.
    pub const CERTAIN: Symbol = Symbol(0xffff << 16);

    /// Of an interval, and of plain bits with their number from bit 24 on and the flag in bit 31.
    #[inline(always)]
    pub fn new(interval: i32, rest: i32) -> Symbol {
        Symbol(u64::from(interval as u32) | u64::from(rest as u32) << 32)
    }

    #[inline(always)]
    pub fn start(self) -> u32 {
        self.0 as u32 & 0xffff
    }

    #[inline(always)]
    pub fn width(self) -> u32 {
        (self.0 >> 16) as u32 % (1 << 16) + 1
    }

    #[inline(always)]
    pub fn plain(self) -> u32 {
        (self.0 >> 32) as u32 & 0xff_ffff
    }

    #[inline(always)]
    pub fn n_plain(self) -> u32 {
        (self.0 >> 56) as u32 & 31
    }

    #[inline(always)]
    pub fn is_beyond(self) -> bool {
        self.0 >> 63 == 1
    }
}

/// The low words that states give up, a 1 where one does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub is_given: [u8; N],
    pub words: [u32; N],
}

/// How a state is divided by a width of at most 2¹⁶, where the quotient is below 2⁴⁸: the quotient and what is left.
pub trait Divide {
    fn divide(state: u64, width: u64) -> (u64, u64);
}

/// As the machine divides.
pub struct Plainly;

impl Divide for Plainly {
    #[inline(always)]
    fn divide(state: u64, width: u64) -> (u64, u64) {
        (state / width, state % width)
    }
}

/// Pushes plain bits and then an interval into every state; nothing of a symbol lies beyond its table. Returns the words given up
/// before the one and before the other.
#[inline(always)]
pub fn push<D: Divide>(states: &mut [u64; N], symbols: &[Symbol; N]) -> [Words; 2] {
    let mut given = [Words::default(); 2];
    for i in 0..N {
        let (state, n, plain) = (states[i], symbols[i].0 >> 56 & 31, symbols[i].0 >> 32 & 0xff_ffff);
        let is_full = (state >> (63 - n)) >> 1 != 0;
        given[0].is_given[i] = u8::from(is_full);
        given[0].words[i] = state as u32;
        states[i] = (if is_full { state >> 32 } else { state }) << n | plain;
    }
    for i in 0..N {
        let (state, start, width) = (states[i], symbols[i].0 & 0xffff, (symbols[i].0 >> 16 & 0xffff) + 1);
        let is_full = state >> 48 >= width;
        given[1].is_given[i] = u8::from(is_full);
        given[1].words[i] = state as u32;
        let state = if is_full { state >> 32 } else { state };
        let (quotient, rest) = D::divide(state, width);
        states[i] = (quotient << 16) + start + rest;
    }
    given
}

/// Leaves the symbols behind whose intervals hold the quantiles; a 1 where a state is short of a word.
#[inline(always)]
pub fn pop(states: &mut [u64; N], start: &[u32; N], width: &[u32; N]) -> [u8; N] {
    let mut is_short = [0; N];
    for i in 0..N {
        let above = (states[i] & 0xffff).wrapping_sub(u64::from(start[i]));
        states[i] = (states[i] >> 16).wrapping_mul(u64::from(width[i])).wrapping_add(above);
        is_short[i] = u8::from(states[i] >> 32 == 0);
    }
    is_short
}

/// Numbers of so many bits, each at most 31; a 1 where a state is short of a word.
#[inline(always)]
pub fn pop_plain(states: &mut [u64; N], n: &[u32; N], out: &mut [u32; N]) -> [u8; N] {
    let mut is_short = [0; N];
    for i in 0..N {
        out[i] = (states[i] & ((1 << (n[i] & 31)) - 1)) as u32;
        states[i] >>= n[i] & 31;
        is_short[i] = u8::from(states[i] >> 32 == 0);
    }
    is_short
}
