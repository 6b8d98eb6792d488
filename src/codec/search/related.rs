//! gain = Σ |dₜ| / Σ |dₐ|          d: differences to the int left of it and to the one above, of target and reference
//!
//! Which arrays coded before may tell of an array: those whose neighbourhoods make a linear predictor better, over the windows that
//! the choice is made by. The best few are then measured by coding.

use crate::array::ArrayType;
use crate::codec::array::band::Band;
use crate::codec::array::head::Head;
use crate::codec::array::memory::Memory;
use crate::codec::array::reference::{MASKED, MAX_DEPTH, Reference};
use crate::codec::array::references;
use crate::codec::search::view::SourceView;
use crate::codec::search::windows::{Corner, Origin, Stack};
use crate::error::Result;
use crate::fit::{CandidateWindow, predictive_gain};
use crate::sample::{Loss, Map};
use crate::source::Source;
use crate::tile::mask::hides;

/// Arrays that come into question, the nearest ones, and planes of them.
const MAX_FIELDS: usize = 64;
const MAX_PLACES: usize = 256;
/// Candidates that are kept to be measured.
const MAX_CANDIDATES: usize = 8;
/// Cells that a look at a candidate takes. A short search tells from chance what makes residuals smaller by 1/128, which is about what
/// has to be gained for a reference to be kept, and looks at nothing less.
const LONG_LOOK: usize = 1 << 13;
const SHORT_LOOK: usize = 1 << 11;
/// Of 2¹⁶: what makes residuals smaller by less is not measured.
const MIN_SCORE: u64 = 1 << 6;
const PROMISING: u64 = 1 << 12;

/// Which arrays an array may refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum References {
    /// All before it: those are referred to by which it gets smaller.
    #[default]
    Auto,
    None,
    /// The same of these, by label, name of the file, or number from 0.
    These(Vec<String>),
}

impl References {
    fn selects(&self, field: &Field) -> bool {
        let named = |name: &String| {
            let file = field.label.rfind('/').map_or(field.label.as_str(), |at| &field.label[at + 1..]);
            let is = |label: &str| {
                label
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', ' ']))
            };
            (!name.is_empty() && (is(&field.label) || is(file))) || name.parse() == Ok(field.number)
        };
        match self {
            References::Auto => true,
            References::None => false,
            References::These(names) => names.iter().any(named),
        }
    }
}

/// An array that was coded and may be a reference.
#[derive(Clone, Debug)]
pub struct Field {
    pub number: u64,
    pub offset: u64,
    pub ty: ArrayType,
    pub label: String,
    pub map: Map,
    /// How deep its own chain of references is.
    pub depth: usize,
}

impl Field {
    /// Its ints from a sample on, as a decoder will know them.
    pub fn ints(&self, source: &dyn Source, loss: Loss, first: u64, out: &mut [i32]) -> Result<()> {
        let view = SourceView { source, offset: self.offset, ty: &self.ty, loss, memory: Memory::default() };
        let n_bytes = self.ty.dtype.n_bytes();
        let mut bytes = vec![0; out.len() * n_bytes];
        view.read_at(self.offset + first * n_bytes as u64, &mut bytes)?;
        if self.map.exception().is_none() {
            self.map.to_ints(&bytes, self.ty.big_endian, &mut [out]);
            return Ok(());
        }
        let mut classes = vec![0; out.len()];
        self.map.to_classes(&bytes, self.ty.big_endian, out, &mut classes);
        out.iter_mut().enumerate().filter(|(i, _)| hides(&classes, *i)).for_each(|(_, int)| *int = MASKED);
        Ok(())
    }
}

/// What array `number` of a file may refer to.
#[derive(Clone, Copy)]
pub struct Related<'a> {
    pub number: u64,
    pub source: &'a dyn Source,
    pub loss: Loss,
    pub fields: &'a [Field],
    pub references: &'a References,
}

/// A field, and how it is seen.
#[derive(Clone, Copy)]
pub struct Referred<'a> {
    related: Related<'a>,
    field: &'a Field,
    pub reference: Reference,
}

/// A reference that comes into question, and what the windows see of it.
#[derive(Clone)]
pub struct Candidate<'a> {
    pub referred: Referred<'a>,
    pub seen: Vec<Vec<i32>>,
    score: u64,
}

