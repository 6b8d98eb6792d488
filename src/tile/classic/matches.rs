//! match = an earlier place of the tile before which the values were the same: what followed there comes next
//!
//! FORMAT.md, section 7.1, *Mixed*.

const MAX_LOG2_HASHES: u32 = 16;
/// Lengths of matches that are told apart.
pub const MAX_MATCH: u32 = 31;
const NONE: u32 = u32::MAX;

pub fn hash(a: u32, b: u32) -> u32 {
    let h = (a.wrapping_mul(0x9e37_79b1) ^ b).wrapping_mul(0x85eb_ca6b);
    (h ^ h >> 15).wrapping_mul(0xc2b2_ae35)
}

/// Where in the tile the values before stood the last time, and for how many of them that is true.
pub struct Matches {
    by_two: Vec<u32>,
    by_one: Vec<u32>,
    shift: u32,
    /// What stands there comes next.
    at: u32,
    length: u32,
}

impl Matches {
    pub fn new(n_values: usize) -> Matches {
        let log2_hashes = n_values.next_power_of_two().trailing_zeros().clamp(1, MAX_LOG2_HASHES);
        let empty = || vec![NONE; 1 << log2_hashes];
        Matches { by_two: empty(), by_one: empty(), shift: 32 - log2_hashes, at: NONE, length: 0 }
    }

    /// The value predicted behind the values known, and the length of the match.
    pub fn next(&mut self, known: &[u32]) -> (u32, u32) {
        let n = known.len();
        let before = |back: usize| if n >= back { known[n - back] } else { 0 };
        let slot = |h: u32| (h >> self.shift) as usize;
        let (one, two) = (slot(hash(before(1), 0)), slot(hash(before(1), before(2))));
        if self.length > 0 && known[self.at as usize] == before(1) {
            (self.at, self.length) = (self.at + 1, (self.length + 1).min(MAX_MATCH));
        } else {
            self.length = 0;
            for candidate in [self.by_two[two], self.by_one[one]] {
                if self.length == 0 && candidate != NONE {
                    let same = known[..candidate as usize].iter().rev().zip(known.iter().rev());
                    self.length = same.take(16).take_while(|(a, b)| a == b).count() as u32;
                    self.at = candidate;
                }
            }
        }
        (self.by_two[two], self.by_one[one]) = (n as u32, n as u32);
        if self.length > 0 { (known[self.at as usize], self.length) } else { (0, 0) }
    }
}
