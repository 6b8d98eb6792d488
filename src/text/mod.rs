//! bytes → symbols → bits, each by p = squash(Σ wᵢ · stretch(pᵢ))        headers: cards of text, most of which is usual
//!
//! Text is seen as cards of 80 columns, as FITS has them, or as lines that end where they say so. Spaces up to the end of a card are one
//! symbol. Six contexts and a repeat each have an opinion of the next bit, and a mixer learns which of them to trust. Usual cards taught
//! them before the text begins. FORMAT.md, section 3.4.

mod cells;
mod mixer;
mod model;
mod page;
mod repeat;

use crate::entropy::binary::{Bits, Coder, Decoder};
use crate::error::{Error, Result};
use model::{Model, Step};
use page::COLUMNS;
use std::sync::OnceLock;

/// Words and cards that are usual in headers of FITS: part of the format. What stands last is the nearest.
pub const CARDS: &str = include_str!("cards.txt");

/// What a model has learned before a text begins.
#[derive(Clone)]
pub struct Known(Model);

impl Known {
    /// The usual cards, learned once: some 2 ms.
    pub fn cards() -> &'static Known {
        static CARDS_KNOWN: OnceLock<Known> = OnceLock::new();
        CARDS_KNOWN.get_or_init(|| {
            let padded: String = CARDS.lines().map(|card| format!("{card:<COLUMNS$}")).collect();
            Known(Model::default()).and(padded.as_bytes())
        })
    }

    /// And a text like the one to come.
    pub fn and(&self, text: &[u8]) -> Known {
        let mut model = self.0.clone();
        tell(&mut Learner, &mut model, text);
        Known(model)
    }

    pub fn encode(&self, text: &[u8]) -> Vec<u8> {
        let mut coder = Coder::default();
        tell(&mut coder, &mut self.0.clone(), text);
        coder.finish()
    }

    /// A text of `n` bytes; that they are not too many is the caller's to know.
    pub fn decode(&self, code: &[u8], n: usize) -> Result<Vec<u8>> {
        let mut decoder = Decoder::new(code);
        let text = hear(&mut decoder, &mut self.0.clone(), n)?;
        decoder.finish()?;
        Ok(text)
    }
}

/// Bits that are known and go nowhere.
struct Learner;

impl Bits for Learner {
    #[inline(always)]
    fn bit(&mut self, _: u32, known: u32) -> u32 {
        known
    }
}

fn tell(bits: &mut impl Bits, model: &mut Model, text: &[u8]) {
    model.begin(text.len());
    let mut at = 0;
    while at < text.len() {
        let room = model.room().min(text.len() - at);
        let filler = filler(&text[..at]);
        let is_rest = text[at..at + room].iter().all(|&byte| byte == filler);
        let step = if is_rest { Step::Rest(filler) } else { Step::Byte(text[at]) };
        model.step(bits, filler, Some(&step));
        at += if is_rest { room } else { 1 };
    }
}

fn hear(bits: &mut Decoder, model: &mut Model, n: usize) -> Result<Vec<u8>> {
    model.begin(n);
    let mut text = Vec::with_capacity(n);
    while text.len() < n {
        let room = model.room().min(n - text.len());
        match model.step(bits, filler(&text), None) {
            Step::Byte(byte) => text.push(byte),
            Step::Rest(filler) => text.resize(text.len() + room, filler),
        }
        // a few bytes that ask for a million are told at once
        if bits.is_past_its_end() {
            return Err(Error::corrupt("a text goes on behind the end of its code"));
        }
    }
    Ok(text)
}

/// What the rest of a card is made of: spaces, or zeros behind a zero.
fn filler(text: &[u8]) -> u8 {
    if text.last() == Some(&0) { 0 } else { b' ' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use page::END;

    fn there_and_back(text: &[u8]) -> usize {
        let code = Known::cards().encode(text);
        assert!(Known::cards().decode(&code, text.len()).as_deref() == Ok(text), "{} bytes", text.len());
        code.len()
    }

    /// Letters, spaces, zeros and ends of lines by chance, a few bytes of all kinds.
    fn mess(n: usize, mut state: u32) -> Vec<u8> {
        let mut next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 28 {
                0..=5 => b' ',
                6..=8 => 0,
                9 => END,
                10 => (state >> 8) as u8,
                kind => b"SIMPLE / .'7"[(state >> 16) as usize % 12] ^ (kind as u8 & 1) << 5,
            }
        };
        (0..n).map(&mut next).collect()
    }

    #[test]
    fn texts_of_every_length_come_back() {
        for n in [0, 1, 2, 79, 80, 81, 159, 160, 161, 2879, 2880, 2881] {
            for text in [mess(n, n as u32), vec![b' '; n], vec![0; n], vec![END; n], vec![255; n], b"ab \n".repeat(n)] {
                there_and_back(&text);
            }
        }
        there_and_back(&(0..=255).cycle().take(70_000).collect::<Vec<u8>>());
    }

    #[test]
    fn usual_cards_cost_next_to_nothing_and_noise_little_more_than_itself() {
        let cards = ["SIMPLE  =                    T / file does conform to FITS standard", "END", "", "", ""];
        let text: String = cards.iter().map(|card| format!("{card:<80}")).collect();
        assert!(there_and_back(text.as_bytes()) < 16);
        let noise: Vec<u8> = (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761).rotate_left(9) >> 13) as u8).collect();
        assert!(there_and_back(&noise) < 5400);
    }

    #[test]
    fn what_was_learned_need_not_be_said_again() {
        let text = mess(3000, 5);
        let known = Known::cards().and(&text);
        let (code, alone) = (known.encode(&text), Known::cards().encode(&text));
        assert!(code.len() * 20 < alone.len(), "{} of {}", code.len(), alone.len());
        assert_eq!(known.decode(&code, text.len()).unwrap(), text);
        assert!(Known::cards().decode(&code, text.len()) != Ok(text));
    }

    #[test]
    fn a_code_that_is_cut_is_corrupt_and_ends_at_once() {
        let code = Known::cards().encode(&mess(300, 9));
        for cut in [&code[..code.len() - 1], &code[..9], &[]] {
            assert!(Known::cards().decode(cut, 300).is_err() && Known::cards().decode(cut, 1 << 20).is_err());
        }
        assert!(Known::cards().decode(&code, 299).is_err() && Known::cards().decode(&code, 301).is_err());
    }

    #[test]
    fn a_card_has_80_columns_and_no_mark_of_any_language() {
        assert!(CARDS.is_ascii() && CARDS.lines().all(|card| card.len() <= COLUMNS && card == card.trim_end()));
        assert!(CARDS.ends_with("\nEND\n") && !CARDS.contains(['\t', '\r']));
    }
}
