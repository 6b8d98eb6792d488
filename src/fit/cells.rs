//! What a fit knows of the cells of one net: the inputs of a layer, s, b, and the int that came. A refit takes those of the last
//! layer, a training the features.

use super::likelihood::{Block, N, Row};
use crate::kernel::ONE;
use crate::kernel::context::Hidden;
use crate::kernel::log2::log2;
use crate::kernel::mixture::{Window, mass};

/// Cells of one net and one array.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// Inputs of the layer.
    pub n_in: usize,
    /// The largest int of the plane.
    pub max: i32,
    /// `n_in` activations per cell, 0..=127.
    pub hidden: Vec<u8>,
    pub s: Vec<i32>,
    pub b: Vec<i32>,
    pub int: Vec<i32>,
}

impl Cells {
    pub fn new(n_in: usize, max: i32) -> Cells {
        Cells { n_in, max, ..Cells::default() }
    }

    pub fn len(&self) -> usize {
        self.s.len()
    }

    pub fn is_empty(&self) -> bool {
        self.s.is_empty()
    }

    /// Adds cell i of a run.
    pub fn push(&mut self, hidden: &Hidden, i: usize, b: i32, int: i32) {
        let word = |w: usize| hidden.words[w * hidden.stride + i].to_le_bytes();
        self.push_bytes((0..self.n_in / 4).flat_map(word), hidden.s[i], b, int);
    }

    /// Adds a cell by what its net sees of it, as bytes.
    pub fn push_bytes(&mut self, bytes: impl Iterator<Item = u8>, s: i32, b: i32, int: i32) {
        self.hidden.extend(bytes);
        self.s.push(s);
        self.b.push(b);
        self.int.push(int);
    }

    /// Adds the cells of another window.
    pub fn append(&mut self, mut other: Cells) {
        self.hidden.append(&mut other.hidden);
        for (mine, theirs) in
            [(&mut self.s, &mut other.s), (&mut self.b, &mut other.b), (&mut self.int, &mut other.int)]
        {
            mine.append(theirs);
        }
    }

    /// The same cells in an order of long strides: every stretch of it is a fair sample of all.
    pub fn mixed(&self) -> Cells {
        let n = self.len();
        let stride = stride(n);
        let places = (0..n).map(|i| (i as u64 * stride as u64 % n as u64) as usize);
        let mut out = Cells::new(self.n_in, self.max);
        for i in places {
            out.hidden.extend_from_slice(&self.hidden[i * self.n_in..][..self.n_in]);
            out.s.push(self.s[i]);
            out.b.push(self.b[i]);
            out.int.push(self.int[i]);
        }
        out
    }

    /// Activations in 1/32 by cell (whole rows) and by input.
    pub(super) fn inputs(&self, places: &[usize; N], rows: &mut [Row], columns: &mut [Row]) {
        let width = rows.len() / N;
        for (c, &place) in places.iter().enumerate() {
            let hidden = &self.hidden[place * self.n_in..][..columns.len()];
            let row = rows[c * width..][..width].as_flattened_mut();
            row.iter_mut().zip(hidden).for_each(|(x, &h)| *x = f32::from(h) / 32.0);
            columns.iter_mut().zip(&*row).for_each(|(column, &x)| column[c] = x);
        }
    }

    /// How much of the probability the logistics share.
    pub(super) fn share(&self) -> f32 {
        mass(Window { max: self.max }.n_symbols()) as f32 / 4096.0
    }

    /// The cells at these places.
    pub(super) fn block(&self, places: &[usize; N]) -> Block {
        let row = |of: &dyn Fn(usize) -> f32| places.map(of);
        let window = Window { max: self.max };
        // a window that moves with b hardly ever ends where an int is
        let (first, last) = if window.escapes() { (-1, -1) } else { (0, self.max) };
        let least = 1.0 / 16_777_216.0;
        let rest = 1.0 - self.share() - (window.n_symbols() - 1) as f32 * least;
        Block {
            s: row(&|i| self.s[i].min(1 << 19) as f32 / ONE as f32),
            log_s: row(&|i| log2(self.s[i]) as f32 / 256.0 - 6.0),
            distance: row(&|i| (self.int[i] * ONE - self.b[i]) as f32 / ONE as f32),
            not_first: row(&|i| f32::from(self.int[i] != first)),
            not_last: row(&|i| f32::from(self.int[i] != last)),
            floor: row(&|i| if self.int[i] == last { rest } else { least }),
        }
    }
}

/// n times the golden ratio's fraction, or the next number whose multiples meet every one of n places.
pub(super) fn stride(n: usize) -> usize {
    let golden = ((n as u64 * 2_654_435_769) >> 32) as usize | 1;
    (golden..).find(|&s| common_divisor(s, n) <= 1).unwrap_or(1)
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
