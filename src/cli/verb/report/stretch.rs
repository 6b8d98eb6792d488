//! pixel = mean of f × f samples          colour = (x − from) / (to − from), or the same of asinh(x)
//!
//! What lies between a map and its picture: smaller, smoother, and from which to which number colours go.

/// Pictures are no wider or higher than this.
pub const MAX_SIDE: usize = 480;
/// Samples that ends are found from.
const ENOUGH: usize = 10_000;
const CONTRAST: f64 = 0.25;

/// A map made smaller.
#[derive(Clone, Debug, PartialEq)]
pub struct Small {
    pub h: usize,
    pub w: usize,
    /// How many samples a pixel is wide and high.
    pub factor: usize,
    /// NaN where no sample counts.
    pub values: Vec<f64>,
}

pub fn factor(h: usize, w: usize) -> usize {
    h.max(w).div_ceil(MAX_SIDE).max(1)
}

/// Means of the samples that count.
pub fn small(map: &[f32], w: usize) -> Small {
    let h = map.len() / w.max(1);
    let f = factor(h, w);
    let (out_h, out_w) = (h.div_ceil(f), w.div_ceil(f));
    let (mut sums, mut counts) = (vec![0.0; out_h * out_w], vec![0u32; out_h * out_w]);
    for (i, x) in map.iter().enumerate().filter(|(_, x)| x.is_finite()) {
        let at = i / w / f * out_w + i % w / f;
        sums[at] += f64::from(*x);
        counts[at] += 1;
    }
    let values = sums.iter().zip(&counts).map(|(sum, n)| if *n == 0 { f64::NAN } else { sum / f64::from(*n) });
    Small { h: out_h, w: out_w, factor: f, values: values.collect() }
}

/// The most frequent number of each f × f samples, at least of 2 × 2: phases of a mosaic lie side by side.
pub fn most_frequent(map: &[u8], w: usize) -> (usize, Vec<u8>) {
    let h = map.len() / w.max(1);
    let f = factor(h, w).max(2);
    let (out_h, out_w) = (h.div_ceil(f), w.div_ceil(f));
    let pixel = |at: usize| {
        let (y0, x0) = (at / out_w * f, at % out_w * f);
        let mut counts = [0u32; 256];
        for y in y0..(y0 + f).min(h) {
            map[y * w..][x0..(x0 + f).min(w)].iter().for_each(|n| counts[usize::from(*n)] += 1);
        }
        // of several the first
        (0..=255u8).rev().max_by_key(|n| counts[usize::from(*n)]).unwrap_or(0)
    };
    (out_w, (0..out_h * out_w).map(pixel).collect())
}

/// Means over boxes of `n` × `n`, cut at the edges.
pub fn smooth(map: &[f32], w: usize, n: usize) -> Vec<f32> {
    let h = map.len() / w.max(1);
    let along = |line: &[f32]| {
        let mut sums = vec![0.0; line.len() + 1];
        for (i, x) in line.iter().enumerate() {
            sums[i + 1] = sums[i] + f64::from(*x);
        }
        let mean = |i: usize| {
            let (from, to) = (i.saturating_sub(n / 2), (i + n / 2 + 1).min(line.len()));
            ((sums[to] - sums[from]) / (to - from) as f64) as f32
        };
        (0..line.len()).map(mean).collect::<Vec<f32>>()
    };
    let rows: Vec<f32> = map.chunks(w.max(1)).flat_map(along).collect();
    let mut out = vec![0.0; map.len()];
    for x in 0..w {
        let column: Vec<f32> = (0..h).map(|y| rows[y * w + x]).collect();
        along(&column).into_iter().enumerate().for_each(|(y, mean)| out[y * w + x] = mean);
    }
    out
}

/// Evenly spread samples that count, sorted.
fn sorted(map: &[f32]) -> Vec<f64> {
    // an odd step, so that no column is seen alone
    let step = (map.len() / ENOUGH).max(1) | 1;
    let mut seen: Vec<f64> = map.iter().step_by(step).filter(|x| x.is_finite()).map(|x| f64::from(*x)).collect();
    seen.sort_by(f64::total_cmp);
    seen
}

pub fn median(map: &[f32]) -> Option<f64> {
    let seen = sorted(map);
    seen.get(seen.len() / 2).copied()
}

/// The value that a share of the samples does not exceed.
pub fn quantile(map: &[f32], share: f64) -> Option<f64> {
    let seen = sorted(map);
    let last = seen.len().checked_sub(1)?;
    seen.get((share * last as f64).round() as usize).copied()
}

