//! Numbers of bands, the coarse bands first: is it 0, its sign, how large
//!
//! What is around a number says how likely it is not 0: numbers of its band before it, and those that say the same more coarsely.

use super::bands::Band;
use super::lift::Size;
use crate::entropy::adaptive::{Chance, Code, magnitude};
use crate::entropy::mixing::{Counter, Mixer, Stretch};
use crate::error::Result;

/// What is around a number counts at most so much each.
const MOST: u32 = 15;
const N_AROUND: usize = 16;
/// Levels that are told apart, of planes and of rows and columns.
const N_LEVELS: usize = 6;
/// Opinions whether a number is 0, and a constant.
const N_CONTEXTS: usize = 4;
const N_INPUTS: usize = N_CONTEXTS + 1;
const N_SLOTS: usize = 64;
const CONSTANT: i32 = 256;
const FIRST_WEIGHT: i32 = 20_000;
/// What counters remember.
const LIMIT: u8 = 250;
/// One chance each for being larger than 1, 2, …; beyond, the rest as a magnitude.
const N_SINGLE: usize = 12;

struct Coder {
    stretch: Stretch,
    /// By context, levels, and what the context sees.
    counters: [Vec<[Counter; N_SLOTS]>; N_CONTEXTS],
    mixer: Mixer<N_INPUTS>,
    larger: [[Chance; N_SINGLE]; N_AROUND],
    rest: [Chance; 20],
}

/// Codes the numbers of a box; a reader hands over zeros.
pub fn walk(code: &mut impl Code, bands: &[Band], size: Size, numbers: &mut [i32]) -> Result<()> {
    let mut coder = Coder {
        stretch: Stretch::default(),
        counters: std::array::from_fn(|_| vec![[Counter::EVEN; N_SLOTS]; N_LEVELS * N_LEVELS]),
        mixer: Mixer::new(N_AROUND, FIRST_WEIGHT),
        larger: [[Chance::new(1, 1); N_SINGLE]; N_AROUND],
        rest: [Chance::new(1, 1); 20],
    };
    let mut sizes = vec![0u8; numbers.len()];
    let mut rows = Rows::default();
    for band in bands {
        let [planes, lines, columns] = &band.range;
        let levels = band.level.map(|level| level.min(N_LEVELS - 1));
        let levels = levels[0] * N_LEVELS + levels[1];
        let parents = band.parents.map(|parent| parent.map(|parent| Parent::of(&bands[parent], band)));
        for (z, y) in planes.clone().flat_map(|z| lines.clone().map(move |y| (z, y))) {
            rows.take(&sizes, size, band, &parents, (z, y));
            let first = (z * size[1] + y) * size[2] + columns.start;
            let (mut left, mut second) = (0, 0);
            for x in 0..columns.len() {
                let seen = rows.seen(x, left, second);
                let number = coder.number(code, levels, &seen, numbers[first + x])?;
                numbers[first + x] = number;
                let size = number.unsigned_abs().min(MOST) as u8;
                sizes[first + x] = size;
                (left, second) = (size.into(), left);
            }
        }
    }
    Ok(())
}

impl Coder {
    fn number(&mut self, code: &mut impl Code, levels: usize, seen: &Seen, known: i32) -> Result<i32> {
        let around = seen.around();
        let slots = seen.contexts(around);
        let mut inputs = [CONSTANT; N_INPUTS];
        for ((input, counters), slot) in inputs.iter_mut().zip(&self.counters).zip(slots) {
            *input = self.stretch.of(counters[levels][slot].p);
        }
        let p = self.mixer.p(around, &inputs);
        let is_some = code.bit(known != 0, p)?;
        self.mixer.learn(around, &inputs, p, is_some.into());
        for (counters, slot) in self.counters.iter_mut().zip(slots) {
            counters[levels][slot].learn(is_some.into(), LIMIT);
        }
        if !is_some {
            return Ok(0);
        }
        let negative = code.one_of(u32::from(known < 0), 2)? == 1;
        let size = self.size(code, around, known.abs())?;
        Ok(if negative { -size } else { size })
    }

    fn size(&mut self, code: &mut impl Code, around: usize, known: i32) -> Result<i32> {
        let mut n = 1;
        for larger in &mut self.larger[around] {
            if !larger.bit(code, known > n)? {
                return Ok(n);
            }
            n += 1;
        }
        Ok(n + magnitude(code, &mut self.rest, known - n + 1)? - 1)
    }
}

/// Where the places of a band are in its parent, by axis.
struct Parent {
    places: [Vec<usize>; 3],
}

impl Parent {
    fn of(parent: &Band, band: &Band) -> Parent {
        let (theirs, ours) = (parent.size(), band.size());
        let places = |axis: usize| {
            let first = parent.range[axis].start;
            (0..ours[axis]).map(|at| first + at * theirs[axis] / ours[axis]).collect()
        };
        Parent { places: std::array::from_fn(places) }
    }
}