impl Referred<'_> {
    /// The reference's ints where a window is.
    fn ints(&self, origin: &Origin, at: Corner) -> Result<Vec<i32>> {
        let ((_, h, w), (wh, ww)) = (origin.shape, origin.size());
        let mut ints = vec![0; wh * ww];
        for (y, row) in ints.chunks_exact_mut(ww).enumerate() {
            let first = self.reference.sample((h, w), at.plane, at.y + y).expect("its array has such a sample");
            self.field.ints(self.related.source, self.related.loss, first + at.x as u64, row)?;
        }
        Ok(ints)
    }

    /// What a window sees of it.
    fn seen(&self, origin: &Origin, at: Corner) -> Result<Vec<i32>> {
        Ok(self.reference.show(self.ints(origin, at)?, origin.size().1))
    }
}

/// What a window sees of the references.
pub fn seen(referred: &[Referred], origin: &Origin, at: Corner) -> Result<Vec<Vec<i32>>> {
    referred.iter().map(|one| one.seen(origin, at)).collect()
}

impl<'a> Related<'a> {
    /// Shows bands what they see of other arrays.
    pub fn show(&self, head: &Head, bands: &mut [Band]) -> Result<()> {
        for band in bands {
            let from = &mut |number, first, out: &mut [i32]| {
                let field = self.fields.iter().find(|field| field.number == number).expect("it was chosen among these");
                field.ints(self.source, self.loss, first, out)
            };
            band.references = references::fetch(head, self.number, band.plane, band.band, from)?;
        }
        Ok(())
    }

    /// The references that come into question for an array, the most telling first.
    pub fn candidates(&self, origin: &Origin, stacks: &[Stack]) -> Result<Vec<Candidate<'a>>> {
        let fields = self.fields.iter().rev().filter(|field| field.depth < MAX_DEPTH && self.references.selects(field));
        let places = fields.take(MAX_FIELDS).flat_map(|field| {
            let back = self.number - field.number;
            places(origin, &field.ty).into_iter().map(move |(first, stride)| (field, back, first, stride))
        });
        let corners = origin.choice();
        let mut all = Vec::new();
        for (field, back, first, stride) in places.take(MAX_PLACES) {
            let at = |gain: i64| {
                let reference = Reference::new(back, first, stride, gain).expect("a gain of usual differences is one");
                Referred { related: *self, field, reference }
            };
            let plain = at(1);
            let ints = corners.iter().map(|&corner| plain.ints(origin, corner)).collect::<Result<Vec<_>>>()?;
            let Some((score, gain)) = compare(stacks, &ints, look(origin.is_short)) else { continue };
            let referred = at(gain);
            let seen = ints.into_iter().map(|ints| referred.reference.show(ints, origin.size().1)).collect();
            all.push(Candidate { referred, seen, score });
            best_first(&mut all);
        }
        Ok(all)
    }
}

/// Those that tell most, first.
fn best_first(candidates: &mut Vec<Candidate>) {
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    candidates.truncate(MAX_CANDIDATES);
}

/// What candidates tell beside the arrays that windows see already: a sum of two fields is told of by both.
pub fn again(candidates: &mut Vec<Candidate>, stacks: &[Stack], is_short: bool) {
    for candidate in candidates.iter_mut() {
        candidate.score = score(stacks, &candidate.seen, look(is_short));
    }
    candidates.retain(|candidate| candidate.score >= MIN_SCORE);
    best_first(candidates);
}

/// Whether there is one that tells so much that it is worth to go on where the last one gained nothing.
pub fn is_promising(candidates: &[Candidate]) -> bool {
    candidates.first().is_some_and(|candidate| candidate.score >= PROMISING)
}

fn look(is_short: bool) -> usize {
    if is_short { SHORT_LOOK } else { LONG_LOOK }
}

/// How much planes tell that windows do not see yet, by a look at so many cells.
fn score(stacks: &[Stack], planes: &[Vec<i32>], n_cells: usize) -> u64 {
    let windows = stacks.iter().zip(planes).map(|(stack, plane)| CandidateWindow {
        w: stack.w,
        ints: &stack.planes[0],
        others: stack.references.iter().chain([plane]).map(Vec::as_slice).collect(),
        known: (0..plane.len()).map(|i| !hides(&stack.masks[0], i) && plane[i] != MASKED).collect(),
    });
    predictive_gain(&windows.collect::<Vec<CandidateWindow>>(), n_cells)
}

