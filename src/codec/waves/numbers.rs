//! Numbers of bands, the coarse bands first: is it 0, its sign, how large
//!
//! What is around a number says how likely it is not 0: numbers of its band before it, and those that say the same more coarsely.

use super::bands::Band;
use super::lift::Size;
use crate::codec::mix::{Counter, Mixer, Stretch};
use crate::codec::symbols::{Chance, Code, magnitude};
use crate::error::Result;

/// What is around a number counts at most so much each.
const MOST: i32 = 15;
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
    for band in bands {
        let [planes, rows, columns] = &band.range;
        let levels = band.level.map(|level| level.min(N_LEVELS - 1));
        for (z, y) in planes.clone().flat_map(|z| rows.clone().map(move |y| (z, y))) {
            for x in columns.clone() {
                let seen = Seen::at(numbers, bands, band, size, [z, y, x]);
                let at = (z * size[1] + y) * size[2] + x;
                numbers[at] = coder.number(code, levels[0] * N_LEVELS + levels[1], &seen, numbers[at])?;
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

/// Magnitudes that are known where a number is coded.
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
    fn at(numbers: &[i32], bands: &[Band], band: &Band, size: Size, at: [usize; 3]) -> Seen {
        let first = band.range.clone().map(|range| range.start);
        let [z, y, x] = at;
        let near = |back: usize, dy: isize, dx: isize| {
            let (Some(y), Some(x)) = (y.checked_add_signed(dy), x.checked_add_signed(dx)) else { return 0 };
            let inside = z >= first[0] + back && band.range[1].contains(&y) && band.range[2].contains(&x);
            if inside { numbers[((z - back) * size[1] + y) * size[2] + x].abs().min(MOST) } else { 0 }
        };
        let parent = |parent: Option<usize>| match parent {
            None => 0,
            Some(parent) => {
                let from = &bands[parent];
                let (theirs, ours) = (from.size(), band.size());
                let place = |axis: usize| from.range[axis].start + (at[axis] - first[axis]) * theirs[axis] / ours[axis];
                numbers[(place(0) * size[1] + place(1)) * size[2] + place(2)].abs().min(MOST)
            }
        };
        Seen {
            left: near(0, 0, -1),
            above: near(0, -1, 0),
            corners: near(0, -1, -1) + near(0, -1, 1),
            second: near(0, 0, -2) + near(0, -2, 0),
            before: near(1, 0, 0),
            around_before: near(1, -1, 0) + near(1, 0, -1) + near(1, 0, 1) + near(1, 1, 0),
            parents: band.parents.map(parent),
        }
    }

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
    use crate::codec::symbols::{Symbols, take_lane};
    use crate::codec::waves::bands::bands;

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