/// What is known of one row, with a 0 in front and behind.
#[derive(Default)]
struct Rows {
    above: Vec<u8>,
    second: Vec<u8>,
    before: Vec<u8>,
    before_above: Vec<u8>,
    before_below: Vec<u8>,
    parents: [Vec<u8>; 2],
}

impl Rows {
    fn take(&mut self, sizes: &[u8], size: Size, band: &Band, parents: &[Option<Parent>; 2], (z, y): (usize, usize)) {
        let [planes, lines, columns] = &band.range;
        let row = |row: &mut Vec<u8>, z: Option<usize>, y: Option<usize>| {
            row.clear();
            row.resize(columns.len() + 2, 0);
            if let Some((z, y)) = z.filter(|z| planes.contains(z)).zip(y.filter(|y| lines.contains(y))) {
                let from = &sizes[(z * size[1] + y) * size[2]..][columns.clone()];
                row[1..=columns.len()].copy_from_slice(from);
            }
        };
        let before = z.checked_sub(1);
        row(&mut self.above, Some(z), y.checked_sub(1));
        row(&mut self.second, Some(z), y.checked_sub(2));
        row(&mut self.before, before, Some(y));
        row(&mut self.before_above, before, y.checked_sub(1));
        row(&mut self.before_below, before, Some(y + 1));
        for (row, parent) in self.parents.iter_mut().zip(parents) {
            row.clear();
            match parent {
                None => row.resize(columns.len(), 0),
                Some(Parent { places: [zs, ys, xs] }) => {
                    let line = &sizes[(zs[z - planes.start] * size[1] + ys[y - lines.start]) * size[2]..];
                    row.extend(xs.iter().map(|&x| line[x]));
                }
            }
        }
    }

    fn seen(&self, x: usize, left: i32, second: i32) -> Seen {
        let at = |row: &[u8], x: usize| i32::from(row[x]);
        Seen {
            left,
            above: at(&self.above, x + 1),
            corners: at(&self.above, x) + at(&self.above, x + 2),
            second: second + at(&self.second, x + 1),
            before: at(&self.before, x + 1),
            around_before: at(&self.before_above, x + 1)
                + at(&self.before_below, x + 1)
                + at(&self.before, x)
                + at(&self.before, x + 2),
            parents: [at(&self.parents[0], x), at(&self.parents[1], x)],
        }
    }
}

/// Sizes that are known where a number is coded, none above `MOST`.
struct Seen {
    left: i32,
    above: i32,
    corners: i32,
    second: i32,
    /// Of the plane before: the same place, and the four around it.
    before: i32,
    around_before: i32,
    /// What says the same more coarsely, within planes and along them.
    parents: [i32; 2],
}

impl Seen {
    /// How large all of it is.
    fn around(&self) -> usize {
        let beside = 2 * (self.left + self.above) + self.corners + self.second;
        let before = 2 * self.before + self.around_before;
        steps(beside + before + 2 * (self.parents[0] + self.parents[1]))
    }

    fn contexts(&self, around: usize) -> [usize; N_CONTEXTS] {
        let few = |n: i32, most: i32| n.min(most) as usize;
        [
            around,
            (few(self.left, 3) * 4 + few(self.above, 3)) * 4 + few(self.before, 3),
            (few(self.parents[0], 3) * 4 + few(self.parents[1], 3)) * 4 + few(self.before, 3),
            steps(self.corners + self.second).min(7) * 8 + steps(self.around_before).min(7),
        ]
    }
}

/// ⌊2.5 · log2(1 + n)⌋ or about, below `N_AROUND`.
fn steps(n: i32) -> usize {
    const FROM: [i32; N_AROUND - 1] = [1, 2, 3, 4, 5, 7, 9, 11, 14, 18, 24, 32, 44, 64, 96];
    FROM.iter().take_while(|&&from| n >= from).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::adaptive::{Symbols, take_lane};
    use crate::tile::transform::wavelet::bands::bands;

    #[test]
    fn numbers_of_every_size_come_back() {
        for size in [[1, 1, 1], [18, 16, 33], [1, 64, 40], [9, 3, 2]] {
            let n: usize = size.iter().product();
            let numbers: Vec<i32> =
                (0..n).map(|i| [0, 0, 1, -1, 0, 13, -700, 0, 0, (1 << 20) - 3][i * i % 10]).collect();
            let (bands, mut code, mut bytes) = (bands(size), Symbols::default(), Vec::new());
            walk(&mut code, &bands, size, &mut numbers.clone()).unwrap();
            code.finish(&mut bytes);
            let mut back = vec![0; n];
            walk(&mut take_lane(&mut &bytes[..]).unwrap(), &bands, size, &mut back).unwrap();
            assert_eq!(back, numbers);
        }
    }

    #[test]
    fn zeros_cost_next_to_nothing() {
        let (size, mut code, mut bytes) = ([16, 64, 64], Symbols::default(), Vec::new());
        walk(&mut code, &bands(size), size, &mut vec![0; 16 * 64 * 64]).unwrap();
        code.finish(&mut bytes);
        assert!(bytes.len() < 120, "{}", bytes.len());
    }
}
