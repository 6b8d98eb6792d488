//! k = ⌊(v − p + 32) / 65⌋, so that |v − p − 65·k| ≤ 32        plane by plane, row by row, where ints are open to correction
//!
//! Whether k is 0 is foreseen from the residuals around it, of the plane before as well, and from how steep p is; then its sign and
//! how large it is.

use super::histogram::Histogram;
use super::{SUBSTEPS, Tile};
use crate::entropy::adaptive::{Chance, Code, magnitude};
use crate::error::{Error, Result};

/// The ints of a tile as a autoencoder says them, and which of them may be corrected.
pub struct Approximation {
    pub p: Vec<i32>,
    pub open: Vec<bool>,
}

/// No approximation int is farther off than this.
const MAX_CORRECTION: i32 = 1 << 17;
/// Where p rises by as much as this over two ints, both ways together, it is steeper.
const STEEP: [i32; 5] = [8, 24, 64, 160, 400];
const N_STEEP: usize = STEEP.len() + 1;
const N_AROUND: usize = 9;

/// An encoder's residuals.
pub fn of(tile: Tile, approximation: &Approximation) -> Vec<i32> {
    let ints = tile.ints.iter().zip(&approximation.p).zip(&approximation.open);
    ints.map(|((v, p), open)| residual(v - p) * i32::from(*open)).collect()
}

/// About what `walk` takes, in bits: the entropy of residuals where those around them are known.
pub fn estimate(approximation: &Approximation, [n, h, w]: [usize; 3], k: &[i32]) -> u64 {
    const FEW: usize = 4;
    let mut histogram = Histogram::<N_AROUND, FEW>::default();
    let nothing = vec![0; w];
    let some = |k: i32| k.unsigned_abs().min(2) as usize;
    let mut n_plain = 0;
    for (plane, y) in (0..n).flat_map(|plane| (0..h).map(move |y| (plane, y))) {
        let first = (plane * h + y) * w;
        let (row, open) = (&k[first..][..w], &approximation.open[first..][..w]);
        let above = if y > 0 { &k[first - w..][..w] } else { &nothing };
        let before = if plane > 0 { &k[first - h * w..][..w] } else { &nothing };
        // nearly all are 0, and so are those around them
        let mut left = 0;
        for x in 0..w {
            if open[x] {
                let corners = some(above[x.saturating_sub(1)]) + some(above[(x + 1).min(w - 1)]);
                let around = 2 * (some(left) + some(above[x]) + some(before[x])) + corners;
                let size = row[x].unsigned_abs();
                histogram.add(around.min(N_AROUND - 1), (size as usize).min(FEW - 1));
                n_plain += u64::from(size > 0) + 2 * u64::from(size.max(FEW as u32 - 1).ilog2() - 1);
            }
            left = row[x];
        }
    }
    histogram.bits() + n_plain
}

/// ⌊(d + 32) / 65⌋ of a difference of ints, without a division: d + 32 is brought above 0, and ⌊n·⌈2³⁸ / 65⌉ / 2³⁸⌋ is exact for n < 2²².
fn residual(d: i32) -> i32 {
    const ABOVE: i32 = 1 << 15;
    const RECIPROCAL: u64 = (1u64 << 38).div_ceil(SUBSTEPS as u64);
    let n = (d + SUBSTEPS / 2 + ABOVE * SUBSTEPS) as u32;
    ((u64::from(n) * RECIPROCAL) >> 38) as i32 - ABOVE
}

struct Chances {
    nonzero: [[Chance; N_STEEP]; N_AROUND],
    negative: [Chance; 5],
    magnitude: [[Chance; 20]; 3],
}

