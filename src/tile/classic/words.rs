//! value = a repetition | its nibbles, highest first;   each bit by p = squash(Σ wᵢ · stretch(pᵢ)), or as it is
//!
//! For columns of numbers, ten times as fast as `mixed` and smaller on most. What made that slow is left out where it says nothing: a
//! value that a match foretells is one bit, the nibbles behind a beginning that is new have two small contexts only, and of these
//! nibbles those that are noise are not modelled at all. FORMAT.md, section 7.1.

use super::bits::{BitReader, BitWriter};
use super::matches::{MAX_MATCH, Matches};
use crate::entropy::binary::{Bits, Coder, Decoder};
use crate::entropy::mixing::{Counter, Squash, Stretch};
use crate::error::{Error, Result};
use crate::kernel::log2::log2;
use crate::wire::{put_varint, take_bytes, take_u8, take_varint};

/// Beginnings that are remembered: 512 KiB of them stay in a core's own cache.
const MIN_LOG2_TREES: u32 = 6;
const MAX_LOG2_TREES: u32 = 13;
/// Counters remember so much: whole beginnings longest, small contexts what is lately true.
const LIMIT_BEGINNING: u8 = 250;
const LIMIT_SMALL: u8 = 15;
const LIMIT_MATCH: u8 = 120;
/// A beginning that was met so often is kept against so many others.
const MAX_TRUST: u8 = 3;
/// In 2⁻¹³; inputs of a known beginning.
const N_INPUTS: usize = 3;
const FIRST_WEIGHT: i32 = 2458;
/// Values that are looked at for noise; nibbles by which less than 1/16 bit per value could be saved are.
const N_LOOKED_AT: usize = 1 << 12;
const NOISE: i64 = 256 / 16;

/// Bits that are not modelled. Who codes knows them, and gets them back.
trait Plain {
    fn plain(&mut self, known: u32, n_bits: u32) -> u32;
}

impl Plain for BitWriter {
    #[inline(always)]
    fn plain(&mut self, known: u32, n_bits: u32) -> u32 {
        self.put(known, n_bits);
        known
    }
}

impl Plain for BitReader {
    #[inline(always)]
    fn plain(&mut self, _: u32, n_bits: u32) -> u32 {
        self.take(n_bits)
    }
}

/// A counter per bit of a nibble, by the bits of it that are known.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Tree {
    counters: [Counter; 15],
    tag: u16,
    trust: u8,
}

impl Tree {
    const EMPTY: Tree = Tree { counters: [Counter::EVEN; 15], tag: 0, trust: 0 };

    #[inline(always)]
    fn at(&mut self, node: usize) -> &mut Counter {
        &mut self.counters[node - 1]
    }

    #[inline(always)]
    fn learn(&mut self, nibble: u32) {
        let mut node = 1;
        for b in (0..4).rev() {
            let bit = nibble >> b & 1;
            self.at(node).learn(bit, LIMIT_BEGINNING);
            node = node << 1 | bit as usize;
        }
    }
}

/// By place of a nibble, another nibble, and the bits that are known.
type Small = Box<[Counter; 8 << 8]>;

struct Words {
    n_nibbles: u32,
    /// The lowest nibbles, which are noise behind new beginnings.
    n_plain: u32,
    stretch: Stretch,
    squash: Squash,
    /// By the beginning of a value.
    beginnings: Vec<Tree>,
    shift: u32,
    /// By the same nibble of the value before, and by the nibble above.
    before: Small,
    above: Small,
    /// By place and known bits: of known beginnings, of new ones.
    weights: Box<[[i32; N_INPUTS]; 8 << 4]>,
    weights_new: Box<[[i32; 2]; 8 << 4]>,
    matches: Matches,
    /// Whether matches were right, by their length and the last two.
    right: [Counter; 4 * (MAX_MATCH as usize + 1)],
    last: u32,
}

#[inline(always)]
fn hash(beginning: u32) -> u32 {
    let h = beginning.wrapping_mul(0x9e37_79b1);
    (h ^ h >> 15).wrapping_mul(0xc2b2_ae35)
}

