//! d = x′ − x by its size and by the value it lies at · |∇x| before and after · power by frequency · the worst places, before and after
//!
//! What is drawn of two arrays and is no figure of merit. One more pass, made where somebody asks for pictures.

use super::cut::{Cut, Spot};
use super::histogram::Histogram;
use super::logs::Logs;
use super::passes::{FAR, Pair, survey};
use super::spectrum::{self, Ring};
use super::{Quality, Stretch, place, ssim};
use crate::error::Result;
use crate::sample::{Ends, Ordinary, difference};

/// Bins per side of residuals, and how many times the largest is larger than the least that has a bin.
const N_SIDE: usize = 24;
const DEPTH: f64 = 1e3;
const N_COLUMNS: usize = 96;
const N_ROWS: usize = 49;
/// Parts of the range that are told apart in numbers.
pub const N_PARTS: usize = 8;
const GRADIENTS: Ends = (1e-7, 2.0);
const N_GRADIENTS: usize = 73;
/// Of each kind of worst place.
const N_PLACES: usize = 2;
const SIDE: usize = 32;
/// Of a crop of one row.
const LONG: usize = 96;

/// Residuals of the samples in a part of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    pub n: u64,
    sum: f64,
    squares: f64,
    pub largest: f64,
}

impl Part {
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    pub fn rms(&self) -> Option<f64> {
        (self.n > 0).then(|| (self.squares / self.n as f64).sqrt())
    }
}

/// How often a residual occurs at a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ByValue {
    /// Of the values.
    pub range: Ends,
    pub n_columns: usize,
    /// Rows of residuals: their edges.
    pub rows: Histogram,
    /// Row by row.
    pub counts: Vec<u64>,
    pub parts: [Part; N_PARTS],
}

/// A crop around a place where much was lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Of SSIM; otherwise the error is the largest.
    pub is_window: bool,
    /// SSIM of the window, or x′ − x.
    pub value: f64,
    pub plane: usize,
    pub row: usize,
    pub column: usize,
    pub w: usize,
    /// Of the crop; NaN where a sample does not count.
    pub before: Vec<f64>,
    pub after: Vec<f64>,
}

/// What there is to be drawn of an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// |d| of what became less, and of what became more.
    pub residuals: [Logs; 2],
    pub by_value: ByValue,
    /// In shares of the range per sample, before and after.
    pub gradients: [Logs; 2],
    pub rings: Vec<Ring>,
    pub places: Vec<Place>,
}

/// The largest numbers of places that are apart from each other.
#[derive(Clone, Default)]
struct Top(Vec<(f64, [usize; 3])>);

impl Top {
    fn offer(&mut self, value: f64, at: [usize; 3]) {
        let least = self.0.get(N_PLACES - 1).map_or(0.0, |last| last.0);
        if value.is_nan() || value <= least {
            return;
        }
        let is_near = |other: &[usize; 3]| {
            other[0] == at[0] && other[1].abs_diff(at[1]) < SIDE && other[2].abs_diff(at[2]) < SIDE
        };
        if self.0.iter().any(|(seen, place)| *seen >= value && is_near(place)) {
            return;
        }
        self.0.retain(|(_, place)| !is_near(place));
        let behind = self.0.partition_point(|(seen, _)| *seen >= value);
        self.0.insert(behind, (value, at));
        self.0.truncate(N_PLACES);
    }
}

#[derive(Clone)]
struct Gathered {
    residuals: [Logs; 2],
    by_value: ByValue,
    gradients: [Logs; 2],
    errors: Top,
    windows: Top,
}

/// None where the range is one value, or nothing was lost.
pub fn look(original: Stretch, decoded: Stretch, quality: &Quality) -> Result<Option<Look>> {
    let Some(range) = quality.range.filter(|(min, max)| min < max && quality.largest > 0.0) else { return Ok(None) };
    let cut = Cut::new(original.ty)?;
    let ordinary = Ordinary::of(&survey(&original, &cut)?);
    let pair = Pair { original, decoded, ordinary, cut };
    let gathered = gather(&pair, range, quality.largest)?;
    let mut places = Vec::new();
    for (is_window, top) in [(false, &gathered.errors), (true, &gathered.windows)] {
        for (value, at) in &top.0 {
            places.push(crop(&pair, is_window, *value, *at)?);
        }
    }
    Ok(Some(Look {
        residuals: gathered.residuals,
        by_value: gathered.by_value,
        gradients: gathered.gradients,
        rings: spectrum::rings(&pair, range)?,
        places,
    }))
}