/// Codes the residuals of planes × rows × columns; a reader hands over zeros.
pub fn walk(code: &mut impl Code, approximation: &Approximation, [n, h, w]: [usize; 3], k: &mut [i32]) -> Result<()> {
    let rare = |around: usize| if around == 0 { Chance::new(30, 0) } else { Chance::new(2, 2) };
    let mut chances = Chances {
        nonzero: std::array::from_fn(|around| [rare(around); N_STEEP]),
        negative: [Chance::new(1, 1); 5],
        magnitude: [[Chance::new(3, 1); 20]; 3],
    };
    // the residuals above a row, with a 0 in front and behind
    let mut above = vec![0; w + 2];
    for (plane, y) in (0..n).flat_map(|plane| (0..h).map(move |y| (plane, y))) {
        let first = (plane * h + y) * w;
        above.fill(0);
        if y > 0 {
            above[1..=w].copy_from_slice(&k[first - w..first]);
        }
        let steep = Steep::of(&approximation.p[plane * h * w..][..h * w], (h, w), y);
        let mut left = 0;
        for x in 0..w {
            let i = first + x;
            if !approximation.open[i] {
                left = 0;
                continue;
            }
            let before = if plane > 0 { k[i - h * w] } else { 0 };
            let some = |k: i32| k.abs().min(2);
            let around = 2 * (some(left) + some(above[x + 1]) + some(before)) + some(above[x]) + some(above[x + 2]);
            let chance = &mut chances.nonzero[(around as usize).min(N_AROUND - 1)][steep.at(x)];
            k[i] = match chance.bit(code, k[i] != 0)? {
                false => 0,
                true => chances.correction(code, k[i], left, above[x + 1])?,
            };
            left = k[i];
        }
    }
    Ok(())
}

impl Chances {
    /// One that is not 0.
    fn correction(&mut self, code: &mut impl Code, k: i32, left: i32, above: i32) -> Result<i32> {
        let sign = left.signum() + above.signum();
        let negative = self.negative[(sign + 2) as usize].bit(code, k < 0)?;
        let large = left.abs().max(above.abs()).min(2) as usize;
        let m = magnitude(code, &mut self.magnitude[large], k.abs())?;
        if m > MAX_CORRECTION {
            return Err(Error::corrupt(format!("a correction of {m}")));
        }
        Ok(if negative { -m } else { m })
    }
}

/// How steep p is along a row of a plane.
struct Steep<'a> {
    above: &'a [i32],
    row: &'a [i32],
    below: &'a [i32],
}

impl Steep<'_> {
    fn of(plane: &[i32], (h, w): (usize, usize), y: usize) -> Steep<'_> {
        let row = |y: usize| &plane[y * w..][..w];
        Steep { above: row(y.saturating_sub(1)), row: row(y), below: row((y + 1).min(h - 1)) }
    }

    fn at(&self, x: usize) -> usize {
        let across = self.row[(x + 1).min(self.row.len() - 1)].abs_diff(self.row[x.saturating_sub(1)]);
        let down = self.below[x].abs_diff(self.above[x]);
        STEEP.iter().filter(|&&steep| across + down >= steep as u32).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::adaptive::{Symbols, take_lane};

    fn comes_back(approximation: &Approximation, size: [usize; 3], k: &[i32]) -> usize {
        let (mut code, mut bytes) = (Symbols::default(), Vec::new());
        walk(&mut code, approximation, size, &mut k.to_vec()).unwrap();
        code.finish(&mut bytes);
        let mut back = vec![0; k.len()];
        walk(&mut take_lane(&mut &bytes[..]).unwrap(), approximation, size, &mut back).unwrap();
        assert_eq!(back, k);
        bytes.len()
    }

    #[test]
    fn corrections_that_are_all_0_cost_next_to_nothing() {
        let (h, w) = (256, 256);
        for slope in [0, 7, 99] {
            let approximation =
                Approximation { p: (0..h * w).map(|i| (i % w) as i32 * slope).collect(), open: vec![true; h * w] };
            let n_bytes = comes_back(&approximation, [1, h, w], &vec![0; h * w]);
            // a hundredth of a bit each
            assert!(n_bytes * 8 * 100 < h * w, "{n_bytes} bytes");
        }
    }

    #[test]
    fn a_residual_is_the_whole_part_of_a_quotient() {
        for d in (-(1 << 20)..=1 << 20).step_by(7).chain(-200..200) {
            assert_eq!(residual(d), (d + SUBSTEPS / 2).div_euclid(SUBSTEPS), "{d}");
        }
    }

    #[test]
    fn corrections_of_every_size_come_back_and_closed_ints_have_none() {
        let (h, w) = (6, 40);
        let k: Vec<i32> =
            (0..h * w).map(|i| [0, 1, -1, 0, 2, -700, MAX_CORRECTION][i * i % 7] * (i % 3 > 0) as i32).collect();
        let open = (0..h * w).map(|i| i % 3 > 0).collect();
        let approximation = Approximation { p: (0..h * w).map(|i| (i * i * 31 % 977) as i32).collect(), open };
        for size in [[1, h, w], [2, h / 2, w], [h, 1, w], [h, w, 1]] {
            comes_back(&approximation, size, &k);
        }
    }
}
