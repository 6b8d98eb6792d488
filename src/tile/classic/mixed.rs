//! value = its bytes, highest first = their bits, highest first;   each bit by p = squash(Σ wᵢ · stretch(pᵢ))
//!
//! For columns of numbers that no predictor predicts but that repeat: event after event, particle after particle. Eight contexts and a
//! match (what followed the last time the values before were the same) each have an opinion of the next bit; a mixer that learns which
//! of them to trust makes one probability of them. Encoder and decoder are one function over `Bits`. FORMAT.md, section 7.1.

use super::matches::{MAX_MATCH, Matches, hash};
#[cfg(test)]
use crate::entropy::binary::Coder;
use crate::entropy::binary::{Bits, Decoder};
use crate::entropy::mixing::{Counter, Mixer, Stretch};
use crate::error::{Error, Result};

const N_CONTEXTS: usize = 8;
/// Contexts, the match, and a constant.
const N_INPUTS: usize = N_CONTEXTS + 2;
/// In 2⁻¹⁶.
const FIRST_WEIGHT: i32 = 19_660;
const CONSTANT: i32 = 256;
/// Counters remember so much: the first sees all there is, the others what is lately true.
const LIMITS: [u8; N_CONTEXTS] = [60, 60, 18, 18, 18, 18, 18, 18];
const MIN_LOG2_SLOTS: u32 = 12;
const MAX_LOG2_SLOTS: u32 = 18;

struct Mixture {
    n_bytes: u32,
    stretch: Stretch,
    /// By context and slot.
    counters: [Vec<Counter>; N_CONTEXTS],
    shift: u32,
    /// Whether a match was right, by its length, for the highest byte and the others.
    matched: [(u16, u8); 2 * (MAX_MATCH as usize + 1)],
    /// By match, byte and bits of the byte.
    mixer: Mixer<N_INPUTS>,
    matches: Matches,
}

impl Mixture {
    fn new(n_values: usize, n_bytes: u32) -> Mixture {
        let n_bits = (n_values * n_bytes as usize * 8).next_power_of_two().trailing_zeros();
        let log2_slots = n_bits.clamp(MIN_LOG2_SLOTS, MAX_LOG2_SLOTS);
        Mixture {
            n_bytes,
            stretch: Stretch::default(),
            counters: std::array::from_fn(|_| vec![Counter::EVEN; 1 << log2_slots]),
            shift: 32 - log2_slots,
            matched: [(49_152, 0); 2 * (MAX_MATCH as usize + 1)],
            mixer: Mixer::new(4 << 10, FIRST_WEIGHT),
            matches: Matches::new(n_values),
        }
    }

    /// The next value, after those known; who codes knows it.
    fn value(&mut self, bits: &mut impl Bits, known: &[u32], value: u32) -> u32 {
        let n = known.len();
        let before = |back: usize| if n >= back { known[n - back] } else { 0 };
        let (a, b) = (before(1), before(2));
        let (predicted, length) = self.matches.next(known);
        let mut high = 0;
        for k in (0..self.n_bytes).rev() {
            let upper = |x: u32| x.checked_shr(8 * k + 8).unwrap_or(0);
            let byte = |x: u32| x >> (8 * k) & 255;
            let seen = high << 2 | k;
            let line = a.wrapping_add(a).wrapping_sub(b);
            let contexts = [
                hash(k, 0),
                hash(seen, 0),
                hash(seen, a >> (8 * k)),
                hash(seen, a),
                hash(hash(seen, a), b),
                hash(byte(a) << 16 | byte(b) << 8 | k, 0),
                hash(seen, b),
                hash(seen, line >> (8 * k)),
            ];
            let is_predicted = length > 0 && upper(predicted) == high;
            let hint = is_predicted.then_some((byte(predicted), length));
            high = high << 8 | self.byte(bits, k, &contexts, hint, byte(value));
        }
        high
    }

