//! k = ⌊(v − p + 32) / 65⌋, so that |v − p − 65·k| ≤ 32        row by row, where the ints of a tile are open to correction
//!
//! Whether k is 0 is foreseen from the corrections around it and from how steep p is; then its sign and how large it is.

use super::block::Painted;
use super::foresee::{Chance, magnitude};
use super::{FINE, Tile};
use crate::codec::symbols::Code;
use crate::error::{Error, Result};

/// No painted int is farther off than this.
const MAX_CORRECTION: i32 = 1 << 17;
/// Where p rises by as much as this over two ints, both ways together, it is steeper.
const STEEP: [i32; 5] = [8, 24, 64, 160, 400];
const N_STEEP: usize = STEEP.len() + 1;
const N_AROUND: usize = 9;

/// An encoder's corrections.
pub fn of(tile: Tile, painted: &Painted) -> Vec<i32> {
    let ints = tile.ints.iter().zip(&painted.p).zip(&painted.open);
    ints.map(|((v, p), open)| if *open { (v - p + FINE / 2).div_euclid(FINE) } else { 0 }).collect()
}

struct Chances {
    nonzero: [[Chance; N_STEEP]; N_AROUND],
    negative: [Chance; 5],
    magnitude: [[Chance; 20]; 3],
}

/// Codes the corrections of a tile; a reader hands over zeros.
pub fn walk(code: &mut impl Code, painted: &Painted, (h, w): (usize, usize), k: &mut [i32]) -> Result<()> {
    let rare = |around: usize| if around == 0 { Chance::new(30, 0) } else { Chance::new(2, 2) };
    let mut chances = Chances {
        nonzero: std::array::from_fn(|around| [rare(around); N_STEEP]),
        negative: [Chance::new(1, 1); 5],
        magnitude: [[Chance::new(3, 1); 20]; 3],
    };
    for i in (0..h * w).filter(|&i| painted.open[i]) {
        let (y, x) = (i / w, i % w);
        let at = |up: usize, dx: isize| match x.checked_add_signed(dx) {
            Some(x) if up <= y && x < w => k[(y - up) * w + x],
            _ => 0,
        };
        let (left, above, corners) = (at(0, -1), at(1, 0), [at(1, -1), at(1, 1)]);
        let some = |k: i32| k.abs().min(2);
        let around = 2 * (some(left) + some(above)) + corners.map(some).iter().sum::<i32>();
        let around = (around as usize).min(N_AROUND - 1);
        let steep = steepness(&painted.p, (h, w), (y, x));
        if !chances.nonzero[around][steep].bit(code, k[i] != 0)? {
            k[i] = 0;
            continue;
        }
        let sign = left.signum() + above.signum();
        let negative = chances.negative[(sign + 2) as usize].bit(code, k[i] < 0)?;
        let large = (some(left).max(some(above))) as usize;
        let m = magnitude(code, &mut chances.magnitude[large], k[i].abs())?;
        if m > MAX_CORRECTION {
            return Err(Error::corrupt(format!("a correction of {m}")));
        }
        k[i] = if negative { -m } else { m };
    }
    Ok(())
}

fn steepness(p: &[i32], (h, w): (usize, usize), (y, x): (usize, usize)) -> usize {
    let at = |y: usize, x: usize| p[y * w + x];
    let across = at(y, (x + 1).min(w - 1)).abs_diff(at(y, x.saturating_sub(1)));
    let down = at((y + 1).min(h - 1), x).abs_diff(at(y.saturating_sub(1), x));
    STEEP.iter().filter(|&&steep| across + down >= steep as u32).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::symbols::{Symbols, take_lane};

    fn comes_back(painted: &Painted, size: (usize, usize), k: &[i32]) -> usize {
        let (mut code, mut bytes) = (Symbols::default(), Vec::new());
        walk(&mut code, painted, size, &mut k.to_vec()).unwrap();
        code.finish(&mut bytes);
        let mut back = vec![0; k.len()];
        walk(&mut take_lane(&mut &bytes[..]).unwrap(), painted, size, &mut back).unwrap();
        assert_eq!(back, k);
        bytes.len()
    }

    #[test]
    fn corrections_that_are_all_0_cost_next_to_nothing() {
        let (h, w) = (256, 256);
        for slope in [0, 7, 99] {
            let painted = Painted { p: (0..h * w).map(|i| (i % w) as i32 * slope).collect(), open: vec![true; h * w] };
            let n_bytes = comes_back(&painted, (h, w), &vec![0; h * w]);
            // a hundredth of a bit each
            assert!(n_bytes * 8 * 100 < h * w, "{n_bytes} bytes");
        }
    }

    #[test]
    fn corrections_of_every_size_come_back_and_closed_ints_have_none() {
        let (h, w) = (5, 40);
        let k: Vec<i32> =
            (0..h * w).map(|i| [0, 1, -1, 0, 2, -700, MAX_CORRECTION][i * i % 7] * (i % 3 > 0) as i32).collect();
        let open = (0..h * w).map(|i| i % 3 > 0).collect();
        comes_back(&Painted { p: (0..h * w).map(|i| (i * i * 31 % 977) as i32).collect(), open }, (h, w), &k);
    }
}
