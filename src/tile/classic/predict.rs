//! u = int − lo,   p = (bias + Σ cᵢ·uᵢ) >> s   or   p = the median of W, N, W + N − NW,   residual = u − p (mod 2³²)
//!
//! Twelve known neighbours: W, WW, then five of the row above and five of the row above that, columns −2 … 2.
//!
//! ```text
//!   7  8  9 10 11
//!   2  3  4  5  6
//!   1  0  ·
//! ```
//!
//! Beyond the edges: left of a row stands the first value of the row above, right of it its own last value. Above row 1
//! row 0 is repeated. In row 0 everything that is not WW is W (the median too), and left of it stands `first`.
//!
//! s is 12 for tiles of 16 bits, where coefficients fit 16 bits and sums 32, so that eight are made at a time. Above it is
//! 20: a smooth field can be many thousand times steeper than noisy, and a coefficient's rounding is multiplied by that.

use std::ops::{Add, Mul, Shr, Sub};

pub const N_TAPS: usize = 12;
const PAD: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predictor {
    Median,
    /// In units of 2^−shift(spread).
    Linear {
        coefs: [i32; N_TAPS],
        bias: i64,
    },
}

const fn is_narrow(spread: u32) -> bool {
    spread < 1 << 16
}

pub const fn shift(spread: u32) -> u32 {
    if is_narrow(spread) { i16::SHIFT } else { i64::SHIFT }
}

impl Predictor {
    /// Whether coefficients and sums fit where they are kept: what a decoder must check and an encoder must heed.
    pub fn fits(self, spread: u32) -> bool {
        if is_narrow(spread) { Terms::<i16>::of(self).is_some() } else { Terms::<i64>::of(self).is_some() }
    }
}

/// The last rows of a tile, on the way down.
pub enum Rows {
    Narrow(RowsOf<i16>),
    Wide(RowsOf<i64>),
}

impl Rows {
    pub fn new(predictor: Predictor, w: usize, spread: u32, first: u32) -> Rows {
        if is_narrow(spread) {
            Rows::Narrow(RowsOf::new(predictor, w, first))
        } else {
            Rows::Wide(RowsOf::new(predictor, w, first))
        }
    }

    /// The residuals of the next row of values.
    pub fn residuals(&mut self, values: &[u32], out: &mut [u32]) {
        match self {
            Rows::Narrow(rows) => rows.residuals(values, out),
            Rows::Wide(rows) => rows.residuals(values, out),
        }
    }

    /// The values of the next row from its residuals.
    pub fn values(&mut self, residuals: &[u32], out: &mut [u32]) {
        match self {
            Rows::Narrow(rows) => rows.values(residuals, out),
            Rows::Wide(rows) => rows.values(residuals, out),
        }
    }

    /// Gives those values of the next row that `hides` names what is predicted for them, at most `spread`.
    pub fn fill_in(&mut self, values: &mut [u32], hides: impl Fn(usize) -> bool, spread: u32) {
        match self {
            Rows::Narrow(rows) => rows.fill_in(values, hides, spread),
            Rows::Wide(rows) => rows.fill_in(values, hides, spread),
        }
    }
}

/// How a value is kept (u − ZERO), and what sums of products are made in.
pub trait Kept: Copy + Into<Self::Sum> {
    type Coef: Copy + TryFrom<i32>;
    type Sum: Copy
        + Ord
        + From<Self::Coef>
        + TryFrom<i128>
        + Add<Output = Self::Sum>
        + Sub<Output = Self::Sum>
        + Mul<Output = Self::Sum>
        + Shr<u32, Output = Self::Sum>;
    const SHIFT: u32;
    const ZERO: u32;
    /// No |u − ZERO| is above it.
    const REACH: i128;
    /// From the low bits of u − ZERO.
    fn keep(low_bits: u32) -> Self;
    fn low_bits(sum: Self::Sum) -> u32;
}

