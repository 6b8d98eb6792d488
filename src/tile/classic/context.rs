//! a = (4W + 4N + 2WW + 2NW + 2NE + 2NEE) >> 4         of the neighbours' residual magnitudes → 44 bins → a table
//!
//! The magnitude of a token is 8 · (the middle of what it stands for) >> scale, at most 4095, so a is too. Bins are a itself
//! below 4, then four per octave. The encoder merges neighbouring bins until every table is worth its bytes.
//! Everything beyond the tile's edges has the magnitude of the `start` token.

use super::token::UNDO;

pub const N_BINS: usize = 44;
pub const MAX_SCALE: u8 = 31;
const MAX_ACTIVITY: u32 = 4095;
/// The magnitude of each token.
pub fn magnitudes(scale: u8) -> [u16; 256] {
    std::array::from_fn(|token| {
        let magnitude = (u64::from(UNDO[token].middle()) * 8) >> scale;
        magnitude.min(u64::from(MAX_ACTIVITY)) as u16
    })
}

/// Magnitudes around a place; the row above is known two columns further.
#[derive(Clone, Copy)]
pub struct Near {
    pub ww: u16,
    pub w: u16,
    pub nw: u16,
    pub n: u16,
    pub ne: u16,
    pub nee: u16,
}

impl Near {
    pub fn all(magnitude: u16) -> Near {
        let m = magnitude;
        Near { ww: m, w: m, nw: m, n: m, ne: m, nee: m }
    }

    #[inline(always)]
    pub fn activity(self) -> u16 {
        (4 * (self.w + self.n) + 2 * (self.ww + self.nw + self.ne + self.nee)) >> 4
    }

    /// One column to the right.
    #[inline(always)]
    pub fn shift(&mut self, here: u16) {
        *self = Near { ww: self.w, w: here, nw: self.n, n: self.ne, ne: self.nee, nee: self.nee };
    }
}

const fn bin_of(activity: usize) -> u8 {
    if activity < 4 {
        return activity as u8;
    }
    let e = activity.ilog2();
    (4 * (e - 1)) as u8 + ((activity >> (e - 2)) & 3) as u8
}

/// Something for each activity.
pub type ByActivity = [u8; MAX_ACTIVITY as usize + 1];

/// The bin.
pub static BIN_OF: ByActivity = {
    let mut bins = [0; MAX_ACTIVITY as usize + 1];
    let mut activity = 0;
    while activity < bins.len() {
        bins[activity] = bin_of(activity);
        activity += 1;
    }
    bins
};

/// Something per bin, laid out per activity.
pub fn by_activity(of_bin: &[u8; N_BINS]) -> Box<ByActivity> {
    Box::new(BIN_OF.map(|bin| of_bin[bin as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_grow_with_activity_and_cover_it() {
        assert_eq!((bin_of(0), bin_of(4095)), (0, N_BINS as u8 - 1));
        for a in 1..4096 {
            assert!((0..=1).contains(&(bin_of(a) - bin_of(a - 1))), "activity {a}");
        }
    }

    #[test]
    fn the_largest_magnitudes_stay_in_the_map() {
        assert_eq!(Near::all(4095).activity(), 4095);
        assert!(magnitudes(0).iter().all(|&m| m <= 4095));
    }
}
