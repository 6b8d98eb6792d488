//! (number + 640 h) · 65568 + middle + 16      a choice and its middle as a GPU sends them, in one word, of a plane of at most 16 bits
//!
//! Of other planes choices and middles are words of their own.

use super::table::{Choice, Choices, FIRST_PLACE, MAX_TAIL, N_SKEWS, N_TABLES, OUTSIDE};

/// Tables of the last octave, the only ones that go with an h above 0.
const N_OF_LAST_OCTAVE: u32 = (FIRST_PLACE[7] - FIRST_PLACE[6]) as u32 * ((MAX_TAIL + 1) * N_SKEWS) as u32;
/// Middles of planes that go in one word with their tables, and the largest int of such planes.
const N_MIDDLES: u32 = MAX_IN_WORDS as u32 + 1 + 2 * OUTSIDE as u32;
const MAX_IN_WORDS: i32 = 65535;

impl Choice {
    /// The choice and the middle that a GPU sends as one word, of a plane of at most 16 bits: (number + 640 h) · 65568 + middle + 16.
    /// shaders/table.wgsl makes it.
    pub fn from_word(word: u32, max: i32) -> (Choice, i32) {
        let (which, middle) = (word / N_MIDDLES, (word % N_MIDDLES) as i32 - OUTSIDE);
        let above = (which + N_OF_LAST_OCTAVE).saturating_sub(N_TABLES as u32);
        let shift = above / N_OF_LAST_OCTAVE;
        let number = which - N_OF_LAST_OCTAVE * shift;
        (Choice::new(number as i32, shift as i32, middle, max >> shift), middle)
    }
}

impl Choices {
    /// What a GPU sends of `n` cells of a plane of 0..=max: a word each, or choices and then middles.
    pub fn from_words(words: &[i32], n: usize, max: i32, out: &mut Choices) {
        if max <= MAX_IN_WORDS {
            for (i, &word) in words[..n].iter().enumerate() {
                let (choice, middle) = Choice::from_word(word as u32, max);
                (out.choice[i], out.middle[i]) = (choice.0, middle);
            }
        } else {
            out.choice[..n].iter_mut().zip(words).for_each(|(choice, &word)| *choice = word as u32);
            out.middle[..n].copy_from_slice(&words[n..2 * n]);
        }
    }

    /// Words that a GPU sends of a cell.
    pub fn n_words(max: i32) -> usize {
        if max <= MAX_IN_WORDS { 1 } else { 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::Heads;
    use super::super::table::choose;
    use super::*;

    #[test]
    fn a_choice_and_its_middle_come_back_from_one_word() {
        let mut out = Choices::new(1);
        for max in [0, 1, 255, 4095, MAX_IN_WORDS] {
            for (s, l) in (0..20).flat_map(|log2| (-8..8).map(move |l| (1 << log2, 32 * l))) {
                for at in [-30 * max, 0, max / 3, max, 30 * max] {
                    let heads = Heads { stride: 1, s: vec![s], heads: vec![9, l, 250, -90] };
                    choose(&[64 * at + 5], &heads, max, &mut out);
                    let (choice, middle) = (Choice(out.choice[0]), out.middle[0]);
                    let which = choice.number() as u32 + N_OF_LAST_OCTAVE * choice.shift();
                    let word = which * N_MIDDLES + (middle + OUTSIDE) as u32;
                    assert_eq!(Choice::from_word(word, max), (choice, middle), "{max} {s} {l} {at}");
                }
            }
        }
        assert_eq!((N_OF_LAST_OCTAVE, N_MIDDLES), (640, 65568));
        assert!((N_TABLES as u64 + 15 * u64::from(N_OF_LAST_OCTAVE)) * u64::from(N_MIDDLES) < 1 << 32);
    }
}