#[inline(always)]
fn chance(counter: Counter) -> u32 {
    u32::from(counter.p).clamp(32, 65_504)
}

impl Words {
    fn new(n_values: usize, n_nibbles: u32, n_plain: u32) -> Words {
        let log2_trees = (2 * n_values).next_power_of_two().trailing_zeros().clamp(MIN_LOG2_TREES, MAX_LOG2_TREES);
        let small = || Box::new([Counter::EVEN; 8 << 8]);
        Words {
            n_nibbles,
            n_plain,
            stretch: Stretch::default(),
            squash: Squash::default(),
            beginnings: vec![Tree::EMPTY; 1 << log2_trees],
            shift: 32 - log2_trees,
            before: small(),
            above: small(),
            weights: Box::new([[FIRST_WEIGHT; N_INPUTS]; 8 << 4]),
            weights_new: Box::new([[FIRST_WEIGHT; 2]; 8 << 4]),
            matches: Matches::new(n_values),
            right: [Counter::EVEN; 4 * (MAX_MATCH as usize + 1)],
            last: 0,
        }
    }

    /// The next value, after those known; who codes knows it.
    #[inline(always)]
    fn value(&mut self, bits: &mut impl Bits, plain: &mut impl Plain, known: &[u32], value: u32) -> u32 {
        let (foretold, length) = self.matches.next(known);
        if length > 0 {
            let right = &mut self.right[(length << 2 | self.last) as usize];
            let is_right = bits.bit(chance(*right), u32::from(value == foretold));
            right.learn(is_right, LIMIT_MATCH);
            self.last = (self.last << 1 | is_right) & 3;
            if is_right == 1 {
                return foretold;
            }
        }
        let before = known.last().copied().unwrap_or(0);
        let (mut high, mut place) = (0, self.n_nibbles);
        let mut new = None;
        while place > 0 {
            let hash = hash(high << 3 | (place - 1));
            let (slot, tag) = ((hash >> self.shift) as usize, hash as u16 | 1);
            let tree = &mut self.beginnings[slot];
            if tree.tag != tag {
                if tree.trust > 0 {
                    tree.trust -= 1;
                } else {
                    *tree = Tree { tag, ..Tree::EMPTY };
                    new = Some(slot);
                }
                break;
            }
            tree.trust = (tree.trust + 1).min(MAX_TRUST);
            place -= 1;
            high = high << 4 | self.nibble(bits, place, slot, (before, high), value);
        }
        while place > self.n_plain {
            place -= 1;
            let nibble = self.new_nibble(bits, place, (before, high), value);
            new.take().into_iter().for_each(|slot: usize| self.beginnings[slot].learn(nibble));
            high = high << 4 | nibble;
        }
        if place > 0 {
            let low = plain.plain(value & ((1 << (4 * place)) - 1), 4 * place);
            new.into_iter().for_each(|slot| self.beginnings[slot].learn(low >> (4 * place - 4)));
            high = high << (4 * place) | low;
        }
        high
    }

    /// A nibble behind a beginning that is known.
    #[inline(always)]
    fn nibble(&mut self, bits: &mut impl Bits, place: u32, slot: usize, (before, high): (u32, u32), value: u32) -> u32 {
        let beginning = &mut self.beginnings[slot];
        let (of_before, of_above) = smalls(place, before, high);
        let mut node = 1;
        for b in (0..4).rev() {
            let counters = [beginning.at(node), &mut self.before[of_before | node], &mut self.above[of_above | node]];
            let inputs = std::array::from_fn::<i32, N_INPUTS, _>(|i| self.stretch.of(counters[i].p));
            let weights = &mut self.weights[(place as usize) << 4 & 0x70 | node];
            let sum: i32 = inputs.iter().zip(weights.iter()).map(|(x, w)| x * w).sum();
            let p = self.squash.of(sum >> 13);
            let bit = bits.bit(p, value >> (4 * place + b) & 1);
            let error = ((bit << 16) as i32 - p as i32) >> 1;
            weights.iter_mut().zip(inputs).for_each(|(w, x)| *w = learned(*w, x, error));
            let limits = [LIMIT_BEGINNING, LIMIT_SMALL, LIMIT_SMALL];
            counters.into_iter().zip(limits).for_each(|(counter, limit)| counter.learn(bit, limit));
            node = (node << 1 | bit as usize) & 31;
        }
        node as u32 & 15
    }

