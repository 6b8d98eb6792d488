//! b = v₁ + (Σᵢ cᵢ · (vᵢ − v₁) + Σᵣ Σⱼ cᵣⱼ · (uᵣⱼ − uᵣ₀)) / 4096          clamped to the range of the plane
//!
//! vᵢ are known neighbours in ints, uᵣ the ints of reference plane r; differences are clamped to 16 bits. The coefficients
//! were fitted by the encoder and travel with the file. `Linear` can only be built with Σ|c| < 2¹⁵, so the sum fits an i32.

use super::{ONE, Site, address};
use crate::error::{Error, Result};

/// The coefficients of one linear predictor, in 1/4096.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    own: Vec<i16>,
    refs: Vec<Vec<i16>>,
}

impl Linear {
    /// `own[i]` belongs to tap i + 1, `refs[r][j]` to place j + 1 of reference plane r.
    pub fn new(own: Vec<i16>, refs: Vec<Vec<i16>>) -> Result<Linear> {
        let sum: i64 = own.iter().chain(refs.iter().flatten()).map(|c| i64::from(c.unsigned_abs())).sum();
        if sum >= 1 << 15 {
            return Err(Error::corrupt(format!("coefficients sum to {sum} in magnitude, 32767 is the most")));
        }
        Ok(Linear { own, refs })
    }

    /// The mean of the nearest `n` taps.
    pub fn mean(n: usize) -> Linear {
        Linear { own: vec![(4096 / n) as i16; n - 1], refs: Vec::new() }
    }

    pub fn own(&self) -> &[i16] {
        &self.own
    }

    pub fn refs(&self) -> &[Vec<i16>] {
        &self.refs
    }
}

/// Predictions for the cells of a run; `max` is the largest int of the plane.
pub fn predict(linear: &Linear, run: Site, max: i32, b: &mut [i32]) {
    let (taps, ref_taps) = (&run.offsets.taps, &run.offsets.ref_taps);
    for (i, b) in b[..run.n].iter_mut().enumerate() {
        let cell = run.cell(i);
        let v1 = cell.value(taps[0]);
        let mut sum = 32;
        for (&c, &o) in linear.own.iter().zip(&taps[1..]) {
            sum += difference(cell.value(o), v1) * i32::from(c);
        }
        for (c, u) in linear.refs.iter().zip(run.arenas.refs) {
            let u0 = u[address(cell.at, ref_taps[0])];
            for (&c, &o) in c.iter().zip(&ref_taps[1..]) {
                sum += difference(u[address(cell.at, o)], u0) * i32::from(c);
            }
        }
        *b = (v1 + (sum >> 6)).clamp(0, max * ONE);
    }
}

#[inline(always)]
fn difference(v: i32, v1: i32) -> i32 {
    ((v - v1) >> 6).clamp(-32768, 32767)
}

/// r = v − b, what the predictor got wrong.
#[inline(always)]
pub fn residual(v: i32, b: i32) -> i32 {
    (v - b).clamp(-super::MAX_RESIDUAL, super::MAX_RESIDUAL)
}
