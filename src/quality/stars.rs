//! flux = Σ (x − b) over r ≤ 4          b = median over 6 < r ≤ 9          centroid = Σ r⃗ · (x − b) / flux
//!
//! Aperture photometry before and after. A star is a sample of a plane that is the largest of 7 × 7, stands more than 6 σ above the
//! background of its tile (median; σ = 1.4826 · median deviation), has five neighbours of eight above 2 σ, which hot pixels and cosmic
//! rays have not, and 5 σ of flux. It is found in the original; what came out is measured at the same place with a background of its
//! own. At most the 256 brightest of a tile are kept. Where no flux is left, its error is what is missing and it has moved by 4 samples.

use super::cut::Spot;
use super::passes::Pair;
use super::windows::median;
use crate::error::Result;

const MIN_SIDE: usize = 32;
const MARGIN: usize = 9;
const PEAK: isize = 3;
const K_PEAK: f64 = 6.0;
const K_NEIGHBOUR: f64 = 2.0;
const N_NEIGHBOURS: usize = 5;
const K_FLUX: f64 = 5.0;
const APERTURE: isize = 4;
const RING: (isize, isize) = (6, 9);
const MOST_PER_TILE: usize = 256;
/// σ of a normal distribution / median deviation.
const NORMAL: f64 = 1.4826;

/// How far so many stars are off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stars {
    pub n: usize,
    /// |flux after / flux before − 1|
    pub flux: Spread,
    /// Of the centroid, in samples.
    pub shift: Spread,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub p95: f64,
    pub largest: f64,
}

impl Spread {
    /// Of at least one.
    fn of(mut numbers: Vec<f64>) -> Spread {
        numbers.sort_by(f64::total_cmp);
        let at = |percent: usize| numbers[((numbers.len() - 1) * percent).div_ceil(100)];
        Spread { median: at(50), p95: at(95), largest: at(100) }
    }
}

#[derive(Clone, Copy)]
struct Star {
    flux: f64,
    flux_error: f64,
    shift: f64,
}

/// Samples around a tile.
struct Field<'a> {
    x: &'a [f64],
    w: usize,
}

impl Field<'_> {
    fn at(&self, (row, column): (usize, usize), (dy, dx): (isize, isize)) -> f64 {
        self.x[row.wrapping_add_signed(dy) * self.w + column.wrapping_add_signed(dx)]
    }

    /// Whether it stands above all around it; of equal ones the first does.
    fn is_peak(&self, place: (usize, usize)) -> bool {
        let top = self.at(place, (0, 0));
        around(PEAK).all(|(dy, dx)| {
            let x = self.at(place, (dy, dx));
            x < top || (x == top && (dy, dx) >= (0, 0))
        })
    }

    fn n_neighbours(&self, place: (usize, usize), above: f64) -> usize {
        around(1).filter(|&d| d != (0, 0) && self.at(place, d) > above).count()
    }

    /// Flux and centroid; None where a sample of aperture or ring does not count.
    fn measure(&self, place: (usize, usize)) -> Option<(f64, [f64; 2])> {
        let far = |(dy, dx): &(isize, isize)| dy * dy + dx * dx;
        let ring = around(RING.1).filter(|d| far(d) > RING.0 * RING.0 && far(d) <= RING.1 * RING.1);
        let ring: Vec<f64> = ring.map(|d| self.at(place, d)).collect();
        if ring.iter().any(|x| x.is_nan()) {
            return None;
        }
        let b = median(ring);
        let (mut flux, mut first) = (0.0, [0.0; 2]);
        for d in around(APERTURE).filter(|d| far(d) <= APERTURE * APERTURE) {
            let x = self.at(place, d) - b;
            flux += x;
            first[0] += d.0 as f64 * x;
            first[1] += d.1 as f64 * x;
        }
        flux.is_finite().then(|| (flux, first.map(|sum| sum / flux)))
    }
}

/// Offsets up to so far each way, in the order of samples.
fn around(far: isize) -> impl Iterator<Item = (isize, isize)> {
    (-far..=far).flat_map(move |dy| (-far..=far).map(move |dx| (dy, dx)))
}

/// Samples of an aperture.
fn n_aperture() -> f64 {
    around(APERTURE).filter(|(dy, dx)| dy * dy + dx * dx <= APERTURE * APERTURE).count() as f64
}

/// None where none were found.
pub fn stars(pair: &Pair) -> Result<Option<Stars>> {
    let cut = &pair.cut;
    if cut.h < MIN_SIDE || cut.w < MIN_SIDE {
        return Ok(None);
    }
    let look = |all: &mut Vec<Star>, spot: &Spot| {
        let wide = spot.grown(MARGIN, (cut.h, cut.w));
        let (before, after) = pair.numbers_of(&wide)?;
        all.extend(of_tile(&before, &after, spot, &wide));
        Ok(())
    };
    let found = cut.fold(&Vec::new, &look, &|all: &mut Vec<Star>, part| all.extend(part))?;
    Ok((!found.is_empty()).then(|| Stars {
        n: found.len(),
        flux: Spread::of(found.iter().map(|star| star.flux_error).collect()),
        shift: Spread::of(found.iter().map(|star| star.shift).collect()),
    }))
}

