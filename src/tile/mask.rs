//! class of an int: 0 it stands for its sample,   1 … n the sample is a marker of the map,   n + 1 its bits are stored
//!
//! A mask is of one rectangle: the ints of a tile, or a phase of a band. Masked ints are not coded by a network; what they show
//! to others is filled in before a tile is coded, by a rule that needs no more than the ints around them. FORMAT.md, section 7.3.
//!
//! ```text
//! kind 0: all ordinary · 1: one class u8 · 2: one lane of symbols · 3: as the head of the array says
//! then the bits of every exception, in rows
//! ```
//!
//! Row by row, whether an int is masked is a bit, foreseen from eight known neighbours, or where these are new from four of
//! them, and from the *common* mask of the array's head, where it has one: the coast of a hundred planes is there once. The
//! class is that of the common mask or of the nearest masked neighbour or not, and then one of the others.

use crate::entropy::adaptive::{Code, Symbols, take_lane};
use crate::error::{Error, Result};
use crate::sample::ORDINARY;
use crate::wire::{take_bytes, take_u8};

/// Classes of a rectangle in rows, none where all are ordinary; and the bits of exceptions, with their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    pub classes: Vec<u8>,
    pub exact: Vec<(usize, u64)>,
}

/// How a tile's mask is written: bits of its mode byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    #[default]
    None = 0,
    Whole = 1,
    Coded = 2,
    Common = 3,
}

/// Whether a mask hides an int.
#[inline(always)]
pub fn hides(classes: &[u8], index: usize) -> bool {
    classes.get(index).is_some_and(|&class| class != ORDINARY)
}

/// What a map makes possible: the class of exceptions, and how many bytes one takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    pub exception: u8,
    pub sample_bytes: usize,
}

impl Mask {
    /// Of classes and of the bits of those samples that need them.
    pub fn new(classes: Vec<u8>, exception: u8, bits: impl Fn(usize) -> u64) -> Mask {
        if classes.iter().all(|&class| class == ORDINARY) {
            return Mask::default();
        }
        let exact = classes.iter().enumerate().filter(|(_, class)| **class == exception);
        let exact = exact.map(|(index, _)| (index, bits(index))).collect();
        Mask { classes, exact }
    }

    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The columns from x0 of a rectangle that is w wide.
    pub fn crop(&self, w: usize, x0: usize, tile_w: usize) -> Mask {
        if self.is_empty() {
            return Mask::default();
        }
        let rows = self.classes.chunks_exact(w).map(|row| &row[x0..][..tile_w]);
        let exact = self.exact.iter().filter(|(index, _)| (x0..x0 + tile_w).contains(&(index % w)));
        let exact: Vec<_> = exact.map(|(index, bits)| (index / w * tile_w + index % w - x0, *bits)).collect();
        let classes: Vec<u8> = rows.flatten().copied().collect();
        if classes.iter().all(|&class| class == ORDINARY) { Mask::default() } else { Mask { classes, exact } }
    }

    /// The inverse of `crop`, in a rectangle of n ints.
    pub fn paste(&mut self, n: usize, w: usize, x0: usize, tile_w: usize, tile: &Mask) {
        if tile.is_empty() {
            return;
        }
        self.classes.resize(n, ORDINARY);
        for (row, from) in self.classes.chunks_exact_mut(w).zip(tile.classes.chunks_exact(tile_w)) {
            row[x0..][..tile_w].copy_from_slice(from);
        }
        self.exact.extend(tile.exact.iter().map(|(i, bits)| (i / tile_w * w + i % tile_w + x0, *bits)));
    }

    /// Appends the mask of a tile that is w wide; `common` is what the array's head says there, nothing where it says nothing.
    pub fn write(&self, w: usize, of: Classes, common: &[u8], out: &mut Vec<u8>) -> Kind {
        let Some(&first) = self.classes.first() else { return Kind::None };
        let kind = if self.classes.iter().all(|&class| class == first) {
            out.push(first);
            Kind::Whole
        } else if self.classes == common {
            Kind::Common
        } else {
            write_classes(&self.classes, w, of.exception, common, out);
            Kind::Coded
        };
        for (_, bits) in &self.exact {
            out.extend(&bits.to_le_bytes()[..of.sample_bytes]);
        }
        kind
    }