    /// A nibble behind one that is new.
    #[inline(always)]
    fn new_nibble(&mut self, bits: &mut impl Bits, place: u32, (before, high): (u32, u32), value: u32) -> u32 {
        let (of_before, of_above) = smalls(place, before, high);
        let mut node = 1;
        for b in (0..4).rev() {
            let counters = [&mut self.before[of_before | node], &mut self.above[of_above | node]];
            let [x, y] = [self.stretch.of(counters[0].p), self.stretch.of(counters[1].p)];
            let weights = &mut self.weights_new[(place as usize) << 4 & 0x70 | node];
            let p = self.squash.of((x * weights[0] + y * weights[1]) >> 13);
            let bit = bits.bit(p, value >> (4 * place + b) & 1);
            let error = ((bit << 16) as i32 - p as i32) >> 1;
            *weights = [learned(weights[0], x, error), learned(weights[1], y, error)];
            counters.into_iter().for_each(|counter| counter.learn(bit, LIMIT_SMALL));
            node = (node << 1 | bit as usize) & 31;
        }
        node as u32 & 15
    }
}

/// Where the counters of the small contexts begin.
#[inline(always)]
fn smalls(place: u32, before: u32, high: u32) -> (usize, usize) {
    let of = |nibble: u32| ((place & 7) << 8 | (nibble & 15) << 4) as usize;
    (of(before >> (4 * place)), of(high))
}

/// Within ±2¹⁷, so that the sum of three products with inputs below 2¹¹ stays within 32 bits.
#[inline(always)]
fn learned(weight: i32, input: i32, error: i32) -> i32 {
    (weight + ((input * error) >> 16)).clamp(-(1 << 17), 1 << 17)
}

/// Nibbles of a value up to `spread`.
fn n_nibbles(spread: u32) -> u32 {
    (32 - spread.leading_zeros()).div_ceil(4).max(1)
}

/// How many of the lowest nibbles, but not all, neither the nibble above nor that of the value before says anything of.
fn n_noise(values: &[u32], n_nibbles: u32) -> u32 {
    let values = &values[..values.len().min(N_LOOKED_AT)];
    let is_noise = |&place: &u32| {
        let nibble = |value: u32, place: u32| (u64::from(value) >> (4 * place) & 15) as usize;
        let mut counts = [[[0i32; 16]; 16]; 2];
        let mut before = 0;
        for &value in values {
            counts[0][nibble(before, place)][nibble(value, place)] += 1;
            counts[1][nibble(value, place + 1)][nibble(value, place)] += 1;
            before = value;
        }
        counts.iter().all(|rows| rows.iter().map(saved).sum::<i64>() < NOISE * values.len() as i64)
    };
    (0..n_nibbles - 1).take_while(is_noise).count() as u32
}

/// What a table of such counts would save beside four bits each, in 1/256 bit, less what it saves of noise.
fn saved(counts: &[i32; 16]) -> i64 {
    const OF_NOISE: i64 = 15 * 185;
    let n_log2_n = |n: i32| i64::from(n) * i64::from(log2(n.max(1)));
    let n = counts.iter().sum::<i32>();
    if n == 0 {
        return 0;
    }
    counts.iter().map(|&n| n_log2_n(n)).sum::<i64>() - n_log2_n(n) + 4 * 256 * i64::from(n) - OF_NOISE
}

/// Behind the spread of the values.
pub fn encode(values: &[u32], spread: u32) -> Vec<u8> {
    let n_nibbles = n_nibbles(spread);
    let n_plain = n_noise(values, n_nibbles);
    let mut words = Words::new(values.len(), n_nibbles, n_plain);
    let (mut coder, mut plain) = (Coder::default(), BitWriter::default());
    for (i, &value) in values.iter().enumerate() {
        words.value(&mut coder, &mut plain, &values[..i], value);
    }
    let code = coder.finish();
    let mut out = vec![n_plain as u8];
    put_varint(&mut out, code.len() as u64);
    out.extend(code);
    out.extend(plain.into_bytes());
    out
}

