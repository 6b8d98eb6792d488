//! P(int) = Σ wᵢ · [Sᵢ(hi) − Sᵢ(lo)],   w₃ = ½ (t / 7)², w₁₂ = w₃ / 8, w₁ the rest,   S₁ of scale σ, S₃ of 3 σ moved by k σ, S₁₂ of 12 σ
//!
//! kernel::table in floats, with slopes; scales, tails and skews as they are, not rounded to those that have tables.

use super::elementary::exp2;
use super::likelihood::{Block, MAX_LOCATION, N, Row, share_of};
use crate::kernel::table::{
    LOG2_OUTLIERS, MAX_LOG2_SCALE, MAX_SKEW, MAX_TAIL, MIN_LOG2_SCALE, N_SYMBOLS, OUTLIER_OCTAVES, TAIL_OCTAVES,
};
use std::f32::consts::LN_2;

/// What the widths that every symbol has leave of a table.
const SHARE: f32 = 1.0 - N_SYMBOLS as f32 / 65536.0;
/// What outliers have of the tail's weight.
const OUTLIERS: f32 = 1.0 / (1 << LOG2_OUTLIERS) as f32;

/// P of each cell's int by its heads (m, l, t, k), and in their place the slopes of −ln P.
pub fn likelihood(block: &Block, heads: &mut [Row]) -> Row {
    let octaves = |units: i32| units as f32 / 256.0 - 6.0;
    let (least, most) = (octaves(MIN_LOG2_SCALE), octaves(MAX_LOG2_SCALE));
    let [narrower, narrowest] = [TAIL_OCTAVES, OUTLIER_OCTAVES].map(|octaves| exp2(-octaves as f32 / 256.0));
    let (max_tail, max_skew) = (MAX_TAIL as f32, MAX_SKEW as f32);
    let [ms, ls, ts, ks] = heads else { unreachable!("a table has four outputs") };
    let mut all = [0.0; N];
    for i in 0..N {
        let (m, l, tail, skew) = (ms[i], ls[i], ts[i].clamp(0.0, max_tail), ks[i].clamp(-max_skew, max_skew));
        let wish = block.log_s[i] + l;
        let scale = wish.clamp(least, most);
        let (sigma, steep) = (exp2(scale), exp2(-scale));
        let (steep_tail, steep_outliers) = (steep * narrower, steep * narrowest);
        let t = block.distance[i] - block.s[i] * m.clamp(-MAX_LOCATION, MAX_LOCATION);
        let core = share_of(block, i, t, steep);
        let wide = share_of(block, i, t - skew * sigma, steep_tail);
        let outlier = share_of(block, i, t, steep_outliers);
        let weight = 0.5 * (tail / max_tail) * (tail / max_tail);
        // a symbol is an int up to a scale of 8, an eighth of a scale or less from there on
        let floor = exp2(-16.0 - (scale - 2.0).max(0.0));
        let further = OUTLIERS * weight;
        let parts = [(1.0 - weight - further) * core.p, weight * wide.p, further * outlier.p];
        let p = SHARE * (parts[0] + parts[1] + parts[2]) + floor;
        let [by_core, by_wide, by_outlier] = parts.map(|part| SHARE * part / p);
        let (to_core, to_wide) = (by_core * steep * core.by_location, by_wide * steep_tail * wide.by_location);
        let to_outlier = by_outlier * steep_outliers * outlier.by_location;
        let inside = |x: f32, low: f32, high: f32| f32::from(u8::from(x > low && x < high));

        ms[i] = inside(m, -MAX_LOCATION, MAX_LOCATION) * block.s[i] * (to_core + to_wide + to_outlier);
        let widens = by_core * steep * core.by_steep
            + by_wide * steep_tail * wide.by_steep
            + by_outlier * steep_outliers * outlier.by_steep
            + skew * sigma * to_wide;
        ls[i] = inside(wish, least, most) * LN_2 * widens;
        ts[i] = inside(ts[i], 0.0, max_tail) * SHARE * ((1.0 + OUTLIERS) * core.p - wide.p - OUTLIERS * outlier.p) / p
            * tail
            / (max_tail * max_tail);
        ks[i] = inside(ks[i], -max_skew, max_skew) * sigma * to_wide;
        all[i] = p;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::cells::Cells;
    use super::*;
    use crate::kernel::context::Heads;
    use crate::kernel::table::{Choice, Choices, choose};
    use crate::kernel::table_symbol::cost;

    const MAX: i32 = 999;

    /// (s, b, int) and outputs of every kind, in the engine's integers.
    fn cells() -> (Cells, Vec<[i32; 4]>) {
        let mut state = 5u32;
        let mut below = move |n: i32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((u64::from(state) * n as u64) >> 32) as i32
        };
        let (mut cells, mut heads) = (Cells::new(4, MAX), Vec::new());
        for i in 0..40 * N {
            let s = 64 << (i % 5);
            let b = 64 * 500 + below(6400);
            cells.s.push(s);
            cells.b.push(b);
            cells.int.push((b >> 6) + below((8 * s) >> 6) - ((4 * s) >> 6));
            heads.push([below(200) - 100, below(600) - 300, below(9 << 5) - 32, below(5 << 6) - 160]);
        }
        (cells, heads)
    }

    fn floats(heads: &[[i32; 4]]) -> Vec<Row> {
        let unit = [128.0, 256.0, 32.0, 64.0];
        (0..4).map(|h| std::array::from_fn(|i| heads[i][h] as f32 / unit[h])).collect()
    }

    #[test]
    fn the_engine_gives_about_the_same_bits() {
        let (cells, heads) = cells();
        let (mut ours, mut engines) = (0.0, 0.0);
        for (at, some) in (0..cells.len()).step_by(N).zip(heads.chunks(N)) {
            let p = likelihood(&cells.block(&std::array::from_fn(|i| at + i)), &mut floats(some));
            ours -= p.iter().map(|p| f64::from(p.log2())).sum::<f64>();
            for (i, head) in (at..at + N).zip(some) {
                let heads = Heads { stride: 1, s: vec![cells.s[i]], heads: head.to_vec() };
                let mut choices = Choices::new(1);
                choose(&[cells.b[i]], &heads, MAX, &mut choices);
                engines += f64::from(cost(Choice(choices.choice[0]), choices.middle[0], cells.int[i])) / 256.0;
            }
        }
        assert!((ours / engines - 1.0).abs() < 0.01, "{ours} bits, {engines} of the engine");
    }

    #[test]
    fn slopes_are_what_small_steps_show() {
        let (cells, heads) = cells();
        let step = 1.0 / 64.0;
        for (at, some) in (0..cells.len()).step_by(N).zip(heads.chunks(N)) {
            let (block, heads) = (cells.block(&std::array::from_fn(|i| at + i)), floats(some));
            let mut slopes = heads.clone();
            likelihood(&block, &mut slopes);
            for h in 0..4 {
                let at = |by: f32| {
                    let mut moved = heads.clone();
                    moved[h].iter_mut().for_each(|x| *x += by);
                    likelihood(&block, &mut moved).map(|p| -p.ln())
                };
                let (more, less) = (at(step), at(-step));
                for i in 0..N {
                    let seen = (more[i] - less[i]) / (2.0 * step);
                    let at_end = [8.0, 99.0, 0.0, 2.0].map(|end: f32| (heads[h][i].abs() - end).abs() < 2.0 * step)[h];
                    let off = (seen - slopes[h][i]).abs();
                    let close = off < 0.02 * (1.0 + seen.abs() + block.s[i]);
                    assert!(close || at_end || h == 2 && heads[2][i] > 6.9, "{h}: {seen}, not {}", slopes[h][i]);
                }
            }
        }
    }
}