fn of_tile(before: &[f64], after: &[f64], spot: &Spot, wide: &Spot) -> Vec<Star> {
    let (first_row, first_column) = (spot.rows.start - wide.rows.start, spot.columns.start - wide.columns.start);
    let rows = (0..spot.rows.len()).map(|y| (first_row + y) * wide.w() + first_column);
    let own: Vec<f64> = rows.flat_map(|at| &before[at..][..spot.w()]).copied().filter(|x| !x.is_nan()).collect();
    let n = own.len();
    let background = median(own.clone());
    let deviations: Vec<f64> = own.into_iter().map(|x| (x - background).abs()).collect();
    let mean = deviations.iter().sum::<f64>() / n.max(1) as f64;
    let sigma = Some(NORMAL * median(deviations)).filter(|sigma| *sigma > 0.0).unwrap_or(mean);
    if sigma <= 0.0 || !sigma.is_finite() {
        return Vec::new();
    }
    let (was, is) = (Field { x: before, w: wide.w() }, Field { x: after, w: wide.w() });
    let margins =
        |first: usize, n: usize, n_wide: usize| first.max(MARGIN)..(first + n).min(n_wide.saturating_sub(MARGIN));
    let mut found = Vec::new();
    for row in margins(first_row, spot.rows.len(), wide.rows.len()) {
        for column in margins(first_column, spot.w(), wide.w()) {
            let place = (row, column);
            let bright = before[row * wide.w() + column] - background > K_PEAK * sigma;
            let above = background + K_NEIGHBOUR * sigma;
            if !bright || !was.is_peak(place) || was.n_neighbours(place, above) < N_NEIGHBOURS {
                continue;
            }
            let Some((flux, centre)) =
                was.measure(place).filter(|(flux, _)| *flux > K_FLUX * sigma * n_aperture().sqrt())
            else {
                continue;
            };
            let (flux_after, moved) = match is.measure(place) {
                Some((flux, now)) if flux > 0.0 => {
                    let [dy, dx] = [now[0] - centre[0], now[1] - centre[1]];
                    (flux, (dy * dy + dx * dx).sqrt())
                }
                lost => (lost.map_or(0.0, |(flux, _)| flux), APERTURE as f64),
            };
            found.push(Star { flux, flux_error: (flux_after / flux - 1.0).abs(), shift: moved });
        }
    }
    if found.len() > MOST_PER_TILE {
        found.sort_by(|a, b| b.flux.total_cmp(&a.flux));
        found.truncate(MOST_PER_TILE);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::windows::Draw;
    use super::*;

    const SIDE: usize = 200;

    /// Noise of σ 1 around 100, and Gaussians of a width of 1.5 on it; a hot pixel that is no star.
    fn frame(stars: &[(f64, f64, f64)], brighter: f64, moved: f64) -> Vec<f64> {
        let mut draw = Draw::new(5);
        let mut x: Vec<f64> =
            (0..SIDE * SIDE).map(|_| 100.0 + (0..12).map(|_| draw.signed()).sum::<f64>() / 2.0).collect();
        x[50 * SIDE + 150] = 5000.0;
        for &(y0, x0, top) in stars {
            for (i, sample) in x.iter_mut().enumerate() {
                let (dy, dx) = ((i / SIDE) as f64 - y0, (i % SIDE) as f64 - x0 - moved);
                *sample += top * brighter * (-(dy * dy + dx * dx) / 4.5).exp();
            }
        }
        x
    }

    fn of(before: &[f64], after: &[f64]) -> Vec<Star> {
        let spot = Spot { plane: 0, rows: 0..SIDE, columns: 0..SIDE };
        of_tile(before, after, &spot, &spot)
    }

    const STARS: [(f64, f64, f64); 4] =
        [(40.0, 40.0, 500.0), (100.3, 60.2, 300.0), (150.0, 170.0, 800.0), (3.0, 90.0, 900.0)];

    #[test]
    fn stars_are_found_where_they_are_and_hot_pixels_and_edges_are_none() {
        let x = frame(&STARS, 1.0, 0.0);
        let found = of(&x, &x);
        // the fourth is nearer to the edge than its ring reaches
        assert_eq!(found.iter().map(|star| (star.flux_error, star.shift)).collect::<Vec<_>>(), [(0.0, 0.0); 3]);
        // 2π · 1.5² · top, of which the aperture has all but 3 %
        let flux = 2.0 * std::f64::consts::PI * 2.25 * 500.0;
        assert!((found[0].flux / flux - 0.97).abs() < 0.02, "{}", found[0].flux / flux);
        assert!(of(&frame(&[], 1.0, 0.0), &x).is_empty());
    }

    #[test]
    fn what_fades_and_what_moves_is_told_by_how_much() {
        let (x, faded, moved) = (frame(&STARS, 1.0, 0.0), frame(&STARS, 0.99, 0.0), frame(&STARS, 1.0, 0.1));
        // noise is the same in both; the aperture cuts off tails
        assert!(of(&x, &faded).iter().all(|star| (star.flux_error - 0.01).abs() < 1e-3 && star.shift < 1e-3));
        assert!(of(&x, &moved).iter().all(|star| star.flux_error < 1e-2 && (star.shift - 0.1).abs() < 0.02));
        let gone = of(&x, &vec![100.0; SIDE * SIDE]);
        assert!(gone.iter().all(|star| (star.flux_error, star.shift) == (1.0, 4.0)), "{}", gone.len());
    }

    #[test]
    fn spreads_are_of_numbers_that_are_there() {
        let spread = Spread::of((0..21).map(f64::from).collect());
        assert_eq!((spread.median, spread.p95, spread.largest), (10.0, 19.0, 20.0));
        assert_eq!(Spread::of(vec![3.0]).p95, 3.0);
    }
}