fn gather(pair: &Pair, range: Ends, largest: f64) -> Result<Gathered> {
    let (most, n_side) = match pair.is_whole() {
        true => (largest + 0.5, ((1.5 * largest).ceil() as usize).min(N_SIDE)),
        false => (largest, N_SIDE),
    };
    let least = if pair.is_whole() { (most / DEPTH).max(0.5) } else { (most / DEPTH).max(f64::MIN_POSITIVE) };
    let rows = Histogram::symmetric(N_ROWS, largest, pair.is_whole());
    let empty = Gathered {
        residuals: [(); 2].map(|()| Logs::new((least, most), n_side)),
        by_value: ByValue {
            range,
            n_columns: N_COLUMNS,
            counts: vec![0; N_COLUMNS * rows.counts.len()],
            rows,
            parts: [Part::default(); N_PARTS],
        },
        gradients: [(); 2].map(|()| Logs::new(GRADIENTS, N_GRADIENTS)),
        errors: Top::default(),
        windows: Top::default(),
    };
    let window = ssim::window((pair.cut.h, pair.cut.w));
    let look = |all: &mut Gathered, spot: &Spot| {
        // one more for gradients where windows have one row
        let wide = spot.widened((window.0.saturating_sub(1).max(1), window.1.saturating_sub(1).max(1)));
        let (x, y) = pair.read(&wide)?;
        let numbers = x.iter().zip(&y).map(|(&x, &y)| pair.numbers(x, y).unwrap_or((f64::NAN, f64::NAN)));
        let (a, b): (Vec<f64>, Vec<f64>) = numbers.unzip();
        all.errors(pair, spot, &wide, (&x, &y, &a));
        let scaled = |numbers: &[f64]| numbers.iter().map(|x| place(*x, range).clamp(-FAR, FAR)).collect::<Vec<f64>>();
        let (a, b) = (scaled(&a), scaled(&b));
        for (gradients, numbers) in all.gradients.iter_mut().zip([&a, &b]) {
            slopes(spot, &wide, pair.cut.h, numbers, |slope| gradients.add(slope));
        }
        let first = (spot.rows.start - wide.rows.start, spot.columns.start - wide.columns.start);
        ssim::each(&a, &b, wide.w(), window, |(row, column), value| {
            // windows of the halo alone are those of other spots
            if row + window.0 > first.0 && column + window.1 > first.1 {
                let at = [wide.plane, wide.rows.start + row, wide.columns.start + column];
                all.windows.offer(1.0 - value, at);
            }
        });
        Ok(())
    };
    pair.cut.fold(&|| empty.clone(), &look, &|all, part| all.merge(&part))
}

/// |∇x| from the samples above and to the left, which a plane of one row has not above.
fn slopes(spot: &Spot, wide: &Spot, h: usize, x: &[f64], mut see: impl FnMut(f64)) {
    for row in spot.rows.clone().filter(|row| h == 1 || *row > wide.rows.start) {
        for column in spot.columns.clone().filter(|column| *column > wide.columns.start) {
            let at = (row - wide.rows.start) * wide.w() + column - wide.columns.start;
            let down = if h == 1 { 0.0 } else { x[at] - x[at - wide.w()] };
            let slope = (x[at] - x[at - 1]).hypot(down);
            if slope.is_finite() {
                see(slope);
            }
        }
    }
}

/// The samples around a place.
fn crop(pair: &Pair, is_window: bool, value: f64, [plane, row, column]: [usize; 3]) -> Result<Place> {
    let (h, w) = (pair.cut.h, pair.cut.w);
    let (crop_h, crop_w) = (SIDE.min(h), if h == 1 { LONG } else { SIDE }.min(w));
    let from = |at: usize, side: usize, all: usize| at.saturating_sub(side / 2).min(all - side);
    let (y, x) = (from(row, crop_h, h), from(column, crop_w, w));
    let (before, after) = pair.block((plane, y, x), (crop_h, crop_w))?;
    let at = (row - y) * crop_w + column - x;
    let value = if is_window { 1.0 - value } else { after[at] - before[at] };
    Ok(Place { is_window, value, plane, row, column, w: crop_w, before, after })
}

