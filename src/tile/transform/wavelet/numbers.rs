//! Numbers of bands, the coarse bands first: is it 0, its sign, how large
//!
//! What is around a number says how likely it is not 0: numbers of its band before it, and those that say the same more coarsely.

use super::bands::Band;
use super::lift::Size;
use super::row::{N_AROUND, N_SLOTS, Row, Seen, with};
use crate::entropy::adaptive::{Chance, Code, magnitude};
use crate::entropy::mixing::{Counter, Mixer, Stretch};
use crate::error::Result;
use crate::tile::transform::histogram::Histogram;

/// What is around a number counts at most so much each.
const MOST: u32 = 15;
/// Levels that are told apart, of planes and of rows and columns.
const N_LEVELS: usize = 6;
/// Opinions whether a number is 0, and a constant.
const N_CONTEXTS: usize = 4;
const N_INPUTS: usize = N_CONTEXTS + 1;
const CONSTANT: i32 = 256;
const FIRST_WEIGHT: i32 = 20_000;
/// What counters remember.
const LIMIT: u8 = 250;
/// One chance each for being larger than 1, 2, …; beyond, the rest as a magnitude.
const N_SINGLE: usize = 12;

/// Of the bands of some levels, by context, and what the context sees.
type Counters = [[Counter; N_SLOTS]; N_CONTEXTS];

struct Coder {
    stretch: Stretch,
    mixer: Mixer<N_INPUTS>,
    larger: [[Chance; N_SINGLE]; N_AROUND],
    rest: [Chance; 20],
}

/// Codes the numbers of a box; a reader hands over zeros.
pub fn walk(code: &mut impl Code, bands: &[Band], size: Size, numbers: &mut [i32]) -> Result<()> {
    let mut counters = vec![[[Counter::EVEN; N_SLOTS]; N_CONTEXTS]; N_LEVELS * N_LEVELS];
    let mut coder = Coder {
        stretch: Stretch::default(),
        mixer: Mixer::new(N_AROUND, FIRST_WEIGHT),
        larger: [[Chance::new(1, 1); N_SINGLE]; N_AROUND],
        rest: [Chance::new(1, 1); 20],
    };
    let mut sizes = vec![0u8; numbers.len()];
    let mut row = Row::default();
    for (nth, band) in bands.iter().enumerate() {
        let levels = band.level.map(|level| level.min(N_LEVELS - 1));
        let counters = &mut counters[levels[0] * N_LEVELS + levels[1]];
        row.begin(bands, nth);
        let [planes, lines, columns] = &band.range;
        for (z, y) in planes.clone().flat_map(|z| lines.clone().map(move |y| (z, y))) {
            row.take(&sizes, size, band, (z, y));
            let first = (z * size[1] + y) * size[2] + columns.start;
            let (mut left, mut second) = (0, 0);
            let slots = numbers[first..].iter_mut().zip(&mut sizes[first..]).take(columns.len());
            for (x, (number, size)) in slots.enumerate() {
                *number = coder.number(code, counters, row.seen(x, left, second), *number)?;
                *size = size_of(*number);
                (left, second) = (*size, left);
            }
        }
    }
    Ok(())
}

fn size_of(number: i32) -> u8 {
    number.unsigned_abs().min(MOST) as u8
}

impl Coder {
    #[inline(always)]
    fn number(&mut self, code: &mut impl Code, counters: &mut Counters, seen: Seen, known: i32) -> Result<i32> {
        let Seen { around, slots } = seen;
        let inputs: [i32; N_INPUTS] = std::array::from_fn(|i| match slots.get(i) {
            Some(&slot) => self.stretch.of(counters[i][slot].p),
            None => CONSTANT,
        });
        let p = self.mixer.p(around, &inputs);
        let is_some = code.bit(known != 0, p)?;
        self.mixer.learn(around, &inputs, p, is_some.into());
        for (counters, slot) in counters.iter_mut().zip(slots) {
            counters[slot].learn(is_some.into(), LIMIT);
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

/// About what `walk` takes for the numbers of a box, in bits: their entropy where what is around them is known.
pub fn estimate(bands: &[Band], size: Size, numbers: &[i32]) -> u64 {
    let sizes: Vec<u8> = numbers.iter().map(|&number| size_of(number)).collect();
    let mut histogram = Histogram::<N_AROUND, { MOST as usize + 1 }>::default();
    let mut row = Row::default();
    for (nth, band) in bands.iter().enumerate() {
        row.begin(bands, nth);
        let [planes, lines, columns] = &band.range;
        for (z, y) in planes.clone().flat_map(|z| lines.clone().map(move |y| (z, y))) {
            row.take(&sizes, size, band, (z, y));
            let of_row = &sizes[(z * size[1] + y) * size[2]..][columns.clone()];
            let (mut left, mut second) = (0, 0);
            for (&size, &around) in of_row.iter().zip(row.around()) {
                histogram.add(with(around, left, second), size.into());
                (left, second) = (size, left);
            }
        }
    }
    let plain = |number: &i32| match number.unsigned_abs() {
        0 => 0,
        n if n < MOST => 1,
        n => 2 + 2 * u64::from((n - MOST + 1).ilog2()),
    };
    histogram.bits() + numbers.iter().map(plain).sum::<u64>()
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
