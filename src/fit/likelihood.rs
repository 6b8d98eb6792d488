//! P(int) = share · Σ wₖ · [S(hiₖ) − S(loₖ)] + floor,   hi, lo = (int ± ½ − μₖ) / σₖ,   μₖ = b + s·mₖ,   log2 σₖ = log2 s + lₖ
//!
//! kernel::mixture and kernel::interval in floats, with slopes. S is the sigmoid; the first int of a plane reaches down to −∞, the
//! last up to ∞. S(hi) − S(lo) = S(hi) · S(−lo) · (1 − e^(lo − hi)): no difference of like numbers.

use super::elementary::exp2;
use crate::kernel::mixture::{MAX_LOG2_SCALE, MIN_LOG2_SCALE};
use crate::net::MAX_K;
use std::f32::consts::{LN_2, LOG2_E};

/// Cells side by side.
pub const N: usize = 16;
pub type Row = [f32; N];

/// Locations reach this many s.
pub const MAX_LOCATION: f32 = 8.0;

/// What is known of the cells but the heads.
#[derive(Clone, Copy)]
pub struct Block {
    /// s in ints, as locations use it, and its log2, as scales use it.
    pub s: Row,
    pub log_s: Row,
    /// int − b.
    pub distance: Row,
    /// 0 where the int is the first of its plane, and where it is the last; 1 elsewhere.
    pub not_first: Row,
    pub not_last: Row,
    /// What every int has: 2⁻²⁴, the last of a plane all that is left over.
    pub floor: Row,
}

/// P of each cell's int by its 3K heads (a, m, l), and in their place the slopes of −ln P.
pub fn likelihood(share: f32, block: &Block, heads: &mut [Row]) -> Row {
    let k = heads.len() / 3;
    let mut weights = [[0.0; N]; MAX_K];
    softmax(&heads[..k], &mut weights);
    let mut p = block.floor;
    let mut parts = [[0.0; N]; MAX_K];
    for c in 0..k {
        let (mut m, mut l) = (heads[k + c], heads[2 * k + c]);
        let values = logistic(block, &mut m, &mut l);
        for i in 0..N {
            parts[c][i] = share * weights[c][i] * values[i];
            p[i] += parts[c][i];
        }
        (heads[k + c], heads[2 * k + c]) = (m, l);
    }
    let mut known = [0.0; N];
    for part in &mut parts[..k] {
        for i in 0..N {
            part[i] /= p[i];
            known[i] += part[i];
        }
    }
    for c in 0..k {
        for i in 0..N {
            heads[c][i] = LN_2 * (weights[c][i] * known[i] - parts[c][i]);
            heads[k + c][i] *= parts[c][i];
            heads[2 * k + c][i] *= parts[c][i];
        }
    }
    p
}

/// 2^aₖ / Σ 2^aⱼ.
#[inline(always)]
fn softmax(logits: &[Row], weights: &mut [Row; MAX_K]) {
    let (mut top, mut sum) = (logits[0], [0.0; N]);
    for a in logits {
        for i in 0..N {
            top[i] = top[i].max(a[i]);
        }
    }
    for (w, a) in weights.iter_mut().zip(logits) {
        for i in 0..N {
            w[i] = exp2(a[i] - top[i]);
            sum[i] += w[i];
        }
    }
    for w in &mut weights[..logits.len()] {
        for i in 0..N {
            w[i] /= sum[i];
        }
    }
}

/// S(hi) − S(lo); in the place of m and l the slopes of its −ln.
#[inline(always)]
fn logistic(block: &Block, m: &mut Row, l: &mut Row) -> Row {
    let octaves = |units: i32| units as f32 / 256.0 - 6.0;
    let (least, most) = (octaves(MIN_LOG2_SCALE), octaves(MAX_LOG2_SCALE));
    let mut p = [0.0; N];
    for i in 0..N {
        let scale = block.log_s[i] + l[i];
        let steep = exp2(-scale.clamp(least, most));
        let t = block.distance[i] - block.s[i] * m[i].clamp(-MAX_LOCATION, MAX_LOCATION);
        let share = share_of(block, i, t, steep);
        p[i] = share.p;
        let moves = if m[i].abs() < MAX_LOCATION { block.s[i] * steep } else { 0.0 };
        let widens = if scale > least && scale < most { LN_2 * steep } else { 0.0 };
        m[i] = moves * share.by_location;
        l[i] = widens * share.by_steep;
    }
    p
}

/// An int's share of one logistic, and the slopes of its −ln by location and by log scale, both in units of the scale.
pub struct Share {
    pub p: f32,
    pub by_location: f32,
    pub by_steep: f32,
}