impl Gathered {
    /// The residuals of a spot; `wide` is what was read, with its halo.
    fn errors(&mut self, pair: &Pair, spot: &Spot, wide: &Spot, (x, y, a): (&[u64], &[u64], &[f64])) {
        let ByValue { range, rows, counts, parts, .. } = &mut self.by_value;
        for row in spot.rows.clone() {
            for column in spot.columns.clone() {
                let at = (row - wide.rows.start) * wide.w() + column - wide.columns.start;
                if a[at].is_nan() {
                    continue;
                }
                let d = difference(pair.original.ty.dtype, x[at], y[at]);
                self.residuals[usize::from(d > 0.0)].add(d.abs());
                let share = place(a[at], *range);
                let nth = |n: usize| ((share * n as f64) as usize).min(n - 1);
                counts[rows.bin(d) * N_COLUMNS + nth(N_COLUMNS)] += 1;
                let part = &mut parts[nth(N_PARTS)];
                *part = Part {
                    n: part.n + 1,
                    sum: part.sum + d,
                    squares: part.squares + d * d,
                    largest: part.largest.max(d.abs()),
                };
                self.errors.offer(d.abs(), [spot.plane, row, column]);
            }
        }
    }

    fn merge(&mut self, other: &Gathered) {
        self.residuals.iter_mut().zip(&other.residuals).for_each(|(all, part)| all.merge(part));
        self.gradients.iter_mut().zip(&other.gradients).for_each(|(all, part)| all.merge(part));
        self.by_value.counts.iter_mut().zip(&other.by_value.counts).for_each(|(a, b)| *a += b);
        for (all, part) in self.by_value.parts.iter_mut().zip(&other.by_value.parts) {
            let largest = all.largest.max(part.largest);
            *all = Part { n: all.n + part.n, sum: all.sum + part.sum, squares: all.squares + part.squares, largest };
        }
        for (all, part) in [(&mut self.errors, &other.errors), (&mut self.windows, &other.windows)] {
            part.0.iter().for_each(|(value, at)| all.offer(*value, *at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{ArrayType, Dtype};
    use crate::internals::quality::measure;

    fn floats(h: usize, w: usize, of: impl Fn(usize, usize) -> f32) -> Vec<u8> {
        (0..h * w).flat_map(|i| of(i / w, i % w).to_le_bytes()).collect()
    }

    fn looked(h: usize, w: usize, before: &[u8], after: &[u8]) -> Option<Look> {
        let ty = ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![h as u64, w as u64] };
        let (a, b) = (before.to_vec(), after.to_vec());
        let [a, b] = [&a, &b].map(|source| Stretch { source, offset: 0, ty: &ty });
        look(a, b, &measure(a, b).unwrap()).unwrap()
    }

    #[test]
    fn a_ramp_with_one_wrong_sample_shows_it_everywhere_it_should() {
        for (h, w) in [(200, 1100), (64, 64), (1, 3000), (40, 9)] {
            let ramp = |_: usize, x: usize| x as f32;
            let (row, column) = (h / 2, w / 2 + 1);
            let before = floats(h, w, ramp);
            let after = floats(h, w, |y, x| ramp(y, x) + if (y, x) == (row, column) { -0.5 } else { 0.0 });
            let look = looked(h, w, &before, &after).unwrap();
            assert_eq!((look.residuals[0].counts.iter().sum::<u64>(), look.residuals[1].n()), (1, 0));
            assert_eq!(look.by_value.counts.iter().sum::<u64>(), (h * w) as u64);
            assert_eq!(look.by_value.parts.iter().map(|part| part.n).sum::<u64>(), (h * w) as u64);
            // all slopes of a ramp are one step, a share of the range
            let slope = 1.0 / (w - 1) as f64;
            let [before, after] = look.gradients.each_ref().map(|g| g.quantile(0.5).unwrap());
            assert!(before >= slope && before < 1.3 * slope && after == before, "{before} {slope}");
            let [worst, ..] = look.places.as_slice() else { panic!("no place") };
            assert_eq!((worst.is_window, worst.value, worst.row, worst.column), (false, -0.5, row, column));
            let window = look.places.iter().find(|place| place.is_window).unwrap();
            assert!(window.value < 1.0 && window.row.abs_diff(row) < 8 && window.column.abs_diff(column) < 8);
            let off = worst.before.iter().zip(&worst.after).filter(|(a, b)| a != b).count();
            assert_eq!((off, worst.before.len() % worst.w), (1, 0));
        }
        let same = floats(16, 16, |y, x| (x * y) as f32);
        assert_eq!(looked(16, 16, &same, &same), None);
    }

    #[test]
    fn worst_places_are_apart_and_the_larger_of_two_that_are_near_stays() {
        let mut top = Top::default();
        for (value, row) in [(1.0, 0), (2.0, 5), (1.5, 9), (1.0, 100), (3.0, 30)] {
            top.offer(value, [0, row, 0]);
        }
        assert_eq!(top.0, [(3.0, [0, 30, 0]), (1.0, [0, 100, 0])]);
        top.offer(1.0, [1, 30, 0]);
        assert_eq!(top.0[1], (1.0, [0, 100, 0]));
    }
}