impl Kept for i16 {
    type Coef = i16;
    type Sum = i32;
    const SHIFT: u32 = 12;
    const ZERO: u32 = 1 << 15;
    const REACH: i128 = 1 << 15;
    #[inline(always)]
    fn keep(low_bits: u32) -> i16 {
        low_bits as i16
    }
    #[inline(always)]
    fn low_bits(sum: i32) -> u32 {
        sum as u32
    }
}

impl Kept for i64 {
    type Coef = i32;
    type Sum = i64;
    const SHIFT: u32 = 20;
    const ZERO: u32 = 0;
    const REACH: i128 = 1 << 32;
    #[inline(always)]
    fn keep(low_bits: u32) -> i64 {
        i64::from(low_bits)
    }
    #[inline(always)]
    fn low_bits(sum: i64) -> u32 {
        sum as u32
    }
}

/// A predictor for values that are kept as V.
struct Terms<V: Kept> {
    coefs: Option<[V::Coef; N_TAPS]>,
    /// In row 0 everything that is not WW is W.
    coefs_of_row_0: [V::Sum; 2],
    bias: V::Sum,
}

impl<V: Kept> Terms<V> {
    /// None where a coefficient or a sum could leave its type.
    fn of(predictor: Predictor) -> Option<Terms<V>> {
        let one = 1i128 << V::SHIFT;
        let sum = |x: i128| V::Sum::try_from(x).ok();
        let Predictor::Linear { coefs, bias } = predictor else {
            return Some(Terms { coefs: None, coefs_of_row_0: [sum(one)?, sum(0)?], bias: sum(0)? });
        };
        let total: i128 = coefs.iter().map(|&c| i128::from(c)).sum();
        let bias = i128::from(bias) + (total - one) * i128::from(V::ZERO);
        let largest = coefs.iter().map(|&c| i128::from(c).abs() * V::REACH).sum::<i128>() + bias.abs();
        sum(largest)?;
        let ww = i128::from(coefs[1]);
        let mut narrowed = [V::Coef::try_from(0).ok()?; N_TAPS];
        for (to, &from) in narrowed.iter_mut().zip(&coefs) {
            *to = V::Coef::try_from(from).ok()?;
        }
        Some(Terms { coefs: Some(narrowed), coefs_of_row_0: [sum(total - ww)?, sum(ww)?], bias: sum(bias)? })
    }
}

pub struct RowsOf<V: Kept> {
    terms: Terms<V>,
    y: usize,
    /// The current row and the two above it, padded on both sides.
    row: Vec<V>,
    north: Vec<V>,
    north2: Vec<V>,
    /// The part of each prediction that needs no W.
    above: Vec<V::Sum>,
}

impl<V: Kept> RowsOf<V> {
    fn new(predictor: Predictor, w: usize, first: u32) -> RowsOf<V> {
        let terms = Terms::<V>::of(predictor).expect("only predictors that fit are used");
        let padded = || vec![V::keep(first.wrapping_sub(V::ZERO)); w + 2 * PAD];
        RowsOf { y: 0, row: padded(), north: padded(), north2: padded(), above: vec![terms.bias; w], terms }
    }

    fn residuals(&mut self, values: &[u32], out: &mut [u32]) {
        for (to, &from) in self.row[PAD..].iter_mut().zip(values) {
            *to = V::keep(from.wrapping_sub(V::ZERO));
        }
        if let Some([cw, cww]) = self.begin() {
            for ((r, &above), known) in out.iter_mut().zip(&self.above).zip(self.row.windows(3)) {
                let p = linear::<V>(above, cw, known[1].into(), cww, known[0].into());
                *r = V::low_bits(known[2].into() - p);
            }
        } else {
            for ((r, north), known) in out.iter_mut().zip(self.north[1..].windows(2)).zip(self.row[1..].windows(2)) {
                let p = median(known[0].into(), north[1].into(), north[0].into());
                *r = V::low_bits(known[1].into() - p);
            }
        }
        self.end();
    }

