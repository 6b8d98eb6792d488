//! deflate(settings, inner) = the very bits that zlib or GNU gzip makes of `inner`
//!
//! RFC 1951 leaves the writer free, so giving back a .gz byte for byte needs the writer's choices: which match it takes, where a
//! block ends, which of two equal codes is the shorter. Nearly every .gz in the world comes from one of three writers, which are
//! the same method with different sizes (`Settings`). They are written out here, rather than called, because a linked
//! zlib may be another zlib tomorrow, and GNU gzip is no library.

mod bits;
mod block;
mod tree;
mod window;

use block::Block;
use std::io::{Read, Result, Write};
use window::Window;

/// Whose habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Writer {
    /// zlib as nearly everyone calls it: memLevel 8.
    Zlib = 1,
    /// zlib with memLevel 9, as Python's `zlib` module offers.
    ZlibLarge = 2,
    /// The program `gzip`.
    Gnu = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(super) writer: Writer,
    /// 1 to 9.
    pub(super) level: u8,
}

/// How hard a level looks for a match.
struct Effort {
    /// With a match as long as this in hand, look at a quarter of the chain.
    good_length: usize,
    /// With a match as long as this in hand, look no further (lazy), or leave its inside out of the chains (fast).
    max_lazy: usize,
    /// A match as long as this is taken at once.
    nice_length: usize,
    max_chain: usize,
}

const fn effort(good_length: usize, max_lazy: usize, nice_length: usize, max_chain: usize) -> Effort {
    Effort { good_length, max_lazy, nice_length, max_chain }
}

const EFFORTS: [Effort; 9] = [
    effort(4, 4, 8, 4),
    effort(4, 5, 16, 8),
    effort(4, 6, 32, 32),
    effort(4, 4, 16, 16),
    effort(8, 16, 32, 32),
    effort(8, 16, 128, 128),
    effort(8, 32, 128, 256),
    effort(32, 128, 258, 1024),
    effort(32, 258, 258, 4096),
];
/// Up to here a match is taken as soon as it is seen; above, only if the next byte does not begin a longer one.
const LAST_FAST_LEVEL: u8 = 3;

const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 258;
/// A match of three bytes from further away costs more than three literals.
const TOO_FAR: usize = 4096;

impl Settings {
    pub fn new(writer: Writer, level: u8) -> Option<Settings> {
        (1..=9).contains(&level).then_some(Settings { writer, level })
    }

    fn effort(self) -> &'static Effort {
        &EFFORTS[usize::from(self.level) - 1]
    }
}

/// Reads all of `inner` and writes its deflate stream; `out` gets it in pieces of about a block.
pub fn deflate(settings: Settings, inner: &mut dyn Read, out: &mut dyn Write) -> Result<()> {
    let mut window = Window::new(settings, inner);
    let mut block = Block::new(settings, out);
    if settings.level <= LAST_FAST_LEVEL {
        take_at_once(settings, &mut window, &mut block)?;
    } else {
        take_lazily(settings, &mut window, &mut block)?;
    }
    block.finish(&window)
}

fn take_at_once(settings: Settings, window: &mut Window, block: &mut Block) -> Result<()> {
    while window.fill()? {
        let found = window.insert().and_then(|head| window.longest_match(head, MIN_MATCH - 1));
        let full = match found.filter(|m| m.length >= MIN_MATCH) {
            Some(m) => {
                let full = block.push_match(m.length, m.distance, window);
                if m.length <= settings.effort().max_lazy && window.may_insert_after(m.length) {
                    window.advance_inserting(m.length - 1);
                    window.advance(1);
                } else {
                    window.advance(m.length);
                }
                full
            }
            None => {
                let full = block.push_literal(window.byte(), window);
                window.advance(1);
                full
            }
        };
        if full {
            block.flush(window)?;
        }
    }
    Ok(())
}

fn take_lazily(settings: Settings, window: &mut Window, block: &mut Block) -> Result<()> {
    let mut before: Option<window::Match> = None;
    let mut literal_waits = false;
    while window.fill()? {
        let before_length = before.as_ref().map_or(MIN_MATCH - 1, |m| m.length);
        let head = window.insert().filter(|_| before_length < settings.effort().max_lazy);
        let found = head
            .and_then(|head| window.longest_match(head, before_length))
            .filter(|m| m.length >= MIN_MATCH && !(m.length == MIN_MATCH && m.distance > TOO_FAR));
        match before.take() {
            Some(m) if found.as_ref().is_none_or(|f| f.length <= m.length) => {
                let full = block.push_match(m.length, m.distance, window);
                // The match began one byte ago; its first two bytes are in the chains already.
                window.advance_inserting(m.length - 2);
                window.advance(1);
                literal_waits = false;
                if full {
                    block.flush(window)?;
                }
            }
            _ => {
                if literal_waits && block.push_literal(window.byte_before(), window) {
                    block.flush(window)?;
                }
                literal_waits = true;
                before = found;
                window.advance(1);
            }
        }
    }
    if literal_waits {
        // Full or not, the block ends here.
        let _ = block.push_literal(window.byte_before(), window);
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