/// (first, stride) of the planes of a field that an array may see: those of as many, the one there is, or in turn every one of several.
fn places(origin: &Origin, seen: &ArrayType) -> Vec<(u64, u64)> {
    let ((n, h, w), (its_n, its_h, its_w)) = (origin.ty.planes(), seen.planes());
    if (h, w) != (its_h, its_w) {
        return Vec::new();
    }
    // an array that is cut in another shape than its own sees the same samples
    let as_it_is = origin.shape == (n as usize, h as usize, w as usize);
    match (n, its_n) {
        _ if n == its_n => vec![(0, u64::from(n > 1))],
        _ if !as_it_is => Vec::new(),
        (_, 1) => vec![(0, 0)],
        _ if its_n % n == 0 => (0..its_n / n).map(|first| (first, if n == 1 { 0 } else { its_n / n })).collect(),
        _ => Vec::new(),
    }
}

/// How much ints seen by windows tell of them, and the gain that makes their differences alike; None where they tell nothing.
fn compare(stacks: &[Stack], ints: &[Vec<i32>], n_cells: usize) -> Option<(u64, i64)> {
    let known = |stack: &Stack, ints: &[i32], i: usize| !hides(&stack.masks[0], i) && ints[i] != MASKED;
    let difference = |of: &[i32], i: usize, j: usize| i64::from(of[i]) - i64::from(of[j]);
    let (mut ours, mut theirs, mut both) = (0, 0, 0i128);
    for (stack, ints) in stacks.iter().zip(ints) {
        let plane = &stack.planes[0];
        for i in (0..plane.len()).filter(|&i| known(stack, ints, i)) {
            let left = (i % stack.w > 0).then(|| i - 1);
            for j in left.into_iter().chain(i.checked_sub(stack.w)).filter(|&j| known(stack, ints, j)) {
                let (t, a) = (difference(plane, i, j), difference(ints, i, j));
                (ours, theirs) = (ours + t.unsigned_abs(), theirs + a.unsigned_abs());
                both += i128::from(t) * i128::from(a);
            }
        }
    }
    let score = score(stacks, ints, n_cells);
    let gain = Reference::gain_of(ours, theirs);
    (score >= MIN_SCORE).then_some((score, if both < 0 { -gain } else { gain }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(planes: Vec<Vec<i32>>, w: usize) -> Stack {
        let masks = vec![Vec::new(); planes.len()];
        Stack { h: planes[0].len() / w, w, planes, masks, references: Vec::new() }
    }

    #[test]
    fn fields_that_go_together_score_and_say_their_gain_and_its_sign() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as i32
        };
        let field: Vec<i32> = (0..400).map(|_| noise()).collect();
        let other: Vec<i32> = (0..400).map(|_| noise()).collect();
        let target = [stack(vec![field.iter().map(|v| 5000 - 3 * v).collect()], 20)];
        let (score, gain) = compare(&target, std::slice::from_ref(&field), LONG_LOOK).unwrap();
        assert!((65_000..=65_536).contains(&score) && gain == -3 * 4096, "{score} {gain}");
        assert!(compare(&target, &[other], LONG_LOOK).is_none());
        assert!(compare(&target, &[vec![7; 400]], LONG_LOOK).is_none());
        assert!(compare(&target, &[vec![MASKED; 400]], LONG_LOOK).is_none());
    }

    #[test]
    fn names_mean_fields_by_label_file_and_number() {
        let ty = ArrayType { dtype: crate::array::Dtype::U8, big_endian: false, shape: vec![1] };
        let mut stats = crate::sample::Stats::new(ty.dtype);
        stats.update(&[1, 2], false);
        let map = Map::candidates(&stats)[0].clone();
        let field = Field { number: 3, offset: 0, ty, label: "a/TS.npy: HDU 1".into(), map, depth: 0 };
        let mean = |name: &str| References::These(vec![name.into()]).selects(&field);
        assert!(["TS", "TS.npy", "a/TS.npy: HDU 1", "a/TS", "3"].into_iter().all(mean));
        assert!(!["T", "TSS", "S", "4", "npy", "a", "a/"].into_iter().any(mean));
        assert!(References::Auto.selects(&field) && !References::None.selects(&field));
    }
}