    fn values(&mut self, residuals: &[u32], out: &mut [u32]) {
        let (mut ww, mut w): (V::Sum, V::Sum) = (self.row[0].into(), self.row[1].into());
        if let Some([cw, cww]) = self.begin() {
            for ((v, &r), &above) in out.iter_mut().zip(residuals).zip(&self.above) {
                let kept = V::low_bits(linear::<V>(above, cw, w, cww, ww)).wrapping_add(r);
                *v = kept.wrapping_add(V::ZERO);
                (ww, w) = (w, V::keep(kept).into());
            }
        } else {
            for ((v, &r), north) in out.iter_mut().zip(residuals).zip(self.north[1..].windows(2)) {
                let kept = V::low_bits(median(w, north[1].into(), north[0].into())).wrapping_add(r);
                *v = kept.wrapping_add(V::ZERO);
                w = V::keep(kept).into();
            }
        }
        for (to, &from) in self.row[PAD..].iter_mut().zip(&*out) {
            *to = V::keep(from.wrapping_sub(V::ZERO));
        }
        self.end();
    }

    fn fill_in(&mut self, values: &mut [u32], hides: impl Fn(usize) -> bool, spread: u32) {
        let end = |u: u32| V::Sum::try_from(i128::from(u) - i128::from(V::ZERO)).ok().expect("values fit their sums");
        let (least, most) = (end(0), end(spread));
        let terms = self.begin();
        for (x, value) in values.iter_mut().enumerate() {
            let (ww, w) = (self.row[x].into(), self.row[x + 1].into());
            if hides(x) {
                let p = match terms {
                    Some([cw, cww]) => linear::<V>(self.above[x], cw, w, cww, ww),
                    None => median(w, self.north[x + 2].into(), self.north[x + 1].into()),
                };
                *value = V::low_bits(p.clamp(least, most)).wrapping_add(V::ZERO);
            }
            self.row[x + PAD] = V::keep(value.wrapping_sub(V::ZERO));
        }
        self.end();
    }

    /// Sums the rows above and gives the coefficients of W and WW, or nothing where the median predicts.
    fn begin(&mut self) -> Option<[V::Sum; 2]> {
        if self.y == 0 {
            return Some(self.terms.coefs_of_row_0);
        }
        let [cw, cww, n0, n1, n2, n3, n4, m0, m1, m2, m3, m4] = self.terms.coefs?;
        self.above.fill(self.terms.bias);
        add_row(&mut self.above, &self.north, [n0, n1, n2, n3, n4]);
        add_row(&mut self.above, &self.north2, [m0, m1, m2, m3, m4]);
        Some([cw.into(), cww.into()])
    }

    /// The row is complete: pad it and move down.
    fn end(&mut self) {
        let w = self.above.len();
        let (first, last) = (self.row[PAD], self.row[w + PAD - 1]);
        self.row[w + PAD..].fill(last);
        std::mem::swap(&mut self.north, &mut self.north2);
        std::mem::swap(&mut self.row, &mut self.north);
        if self.y == 0 {
            self.north2.copy_from_slice(&self.north);
        }
        self.row[..PAD].fill(first);
        self.y += 1;
    }
}

/// A function of its own, with slices of one length: so the compiler sees that nothing overlaps and goes eight wide.
#[inline(never)]
fn add_row<V: Kept>(above: &mut [V::Sum], row: &[V], c: [V::Coef; 5]) {
    let w = above.len();
    let (v0, v1, v2, v3, v4) = (&row[..w], &row[1..][..w], &row[2..][..w], &row[3..][..w], &row[4..][..w]);
    let times = |c: V::Coef, v: V| V::Sum::from(c) * v.into();
    for x in 0..w {
        let sum = times(c[0], v0[x]) + times(c[1], v1[x]) + times(c[2], v2[x]) + times(c[3], v3[x]);
        above[x] = above[x] + sum + times(c[4], v4[x]);
    }
}

#[inline(always)]
fn linear<V: Kept>(above: V::Sum, cw: V::Sum, w: V::Sum, cww: V::Sum, ww: V::Sum) -> V::Sum {
    (above + cww * ww + cw * w) >> V::SHIFT
}

#[inline(always)]
fn median<S: Copy + Ord + Add<Output = S> + Sub<Output = S>>(w: S, n: S, nw: S) -> S {
    (w + n - nw).clamp(w.min(n), w.max(n))
}