/// The ends of zscale: the median ± the slope of the sorted samples through the middle, without those far from the line,
/// divided by the contrast; no further than the samples go.
pub fn zscale(map: &[f32]) -> Option<(f64, f64)> {
    let seen = sorted(map);
    let (first, last) = (*seen.first()?, *seen.last()?);
    let middle = (seen.len() - 1) as f64 / 2.0;
    let mut kept: Vec<usize> = (0..seen.len()).collect();
    let mut slope = 0.0;
    for _ in 0..5 {
        let n = kept.len() as f64;
        let mean = |of: &dyn Fn(usize) -> f64| kept.iter().map(|&i| of(i)).sum::<f64>() / n;
        let (mx, my) = (mean(&|i| i as f64), mean(&|i| seen[i]));
        let (sxy, sxx) = (mean(&|i| (i as f64 - mx) * (seen[i] - my)), mean(&|i| (i as f64 - mx).powi(2)));
        slope = if sxx > 0.0 { sxy / sxx } else { 0.0 };
        let off = |i: usize| seen[i] - my - slope * (i as f64 - mx);
        let spread = mean(&|i| off(i).powi(2)).sqrt();
        let near: Vec<usize> = (0..seen.len()).filter(|&i| off(i).abs() <= 2.5 * spread).collect();
        if near.len() < seen.len() / 2 || near.len() == kept.len() {
            break;
        }
        kept = near;
    }
    let median = seen[seen.len() / 2];
    let reach = slope / CONTRAST * middle;
    let (from, to) = ((median - reach).max(first), (median + reach).min(last));
    Some(if from < to { (from, to) } else { (first, last) })
}

/// From which to which number colours go, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub from: f64,
    pub to: f64,
    pub is_asinh: bool,
}

impl Scale {
    /// Where a number lies between the ends, from 0 to 1.
    pub fn at(&self, x: f64) -> f64 {
        let bend = |x: f64| if self.is_asinh { x.asinh() } else { x };
        let (from, to) = (bend(self.from), bend(self.to));
        if to > from { ((bend(x) - from) / (to - from)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_the_mean_of_its_samples_and_of_nothing_nothing() {
        let map: Vec<f32> = (0..2 * 961).map(|i| if i % 961 < 3 { f32::NAN } else { (i % 961) as f32 }).collect();
        let small = small(&map, 961);
        assert_eq!((small.h, small.w, small.factor), (1, 321, 3));
        assert!(small.values[0].is_nan());
        assert_eq!((small.values[1], small.values[320]), (4.0, 960.0));
    }

    #[test]
    fn a_box_keeps_the_mean_of_a_plain_map_and_spreads_a_peak() {
        assert_eq!(smooth(&[2.0; 35], 7, 3), [2.0; 35]);
        let mut map = vec![0.0; 49];
        map[24] = 9.0;
        let smoothed = smooth(&map, 7, 3);
        assert_eq!((smoothed[24], smoothed[16], smoothed[8]), (1.0, 1.0, 0.0));
    }

    #[test]
    fn stars_do_not_move_the_ends_of_zscale() {
        let sky = |i: usize| ((i * 7919 % 1009) as f32 - 504.0) / 50.0 + 100.0;
        let plain: Vec<f32> = (0..9000).map(sky).collect();
        let stars: Vec<f32> = (0..9000).map(|i| if i % 100 == 0 { 50_000.0 } else { sky(i) }).collect();
        let (a, b) = (zscale(&plain).unwrap(), zscale(&stars).unwrap());
        assert!((a.0 - b.0).abs() < 1.0 && b.1 < 200.0, "{a:?} {b:?}");
        assert_eq!((zscale(&[]), zscale(&[f32::NAN]), zscale(&[3.0; 9])), (None, None, Some((3.0, 3.0))));
    }

    #[test]
    fn the_most_frequent_mode_is_shown_and_phases_do_not_make_a_pattern() {
        assert_eq!(most_frequent(&[1, 1, 0, 0, 1, 0, 0, 2], 4), (2, vec![1, 0]));
    }

    #[test]
    fn colours_go_from_end_to_end() {
        let scale = Scale { from: -3.0, to: 100.0, is_asinh: true };
        assert_eq!((scale.at(-3.0), scale.at(100.0), scale.at(1e9)), (0.0, 1.0, 1.0));
        assert!(scale.at(3.0) > 0.4);
        assert_eq!(Scale { from: 1.0, to: 1.0, is_asinh: false }.at(1.0), 0.5);
    }
}
