//! Where the numbers of a box stand after its wavelet, by how coarse they are.

use super::lift::{Size, halved, n_levels};
use std::ops::Range;

/// A part of the box whose numbers are of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Planes, rows, columns.
    pub range: [Range<usize>; 3],
    /// Halvings of planes, and of rows and columns; 0 is the finest.
    pub level: [usize; 2],
    /// Whether its rows, and its columns, are the half behind.
    is_d: [bool; 2],
    /// How often it is s less how often it is d, over all axes and halvings.
    pub n_times: i32,
    /// The bands that say the same half as finely, within planes and along them.
    pub parents: [Option<usize>; 2],
}

impl Band {
    pub fn size(&self) -> Size {
        self.range.clone().map(|range| range.len())
    }
}

/// One half of an axis after so many halvings, and how often it is s less how often d.
fn half(n: usize, level: usize, is_d: bool) -> (Range<usize>, i32) {
    match is_d {
        true => (halved(n, level + 1)..halved(n, level), level as i32 - 1),
        false => (0..halved(n, level), level as i32),
    }
}

/// All bands of a box, the coarse ones first.
pub fn bands(size: Size) -> Vec<Band> {
    let levels = size.map(n_levels);
    let n_flat = levels[1].max(levels[2]);
    let mut all: Vec<Band> = Vec::new();
    let mut push = |level: [usize; 2], is_d: [bool; 2], halves: [(Range<usize>, i32); 3]| {
        let same = |level: [usize; 2]| all.iter().position(|band| band.level == level && band.is_d == is_d);
        let parents = [same([level[0], level[1] + 1]), same([level[0] + 1, level[1]])];
        let n_times = halves.iter().map(|(_, times)| times).sum();
        all.push(Band { range: halves.map(|(range, _)| range), level, is_d, n_times, parents });
    };
    for level in (0..=n_flat).rev() {
        for is_d in [[false, false], [false, true], [true, false], [true, true]] {
            // what is s in both is halved further, but for the last
            if (is_d == [false, false]) != (level == n_flat) {
                continue;
            }
            let flat = |axis: usize| {
                let own = levels[axis];
                match is_d[axis - 1] {
                    true => (level < own).then(|| half(size[axis], level, true)),
                    false => Some(half(size[axis], (level + 1).min(own), false)),
                }
            };
            let (Some(rows), Some(columns)) = (flat(1), flat(2)) else { continue };
            for plane in (0..=levels[0]).rev() {
                let planes = half(size[0], plane, plane < levels[0]);
                push([plane, level], is_d, [planes, rows.clone(), columns.clone()]);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_one_band_and_parents_come_first() {
        for size in [[1, 1, 1], [1, 8, 1], [18, 64, 128], [7, 9, 200], [110, 5, 8], [54, 18, 432]] {
            let bands = bands(size);
            let mut seen = vec![0; size.iter().product()];
            for (nth, band) in bands.iter().enumerate() {
                assert!(band.parents.iter().flatten().all(|&parent| parent < nth));
                for z in band.range[0].clone() {
                    for y in band.range[1].clone() {
                        band.range[2].clone().for_each(|x| seen[(z * size[1] + y) * size[2] + x] += 1);
                    }
                }
            }
            assert!(seen.iter().all(|&n| n == 1), "{size:?}");
        }
    }

    #[test]
    fn a_number_is_as_many_times_s_as_its_axes_were_halved() {
        let bands = bands([16, 64, 32]);
        // planes twice, rows four times, columns three times, s each time
        assert_eq!((bands[0].n_times, bands[0].size(), bands[0].parents), (9, [4, 4, 4], [None, None]));
        let last = &bands[bands.len() - 1];
        assert_eq!((last.n_times, last.size(), last.level), (-3, [8, 32, 16], [0, 0]));
        assert_eq!(last.parents.map(|parent| parent.map(|p| bands[p].level)), [Some([0, 1]), Some([1, 0])]);
    }
}