/// Of cell i, whose int lies t from the location; `steep` is 1 / σ.
#[inline(always)]
pub fn share_of(block: &Block, i: usize, t: f32, steep: f32) -> Share {
    // 1 − e^(−steep), by its series where that is near 0
    let series = steep * (1.0 - steep / 2.0 * (1.0 - steep / 3.0 * (1.0 - steep / 4.0 * (1.0 - steep / 5.0))));
    let far = exp2(-steep * LOG2_E);
    let gap = if steep < 0.25 { series } else { 1.0 - far };
    let both = block.not_first[i] * block.not_last[i];
    let (hi, lo) = ((t + 0.5) * steep * LOG2_E, (t - 0.5) * steep * LOG2_E);
    let (up_to, from) = (1.0 / (1.0 + exp2(-hi)), 1.0 / (1.0 + exp2(lo)));
    let (above, below) = (block.not_last[i] * (1.0 - up_to), block.not_first[i] * (1.0 - from));
    // 1 where the flag is 0: small numbers stay exact
    let kept = |flag: f32, x: f32| (1.0 - flag) + flag * x;
    let p = kept(block.not_last[i], up_to) * kept(block.not_first[i], from) * kept(both, gap);
    Share { p, by_location: above - below, by_steep: (t + 0.5) * above - (t - 0.5) * below + both * far / gap }
}

#[cfg(test)]
mod tests {
    use super::super::cells::Cells;
    use super::*;
    use crate::kernel::context::Heads;
    use crate::kernel::interval::{Distributions, intervals};
    use crate::kernel::mixture::{Mixtures, Window, mass, mixture};
    use crate::synthetic::Lcg;

    const K: usize = 3;

    /// s, b and int.
    type Cell = (i32, i32, i32);

    /// Cells and heads of every kind, in the engine's integers.
    fn of_every_kind() -> (Vec<Cell>, Vec<[i32; 3 * K]>) {
        let mut random = Lcg(5);
        let mut below = move |n: u32| random.below(n) as i32;
        let cells =
            (0..40 * N).map(|i| (16 << (i % 9), 64 * 500 + below(6400), [below(1000), 0, 999, 500 + below(20)][i % 4]));
        let cells = cells.collect();
        let heads =
            (0..40 * N).map(|_| std::array::from_fn(|h| below([700, 200, 900][h / K]) - [350, 100, 700][h / K]));
        (cells, heads.collect())
    }

    fn block(cells: &[Cell]) -> Block {
        let column = |of: &dyn Fn(&Cell) -> i32| cells.iter().map(of).collect::<Vec<i32>>();
        let all = Cells { s: column(&|c| c.0), b: column(&|c| c.1), int: column(&|c| c.2), ..Cells::new(4, 999) };
        all.block(&std::array::from_fn(|i| i))
    }

    fn floats(heads: &[[i32; 3 * K]]) -> Vec<Row> {
        let unit = |h: usize| if h / K == 1 { 128.0 } else { 256.0 };
        (0..3 * K).map(|h| std::array::from_fn(|i| heads[i][h] as f32 / unit(h))).collect()
    }

    #[test]
    fn the_engine_gives_the_same_probabilities() {
        let (cells, all_heads) = of_every_kind();
        let window = Window { max: 999 };
        let share = mass(window.n_symbols()) as f32 / 4096.0;
        for (cells, ints_of_heads) in cells.chunks(N).zip(all_heads.chunks(N)) {
            let p = likelihood(share, &block(cells), &mut floats(ints_of_heads));
            for (i, &(s, b, int)) in cells.iter().enumerate() {
                let (mut heads, mut m) = (Heads::new(3 * K, 1), Mixtures::new(K, 1));
                (heads.s[0], heads.heads) = (s, ints_of_heads[i].to_vec());
                mixture(&[b], &heads, mass(window.n_symbols()), &mut m);
                let (mut start, mut width) = ([0], [0]);
                intervals(Distributions { mixtures: &m, window, b: &[b] }, &[int], &mut start, &mut width);
                let engine = f64::from(width[0]) / f64::from(1 << 24);
                // the engine's sigmoid is straight pieces in whole 2⁻²⁰: a fiftieth of a bit, and in the tails a few of these
                let off = (f64::from(p[i]) - engine).abs();
                // the engine's tails end at 8 to 16 scales; what is left there goes to the ends of the plane
                let tail = [0, 999].contains(&int) && off < 4e-4;
                assert!(
                    tail || off < 0.014 * engine + 32.0 / f64::from(1 << 20),
                    "{} against {engine} for {:?}",
                    p[i],
                    cells[i]
                );
            }
        }
    }

    #[test]
    fn slopes_are_what_small_steps_show() {
        let (cells, heads) = of_every_kind();
        let step = 1.0 / 64.0;
        for (cells, heads) in cells.chunks(N).zip(heads.chunks(N)) {
            let (block, heads) = (block(cells), floats(heads));
            let mut slopes = heads.clone();
            likelihood(0.999, &block, &mut slopes);
            for h in 0..3 * K {
                let at = |by: f32| {
                    let mut moved = heads.clone();
                    moved[h].iter_mut().for_each(|x| *x += by);
                    likelihood(0.999, &block, &mut moved).map(|p| -p.ln())
                };
                let (more, less) = (at(step), at(-step));
                for i in 0..N {
                    let seen = (more[i] - less[i]) / (2.0 * step);
                    // f32 over a step of 1/64, and the bend of the curve over that step
                    let off = (seen - slopes[h][i]).abs();
                    assert!(off < 0.02 * (1.0 + seen.abs() + block.s[i]), "head {h}: {seen}, not {}", slopes[h][i]);
                }
            }
        }
    }
}