    fn byte(
        &mut self,
        bits: &mut impl Bits,
        k: u32,
        contexts: &[u32; N_CONTEXTS],
        hint: Option<(u32, u32)>,
        value: u32,
    ) -> u32 {
        let mut node = 1u32;
        for b in (0..8).rev() {
            let turn = node.wrapping_mul(0x9e37_79b1);
            let slots = contexts.map(|c| ((c ^ turn).wrapping_mul(0x85eb_ca6b) >> self.shift) as usize);
            let hint = hint.filter(|(byte, _)| (byte | 256) >> (b + 1) == node).map(|(byte, n)| (byte >> b & 1, n));
            let mut inputs = [CONSTANT; N_INPUTS];
            for (input, (counters, &slot)) in inputs.iter_mut().zip(self.counters.iter().zip(&slots)) {
                *input = self.stretch.of(counters[slot].p);
            }
            let of_match = |n: u32| (2 * n + u32::from(k + 1 == self.n_bytes)) as usize;
            inputs[N_CONTEXTS] = match hint {
                None => 0,
                Some((1, n)) => self.stretch.of(self.matched[of_match(n)].0),
                Some((_, n)) => -self.stretch.of(self.matched[of_match(n)].0),
            };
            let trust = hint.map_or(0, |(_, n)| 1 + u32::from(n > 3) + u32::from(n > 15));
            let set = (trust << 10 | k << 8 | node) as usize;
            let p = self.mixer.p(set, &inputs);
            let bit = bits.bit(p, value >> b & 1);
            self.mixer.learn(set, &inputs, p, bit);
            for ((counters, &slot), limit) in self.counters.iter_mut().zip(&slots).zip(LIMITS) {
                counters[slot].learn(bit, limit);
            }
            if let Some((predicted, n)) = hint {
                let (p, _) = &mut self.matched[of_match(n)];
                let target = if predicted == bit { 65_535 } else { 0 };
                *p = (i32::from(*p) + (target - i32::from(*p)) / 64) as u16;
            }
            node = node << 1 | bit;
        }
        node & 255
    }
}

/// Bytes of a value up to `spread`.
fn n_bytes(spread: u32) -> u32 {
    (32 - spread.leading_zeros()).div_ceil(8).max(1)
}

/// Of files of the past.
#[cfg(test)]
pub fn encode(values: &[u32], spread: u32) -> Vec<u8> {
    let mut mixture = Mixture::new(values.len(), n_bytes(spread));
    let mut coder = Coder::default();
    for (i, &value) in values.iter().enumerate() {
        mixture.value(&mut coder, &values[..i], value);
    }
    coder.finish()
}

/// `n` values up to `spread`.
pub fn decode(from: &[u8], n: usize, spread: u32) -> Result<Vec<u32>> {
    let mut mixture = Mixture::new(n, n_bytes(spread));
    let mut decoder = Decoder::new(from);
    let mut values = Vec::with_capacity(n);
    for _ in 0..n {
        let value = mixture.value(&mut decoder, &values, 0);
        // a few bytes that ask for a million values are told at once
        if value > spread || decoder.is_past_its_end() {
            return Err(Error::corrupt("a value lies outside of the tile's spread, or behind its end"));
        }
        values.push(value);
    }
    decoder.finish()?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_width_come_back() {
        let mut state = 3u32;
        for spread in [1, 255, 256, 65535, 65536, (1 << 24) - 1, 1 << 24, u32::MAX] {
            for n in [1, 2, 63, 64, 65, 700] {
                let mut next = |i: usize| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if i % 5 < 3 { spread } else { ((u64::from(state) * (u64::from(spread) + 1)) >> 32) as u32 }
                };
                let values: Vec<u32> = (0..n).map(&mut next).collect();
                let code = encode(&values, spread);
                assert_eq!(decode(&code, n, spread), Ok(values), "{spread} {n}");
            }
        }
    }

    #[test]
    fn what_repeats_costs_little_and_noise_not_much_more_than_itself() {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let words: Vec<u32> = (0..500).map(|_| next()).collect();
        let repeated: Vec<u32> = words.iter().copied().cycle().take(5000).collect();
        let once = encode(&words, u32::MAX >> 8).len();
        let ten_times = encode(&repeated, u32::MAX >> 8).len();
        assert!(once > 1490 && once < 1750 && ten_times < once + 200, "{once} {ten_times}");
    }

    #[test]
    fn a_code_that_is_cut_or_says_too_much_is_corrupt() {
        let values: Vec<u32> = (0..300).map(|i| i * i % 251).collect();
        let code = encode(&values, 250);
        assert!(decode(&code[..code.len() - 1], 300, 250).is_err());
        assert!(decode(&code, 299, 250).is_err());
        assert!(decode(&[255; 40], 300, 250).is_err());
        assert!(decode(&[], 300, 250).is_err());
    }
}