    /// Takes the mask of a tile of n ints off the front of its code.
    pub fn read(
        from: &mut &[u8],
        kind: Kind,
        (n, w): (usize, usize),
        of: Classes,
        common: impl FnOnce() -> Vec<u8>,
    ) -> Result<Mask> {
        let classes = match kind {
            Kind::None => return Ok(Mask::default()),
            Kind::Whole => match take_u8(from)? {
                class if class != ORDINARY && class <= of.exception => vec![class; n],
                class => return Err(Error::corrupt(format!("a tile masked by class {class}"))),
            },
            Kind::Common => match common() {
                classes if classes.len() == n => classes,
                _ => return Err(Error::corrupt("a tile masked like its array, which has no mask")),
            },
            Kind::Coded => read_classes(from, (n, w), of.exception, &common())?,
        };
        if classes.windows(2).all(|pair| pair[0] == pair[1]) && (kind == Kind::Coded) {
            return Err(Error::corrupt("a mask of one class that is not written as one"));
        }
        let n_exact = classes.iter().filter(|class| **class == of.exception).count();
        let mut rest = take_bytes(from, n_exact * of.sample_bytes)?.chunks_exact(of.sample_bytes);
        let bits = |bytes: &[u8]| bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        let exact = classes.iter().enumerate().filter(|(_, class)| **class == of.exception);
        let exact = exact.map(|(index, _)| (index, rest.next().map_or(0, bits))).collect();
        Ok(Mask { classes, exact })
    }
}

/// One lane that says the classes of a rectangle w wide.
pub fn write_classes(classes: &[u8], w: usize, n_classes: u8, common: &[u8], out: &mut Vec<u8>) {
    let mut symbols = Symbols::default();
    walk(&mut symbols, &mut classes.to_vec(), w, n_classes, common).expect("what is known is not read");
    symbols.finish(out);
}

/// The inverse, for n of them.
pub fn read_classes(from: &mut &[u8], (n, w): (usize, usize), n_classes: u8, common: &[u8]) -> Result<Vec<u8>> {
    let mut popper = take_lane(from)?;
    let mut classes = vec![ORDINARY; n];
    walk(&mut popper, &mut classes, w, n_classes, common)?;
    popper.finish()?;
    Ok(classes)
}

/// Gives masked ints the mean of what stands left of and above them: where classic codes begin.
pub fn fill_rows(ints: &mut [i32], classes: &[u8], w: usize) {
    if classes.is_empty() {
        return;
    }
    let Some(first) = (0..ints.len()).find(|&i| !hides(classes, i)) else { return ints.fill(0) };
    let first = ints[first];
    for i in 0..ints.len() {
        if hides(classes, i) {
            let left = if i % w == 0 { None } else { Some(ints[i - 1]) };
            let above = i.checked_sub(w).map(|i| ints[i]);
            ints[i] = match (left, above) {
                // ints are unsigned
                (Some(a), Some(b)) => (u64::from(a as u32) + u64::from(b as u32)).div_ceil(2) as u32 as i32,
                (a, b) => a.or(b).unwrap_or(first),
            };
        }
    }
}

/// How often 0 and 1 came.
type Counts = [u64; 2];

/// In 2¹⁶: of the wide context, which begins as the narrow one says.
fn chance(wide: Counts, narrow: Counts) -> u32 {
    let guess = ((2 * narrow[1] + 1) << 16) / (2 * (narrow[0] + narrow[1]) + 2);
    let chance = ((wide[1] << 16) + 2 * guess) / (wide[0] + wide[1] + 2);
    chance.clamp(1, (1 << 16) - 1) as u32
}

