//! One plane stands for several cameras: turned, amplified, binned, of every second pixel, noisier, on a pedestal.

use crate::data::plane::{Plane, TILE, cut};
use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    None,
    /// Another gain; a dither fills the gaps between amplified ints.
    Gain(f64),
    /// Sums of 2 × 2, or their means.
    Binned {
        mean: bool,
    },
    /// Every second pixel of every second row, as a phase of a mosaic.
    Thinned,
    /// Noise of so many ints.
    Noise(f64),
    /// A pedestal of so many ints.
    Pedestal(i32),
}

impl Change {
    pub fn draw(plane: &Plane, random: &mut Random) -> Change {
        let largest = f64::from(plane.max.max(1));
        match random.below(12) {
            0..5 => Change::None,
            5..8 => Change::Gain((5.0 * random.unit() - 3.0).exp2()),
            8 => Change::Binned { mean: random.below(2) == 0 },
            9 => Change::Thinned,
            10 => Change::Noise(random.log_uniform(0.2, 30.0)),
            _ => Change::Pedestal(random.log_uniform(1.0, largest.max(2.0)) as i32),
        }
    }

    /// `n` places of the planes, all of one size, each with a tile of every plane, and their largest int; None where
    /// they cannot be changed so.
    pub fn tiles(self, planes: &[&Plane], n: usize, random: &mut Random) -> Option<(Vec<Vec<Vec<i32>>>, i32)> {
        let side = match self {
            Change::Binned { .. } | Change::Thinned => 2 * TILE,
            _ => TILE,
        };
        let max = planes.iter().map(|p| p.max).max()?;
        let max = match self {
            Change::Gain(gain) => (f64::from(max + 1) * gain) as i32,
            Change::Binned { mean: false } => 4 * max,
            Change::Pedestal(by) => max + by,
            _ => max,
        };
        let (h, w) = (planes[0].h, planes[0].w);
        if h < side || w < side || !(2..=65535).contains(&max) {
            return None;
        }
        let turn = random.below(8);
        let mut place = |_| {
            let at = (random.below(h - side + 1), random.below(w - side + 1));
            planes.iter().map(|plane| self.apply(cut(plane, at, (side, side), turn), max, random)).collect()
        };
        Some(((0..n).map(&mut place).collect(), max))
    }

    fn apply(self, mut tile: Vec<i32>, max: i32, random: &mut Random) -> Vec<i32> {
        match self {
            Change::None => {}
            Change::Gain(gain) => {
                tile.iter_mut().for_each(|v| *v = ((f64::from(*v) + random.unit()) * gain) as i32);
            }
            Change::Noise(spread) => {
                let noisy = |v: i32, random: &mut Random| (f64::from(v) + spread * random.normal()).round() as i32;
                tile.iter_mut().for_each(|v| *v = noisy(*v, random).clamp(0, max));
            }
            Change::Pedestal(by) => tile.iter_mut().for_each(|v| *v += by),
            Change::Thinned => tile = quarters(&tile).map(|q| q[0]).collect(),
            Change::Binned { mean } => {
                let divisor = if mean { 4 } else { 1 };
                tile = quarters(&tile).map(|q| (q.iter().sum::<i32>() + divisor / 2) / divisor).collect();
            }
        }
        tile
    }
}

/// The 2 × 2 ints of a tile of twice the side that fall on each of one of the usual side.
fn quarters(tile: &[i32]) -> impl Iterator<Item = [i32; 4]> + '_ {
    let at = |y: usize, x: usize| tile[y * 2 * TILE + x];
    let four = move |i: usize| {
        let (y, x) = (2 * (i / TILE), 2 * (i % TILE));
        [at(y, x), at(y, x + 1), at(y + 1, x), at(y + 1, x + 1)]
    };
    (0..TILE * TILE).map(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(h: usize, w: usize) -> Plane {
        Plane { h, w, ints: (0..h * w).map(|i| (i % w) as i32).collect(), max: 1000 }
    }

    #[test]
    fn every_change_gives_tiles_within_its_range() {
        let (a, b) = (plane(300, 280), plane(300, 280));
        let binned = [Change::Binned { mean: false }, Change::Binned { mean: true }];
        let others = [Change::None, Change::Gain(0.3), Change::Thinned, Change::Noise(9.0), Change::Pedestal(70)];
        for change in binned.into_iter().chain(others) {
            let (tiles, max) = change.tiles(&[&a, &b], 3, &mut Random::new(2)).unwrap();
            assert_eq!(tiles.len(), 3);
            for tile in tiles.iter().flatten() {
                assert_eq!(tile.len(), TILE * TILE, "{change:?}");
                assert!(tile.iter().all(|v| (0..=max).contains(v)), "{change:?}");
            }
            if !matches!(change, Change::Gain(_) | Change::Noise(_)) {
                assert!(
                    tiles.iter().all(|place| place[0] == place[1]),
                    "{change:?}: both planes are seen at one place"
                );
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let small = plane(TILE, 2 * TILE - 1);
        let mut random = Random::new(0);
        assert!(Change::Thinned.tiles(&[&small], 1, &mut random).is_none());
        assert!(Change::None.tiles(&[&small], 1, &mut random).is_some());
        assert!(Change::Gain(100.0).tiles(&[&small], 1, &mut random).is_none(), "beyond 16 bits");
    }

    #[test]
    fn bins_are_sums_of_four() {
        let tile: Vec<i32> = (0..4 * TILE * TILE).map(|i| (i % (2 * TILE)) as i32).collect();
        assert_eq!(quarters(&tile).take(2).collect::<Vec<_>>(), [[0, 1, 0, 1], [2, 3, 2, 3]]);
    }
}