/// `n` values up to `spread`.
pub fn decode(mut from: &[u8], n: usize, spread: u32) -> Result<Vec<u32>> {
    let n_nibbles = n_nibbles(spread);
    let n_plain = u32::from(take_u8(&mut from)?);
    if n_plain >= n_nibbles {
        return Err(Error::corrupt(format!("{n_plain} of {n_nibbles} nibbles are noise")));
    }
    let n_bytes = usize::try_from(take_varint(&mut from)?).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new(take_bytes(&mut from, n_bytes)?);
    let mut plain = BitReader::new(from);
    let mut words = Words::new(n, n_nibbles, n_plain);
    let mut values = Vec::with_capacity(n);
    for _ in 0..n {
        let value = words.value(&mut decoder, &mut plain, &values, 0);
        // a few bytes that ask for a million values are told at once
        if value > spread || decoder.is_past_its_end() {
            return Err(Error::corrupt("a value lies outside of the tile's spread, or behind its end"));
        }
        values.push(value);
    }
    decoder.finish()?;
    plain.finish()?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Lcg;

    /// Numbers that repeat, numbers of few bits, and noise.
    fn values(n: usize, spread: u32) -> Vec<u32> {
        let mut random = Lcg(3);
        let mut values: Vec<u32> = Vec::new();
        for i in 0..n {
            let noise = ((u64::from(random.bits(32)) * (u64::from(spread) + 1)) >> 32) as u32;
            values.push(match i / 50 % 4 {
                0 => spread,
                1 => noise,
                2 => noise & 0xffff_0000,
                _ => values[i - 150],
            });
        }
        values
    }

    #[test]
    fn values_of_every_width_come_back() {
        for spread in [1, 15, 16, 255, 256, 65535, 65536, (1 << 24) - 1, 1 << 24, u32::MAX] {
            for n in [1, 2, 63, 64, 65, 700, 9000] {
                let values = values(n, spread);
                assert_eq!(decode(&encode(&values, spread), n, spread), Ok(values), "{spread} {n}");
            }
        }
    }

    #[test]
    fn what_repeats_costs_little_and_noise_not_more_than_itself() {
        let mut random = Lcg(7);
        let words: Vec<u32> = (0..500).map(|_| random.bits(24)).collect();
        let repeated: Vec<u32> = words.iter().copied().cycle().take(5000).collect();
        let once = encode(&words, u32::MAX >> 8).len();
        let ten_times = encode(&repeated, u32::MAX >> 8).len();
        assert!(once > 1490 && once < 1550 && ten_times < once + 200, "{once} {ten_times}");
    }

    #[test]
    fn noise_below_and_nothing_else_is_plain() {
        let mut random = Lcg(9);
        let of =
            |low: u32, random: &mut Lcg| (0..4096).map(|i| (i / 500) << 20 | random.bits(low)).collect::<Vec<u32>>();
        for (low, n_plain) in [(0, 0), (4, 1), (12, 3), (16, 4)] {
            assert_eq!(n_noise(&of(low, &mut random), 6), n_plain, "{low} bits");
        }
    }

    #[test]
    fn a_code_that_is_cut_or_says_too_much_is_corrupt() {
        let values = values(300, 1 << 20);
        let code = encode(&values, 1 << 20);
        for cut in 0..code.len() {
            assert!(decode(&code[..cut], 300, 1 << 20).is_err(), "{cut}");
        }
        assert!(decode(&[&code[..], &[0]].concat(), 300, 1 << 20).is_err());
        assert!(decode(&code, 299, 1 << 20).is_err());
        assert!(decode(&[6, 0], 300, 1 << 20).is_err());
        assert!(decode(&[255; 40], 300, 1 << 20).is_err());
    }
}