/// Codes the classes of a tile; a reader is handed zeros, and what it finds is in their place.
fn walk(code: &mut impl Code, classes: &mut [u8], w: usize, n_classes: u8, common: &[u8]) -> Result<()> {
    let (mut wide, mut narrow, mut same) = ([[0; 2]; 512], [[0; 2]; 32], [[0; 2]; 2]);
    for i in 0..classes.len() {
        let (y, x) = (i / w, i % w);
        let at = |up: usize, dx: isize| match x.checked_add_signed(dx) {
            Some(x) if up <= y && x < w => classes[(y - up) * w + x],
            _ => ORDINARY,
        };
        let near = [at(0, -1), at(1, 0), at(1, -1), at(1, 1)];
        let far = [at(0, -2), at(2, 0), at(1, 2), at(1, -2)];
        let bits = |near: [u8; 4]| near.iter().fold(0, |bits, &class| bits << 1 | usize::from(class != ORDINARY));
        let (n, f) = (bits(near) << 1 | usize::from(hides(common, i)), bits(far));
        let known = classes[i];
        let masked = code.bit(known != ORDINARY, chance(wide[n << 4 | f], narrow[n]))?;
        wide[n << 4 | f][usize::from(masked)] += 1;
        narrow[n][usize::from(masked)] += 1;
        if !masked || n_classes == 1 {
            classes[i] = u8::from(masked);
            continue;
        }
        let here = common.get(i).copied().unwrap_or(ORDINARY);
        let like = [here].into_iter().chain(near).find(|&class| class != ORDINARY);
        let expected = like.unwrap_or(1);
        let counts = &mut same[usize::from(like.is_some())];
        let is_same = code.bit(known == expected, chance(*counts, *counts))?;
        counts[usize::from(is_same)] += 1;
        classes[i] = if is_same {
            expected
        } else {
            // the others, without the expected one
            let other = known.max(1) - 1 - u8::from(known > expected);
            let other = code.one_of(other.into(), u32::from(n_classes) - 1)? as u8 + 1;
            other + u8::from(other >= expected)
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: Classes = Classes { exception: 3, sample_bytes: 4 };

    fn mask(h: usize, w: usize, class: impl Fn(usize, usize) -> u8) -> Mask {
        let classes = (0..h * w).map(|i| class(i / w, i % w)).collect();
        Mask::new(classes, CLASSES.exception, |i| i as u64 * 0x0101)
    }

    fn comes_back(mask: &Mask, h: usize, w: usize) -> usize {
        comes_back_over(mask, h, w, &[])
    }

    fn comes_back_over(mask: &Mask, h: usize, w: usize, common: &[u8]) -> usize {
        let mut bytes = Vec::new();
        let kind = mask.write(w, CLASSES, common, &mut bytes);
        let read = |from: &mut &[u8]| Mask::read(from, kind, (h * w, w), CLASSES, || common.to_vec());
        let n = bytes.len();
        for cut in 0..n {
            assert!(read(&mut &bytes[..cut]).is_err(), "{cut} of {n}");
        }
        bytes.push(7);
        let mut from = bytes.as_slice();
        assert_eq!(&read(&mut from).unwrap(), mask);
        assert_eq!(from, [7]);
        n
    }

    #[test]
    fn masks_of_all_shapes_come_back() {
        for (h, w) in [(1, 1), (1, 2), (2, 1), (1, 70), (70, 1), (3, 5), (64, 65)] {
            comes_back(&mask(h, w, |_, _| 0), h, w);
            comes_back(&mask(h, w, |_, _| 2), h, w);
            comes_back(&mask(h, w, |_, _| 3), h, w);
            comes_back(&mask(h, w, |y, x| ((y * 31 + x * 17) * 2_654_435 % 251 % 4) as u8), h, w);
        }
    }

    #[test]
    fn ordinary_tiles_and_slabs_cost_nothing_and_a_coast_its_length() {
        assert_eq!(comes_back(&mask(256, 256, |_, _| 0), 256, 256), 0);
        assert_eq!(comes_back(&mask(256, 256, |_, _| 1), 256, 256), 1);
        // a straight coast of 256 ints, then one that turns with every row
        assert!(comes_back(&mask(256, 256, |_, x| u8::from(x > 100)), 256, 256) < 24);
        let coast = |y: usize| 100 + (y * y * 7919 / 31) % 5;
        let bytes = comes_back(&mask(256, 256, |y, x| u8::from(x > coast(y))), 256, 256);
        assert!(bytes < 256 * 4 / 8 + 30, "{bytes} bytes for 256 steps");
    }

    #[test]
    fn what_the_array_says_already_costs_next_to_nothing() {
        let coast = |y: usize, x: usize| u8::from(x > 100 + (y * y * 7919 / 31) % 5) + u8::from(x > 200);
        let whole = mask(256, 256, coast);
        assert_eq!(comes_back_over(&whole, 256, 256, &whole.classes), 0);
        let other = mask(256, 256, |y, x| if (y, x) == (77, 33) { 3 } else { coast(y, x) });
        assert!(comes_back_over(&other, 256, 256, &whole.classes) < 24);
        assert!(comes_back(&other, 256, 256) > 120);
    }

    #[test]
    fn crops_are_pasted_where_they_were() {
        let whole = mask(9, 20, |y, x| ((y * 3 + x) % 5) as u8 % 4);
        let mut back = Mask::default();
        for (x0, w) in [(0, 7), (7, 7), (14, 6)] {
            back.paste(180, 20, x0, w, &whole.crop(20, x0, w));
        }
        back.exact.sort_unstable();
        assert_eq!(back, whole);
        assert!(whole.crop(20, 0, 20) == whole && Mask::default().crop(20, 3, 4).is_empty());
    }

    #[test]
    fn fills_lie_between_what_is_around_them() {
        let mut ints = [9, 9, 5, 0, 7, 0, 0, 0, 3];
        fill_rows(&mut ints, &[1, 0, 0, 1, 0, 1, 1, 1, 0], 3);
        assert_eq!(ints, [9, 9, 5, 9, 7, 6, 9, 8, 3]);
        let mut masked = [8, 8];
        fill_rows(&mut masked, &[1, 1], 2);
        assert_eq!(masked, [0, 0]);
    }

    #[test]
    fn no_damage_makes_it_panic() {
        let whole = mask(20, 20, |y, x| ((y * y + x) % 7) as u8 % 4);
        let mut bytes = Vec::new();
        let kind = whole.write(20, CLASSES, &[], &mut bytes);
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let read = Mask::read(&mut wrong.as_slice(), kind, (400, 20), CLASSES, Vec::new);
            assert!(read.is_err() || read.is_ok_and(|other| other != whole), "bit {bit} changes nothing");
        }
    }
}
