//! u = clamp(round(int · |gain| / 2¹²), 0, 2²²)          2²² − that where gain < 0
//!
//! An array may be predicted from arrays before it in the file, its *references*: plane p sees plane first + p · stride of a reference, whose
//! samples are taken in the shape of the array that refers to it. Only differences of u are ever seen, so a sign and a scale are all that
//! brings one unit into another. FORMAT.md, section "Reference arrays".

use crate::error::{Error, Result};
use crate::kernel::MAX_INT;
use crate::tile::mask::fill_rows;
use crate::wire::{put_varint, take_varint};

/// References of an array.
pub const MAX_REFERENCES: usize = 3;
/// An array with more samples is no reference: a decoder keeps four bytes of each.
pub const MAX_REFERENCE_SAMPLES: u64 = 1 << 30;
/// References of references of references …: a cut-out decodes down all of them.
pub const MAX_DEPTH: usize = 4;
const LOG2_GAIN: u32 = 12;
const MAX_GAIN: u64 = 1 << 24;
/// What a reference shows where a mask hides its int, and where its tile is lost.
pub const MASKED: i32 = -1;
pub const LOST: i32 = -2;

/// What a plane of an array sees of another array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// How many arrays before this one: at least 1.
    pub back: u64,
    /// Which of its planes the first plane of this array sees, and how many planes further the next one does.
    pub first: u64,
    pub stride: u64,
    gain: i32,
}

impl Reference {
    /// None where the gain is 0 or too large.
    pub fn new(back: u64, first: u64, stride: u64, gain: i64) -> Option<Reference> {
        let gain = i32::try_from(gain).ok().filter(|g| (1..=MAX_GAIN).contains(&u64::from(g.unsigned_abs())))?;
        (back > 0).then_some(Reference { back, first, stride, gain })
    }

    /// Of 1 is 4096.
    pub fn gain(&self) -> i32 {
        self.gain
    }

    /// The nearest gain that brings differences of about `theirs` to about `ours`.
    pub fn gain_of(ours: u64, theirs: u64) -> i64 {
        let gain = (u128::from(ours) << LOG2_GAIN) / u128::from(theirs.max(1));
        gain.clamp(1, u128::from(MAX_GAIN)) as i64
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        for n in [self.back, self.first, self.stride] {
            put_varint(out, n);
        }
        put_varint(out, u64::from(((self.gain << 1) ^ (self.gain >> 31)) as u32));
    }

    pub fn read(from: &mut &[u8]) -> Result<Reference> {
        let (back, first, stride) = (take_varint(from)?, take_varint(from)?, take_varint(from)?);
        let folded = take_varint(from)?;
        let gain = (folded >> 1) as i64 ^ -((folded & 1) as i64);
        Reference::new(back, first, stride, gain).ok_or_else(|| Error::corrupt("an anchor without a place or a gain"))
    }

    /// The number of the reference's sample that the first one of a row of a plane sees; None where no file is so large.
    pub fn sample(&self, (h, w): (usize, usize), plane: usize, row: usize) -> Option<u64> {
        let plane = (plane as u64).checked_mul(self.stride)?.checked_add(self.first)?;
        plane.checked_mul((h * w) as u64)?.checked_add((row * w) as u64)
    }

    /// What a tile w wide sees, of the reference's ints there: what is masked is filled in from what stands left and above.
    pub fn show(&self, mut ints: Vec<i32>, w: usize) -> Vec<i32> {
        if ints.contains(&MASKED) {
            let classes: Vec<u8> = ints.iter().map(|int| u8::from(*int == MASKED)).collect();
            fill_rows(&mut ints, &classes, w);
        }
        ints.iter_mut().for_each(|int| *int = self.scale(*int));
        ints
    }

    fn scale(&self, int: i32) -> i32 {
        let product = u64::from(int as u32) * u64::from(self.gain.unsigned_abs());
        let u = ((product + (1 << (LOG2_GAIN - 1))) >> LOG2_GAIN).min(MAX_INT as u64) as i32;
        if self.gain < 0 { MAX_INT - u } else { u }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_comes_back_and_one_without_place_or_gain_is_refused() {
        for (back, first, stride, gain) in
            [(1, 0, 0, 1), (1, 0, 1, -1), (300, 5, 17, 4096), (u64::MAX, 9, 9, 1 << 24), (2, 0, 1, -(1 << 24))]
        {
            let reference = Reference::new(back, first, stride, gain).unwrap();
            let mut bytes = Vec::new();
            reference.write(&mut bytes);
            assert_eq!(Reference::read(&mut bytes.as_slice()).unwrap(), reference);
            for n in 0..bytes.len() {
                assert!(Reference::read(&mut &bytes[..n]).is_err());
            }
        }
        for (back, gain) in [(0, 1), (1, 0), (1, (1 << 24) + 1), (1, -(1 << 24) - 1), (1, i64::MIN)] {
            assert!(Reference::new(back, 0, 0, gain).is_none(), "{back} {gain}");
        }
    }

    #[test]
    fn ints_are_scaled_to_the_nearest_within_what_a_network_sees() {
        let show = |gain, ints: &[i32]| Reference::new(1, 0, 0, gain).unwrap().show(ints.to_vec(), ints.len());
        assert_eq!(show(4096, &[0, 7, MAX_INT, i32::MAX]), [0, 7, MAX_INT, MAX_INT]);
        assert_eq!(show(2048, &[0, 1, 2, 3]), [0, 1, 1, 2]);
        assert_eq!(show(-2048, &[0, 1, 2, 3]), [MAX_INT, MAX_INT - 1, MAX_INT - 1, MAX_INT - 2]);
        assert_eq!(show(1 << 24, &[1, i32::MAX]), [4096, MAX_INT]);
    }

    #[test]
    fn what_is_hidden_shows_what_stands_left_and_above() {
        let reference = Reference::new(1, 0, 0, 4096).unwrap();
        assert_eq!(reference.show(vec![MASKED, 4, 9, MASKED], 2), [4, 4, 9, 7]);
        assert_eq!(reference.show(vec![MASKED; 3], 3), [0; 3]);
    }

    #[test]
    fn a_gain_is_the_ratio_of_what_is_usual() {
        assert_eq!(Reference::gain_of(3, 6), 2048);
        assert_eq!(Reference::gain_of(0, 6), 1);
        assert_eq!(Reference::gain_of(u64::MAX, 1), 1 << 24);
        assert_eq!(Reference::gain_of(1, 0), 4096);
    }
}
