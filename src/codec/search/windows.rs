//! What the encoder reads before it decides: a few windows of an array, and of the planes before them.

use crate::array::ArrayType;
use crate::codec::array::head::MAX_PLANE_LOOKED_AT;
use crate::error::Result;
use crate::grid::MAX_REFS;
use crate::model::Plan;
use crate::sample::{Map, phase};
use crate::source::Source;
use crate::tile::{inpaint, mask};

/// Windows that the choice is made by, and their sides: long where time is no matter, or the array large.
const N_WINDOWS: usize = 6;
const LONG_SIDE: usize = 128;
const SHORT_SIDE: usize = 64;
/// A short search reads no more than one sample of so many, but for a few windows.
const SHORT_SHARE: usize = 32;
const MIN_WINDOWS: usize = 4;

/// An array in its file, cut into planes.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    pub source: &'a dyn Source,
    pub offset: u64,
    pub ty: &'a ArrayType,
    /// Planes, rows, columns.
    pub shape: (usize, usize, usize),
    pub is_short: bool,
}

/// Where a window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corner {
    pub plane: usize,
    pub y: usize,
    pub x: usize,
}

/// A window of a plane and of the planes before it, newest first, as bytes.
pub struct Window {
    h: usize,
    w: usize,
    planes: Vec<Vec<u8>>,
}

/// The same as ints, the classes of a mask, none where the map has no masks, and what the window sees of other arrays.
#[derive(Clone)]
pub struct Stack {
    pub h: usize,
    pub w: usize,
    pub planes: Vec<Vec<i32>>,
    pub masks: Vec<Vec<u8>>,
    pub references: Vec<Vec<i32>>,
}

impl Origin<'_> {
    /// The size of a window.
    pub fn size(&self) -> (usize, usize) {
        let (n_planes, h, w) = self.shape;
        let is_small = n_planes * h * w < SHORT_SHARE * N_WINDOWS * LONG_SIDE * LONG_SIDE;
        let side = if self.is_short && is_small { SHORT_SIDE } else { LONG_SIDE };
        (h.min(side), w.min(side * side / h.min(side)))
    }

    /// The windows that the choice is made by.
    pub fn windows(&self) -> Result<Vec<Window>> {
        self.choice().into_iter().map(|corner| self.window(corner)).collect()
    }

    /// Their corners.
    pub fn choice(&self) -> Vec<Corner> {
        let ((n_planes, h, w), (wh, ww)) = (self.shape, self.size());
        let share =
            if self.is_short { (n_planes * h * w / (SHORT_SHARE * wh * ww)).max(MIN_WINDOWS) } else { N_WINDOWS };
        let n = (n_planes * (h / wh) * (w / ww)).clamp(1, N_WINDOWS.min(share));
        let corner = |i: usize| {
            // evenly along each axis, each at its own pace, so that windows do not line up
            let spread =
                |n_places: usize, pace: usize| if n == 1 { n_places / 2 } else { (i * pace % n) * n_places / (n - 1) };
            let plane = if n_planes == 1 { 0 } else { spread(n_planes - 1, 1) };
            // even places, so that a phase of the window is that phase of the array
            let (y, x) = (spread(h - wh, if n == N_WINDOWS { N_WINDOWS - 1 } else { 1 }) & !1, spread(w - ww, 1) & !1);
            Corner { plane, y, x }
        };
        (0..n).map(corner).collect()
    }

    /// Corners of windows of about `n_ints` ints: all there are, or as many all over the array.
    pub fn corners(&self, n_ints: usize) -> Vec<Corner> {
        let ((n_planes, h, w), (wh, ww)) = (self.shape, self.size());
        let n = n_ints.div_ceil(wh * ww).max(1);
        let (rows, columns) = (h.div_ceil(wh), w.div_ceil(ww));
        if n_planes * rows * columns <= n {
            let at = |i: usize| Corner {
                plane: i / (rows * columns),
                y: (i / columns % rows * wh).min(h - wh) & !1,
                x: (i % columns * ww).min(w - ww) & !1,
            };
            return (0..n_planes * rows * columns).map(at).collect();
        }
        // multiples of 1/g, 1/g², 1/g³ with g⁴ = g + 1: no two windows near each other before all places have had their turn
        const STEPS: [u32; 3] = [3_518_319_155, 2_882_110_345, 2_360_945_575];
        let at = |i: usize| {
            let [plane, y, x] = STEPS.map(|step| u64::from((i as u32).wrapping_mul(step).wrapping_add(1 << 31)));
            let among = |limb: u64, n: usize| ((u128::from(limb) * n as u128) >> 32) as usize;
            Corner { plane: among(plane, n_planes), y: among(y, h - wh + 1) & !1, x: among(x, w - ww + 1) & !1 }
        };
        (0..n).map(at).collect()
    }

    /// Corners of windows that lie side by side, none over another.
    pub fn tiling(&self) -> Vec<Corner> {
        let ((n_planes, h, w), (wh, ww)) = (self.shape, self.size());
        let (rows, columns) = (h / wh, w / ww);
        let at = |i: usize| {
            let (y, x) = (i / columns % rows * wh, i % columns * ww);
            Corner { plane: i / (rows * columns), y, x }
        };
        (0..n_planes * rows * columns).map(at).filter(|at| at.y % 2 == 0 && at.x % 2 == 0).collect()
    }

    pub fn window(&self, at: Corner) -> Result<Window> {
        let ((_, h, w), (wh, ww)) = (self.shape, self.size());
        let n_bytes = self.ty.dtype.n_bytes();
        let n_back = if h * w <= MAX_PLANE_LOOKED_AT { MAX_REFS - 1 } else { 0 };
        let planes = (0..=n_back.min(at.plane)).map(|back| {
            let mut bytes = vec![0; wh * ww * n_bytes];
            for (y, row) in bytes.chunks_exact_mut(ww * n_bytes).enumerate() {
                let sample = ((at.plane - back) * h + at.y + y) * w + at.x;
                self.source.read_at(self.offset + (sample * n_bytes) as u64, row)?;
            }
            Ok(bytes)
        });
        Ok(Window { h: wh, w: ww, planes: planes.collect::<Result<_>>()? })
    }
}

impl Window {
    pub fn ints(&self, map: &Map, big_endian: bool) -> Stack {
        if map.exception().is_some() {
            return self.masked(map, big_endian);
        }
        let planes = self.planes.iter().map(|bytes| {
            let mut limbs = vec![vec![0; self.h * self.w]; map.n_limbs()];
            let mut views: Vec<&mut [i32]> = limbs.iter_mut().map(Vec::as_mut_slice).collect();
            map.to_ints(bytes, big_endian, &mut views);
            limbs.concat()
        });
        let masks = vec![Vec::new(); self.planes.len()];
        Stack { h: self.h, w: self.w, masks, planes: planes.collect(), references: Vec::new() }
    }

    fn masked(&self, map: &Map, big_endian: bool) -> Stack {
        let both = self.planes.iter().map(|bytes| {
            let (mut ints, mut classes) = (vec![0; self.h * self.w], vec![0; self.h * self.w]);
            map.to_classes(bytes, big_endian, &mut ints, &mut classes);
            mask::fill_rows(&mut ints, &classes, self.w);
            if classes.iter().all(|&class| class == 0) {
                classes.clear();
            }
            (ints, classes)
        });
        let (planes, masks) = both.unzip();
        Stack { h: self.h, w: self.w, planes, masks, references: Vec::new() }
    }
}

/// A phase of a window, and what it may be predicted from: earlier phases, then the same phase of planes before and of other arrays.
pub struct View {
    pub h: usize,
    pub w: usize,
    pub ints: Vec<i32>,
    /// Classes of the mask, none where nothing is masked.
    pub classes: Vec<u8>,
    pub refs: Vec<Vec<i32>>,
    /// Classes of theirs.
    ref_classes: Vec<Vec<u8>>,
}

impl View {
    /// Fills in what is masked as the model will whose plan this is.
    pub fn fill_in(mut self, plan: &Plan) -> View {
        let all = std::iter::once((&mut self.ints, &self.classes)).chain(self.refs.iter_mut().zip(&self.ref_classes));
        all.filter(|(_, classes)| !classes.is_empty())
            .for_each(|(ints, classes)| inpaint::fill_in(plan, classes, ints));
        self
    }

    pub fn refs(&self) -> Vec<&[i32]> {
        self.refs.iter().map(Vec::as_slice).collect()
    }
}

impl Stack {
    /// The phases of a window, each with up to `n_previous` planes before.
    pub fn views(&self, n_phases: usize, n_previous: usize) -> Vec<View> {
        let (h, w) = (self.h, self.w);
        let seen = 1..self.planes.len().min(1 + n_previous);
        if n_phases == 1 {
            let (ints, classes) = (self.planes[0].clone(), self.masks[0].clone());
            let refs = self.planes[seen.clone()].iter().chain(&self.references).take(MAX_REFS).cloned().collect();
            let ref_classes = self.masks[seen].to_vec();
            return vec![View { h, w, ints, classes, refs, ref_classes }];
        }
        let cut = |p: usize, phase: usize| {
            let classes = if self.masks[p].is_empty() { Vec::new() } else { even(&self.masks[p], h, w, phase) };
            (even(&self.planes[p], h, w, phase), classes)
        };
        let view = |phase: usize| {
            let planes = seen.clone().map(|p| cut(p, phase));
            let references = self.references.iter().map(|ints| (even(ints, h, w, phase), Vec::new()));
            let refs = (0..phase).map(|earlier| cut(0, earlier)).chain(planes).chain(references).take(MAX_REFS);
            let (refs, ref_classes) = refs.unzip();
            let (ints, classes) = cut(0, phase);
            View { h: h / 2, w: w / 2, ints, classes, refs, ref_classes }
        };
        (0..4).map(view).collect()
    }
}

/// A phase of a plane, cut to whole 2×2 squares.
fn even<T: Copy + Default>(plane: &[T], h: usize, w: usize, phase: usize) -> Vec<T> {
    let (rows, columns) = phase::size(phase, h, w);
    let mut of_phase = vec![T::default(); rows * columns];
    phase::pick(phase, plane, h, w, &mut of_phase);
    of_phase.chunks_exact(columns).take(h / 2).flat_map(|row| &row[..w / 2]).copied().collect()
}
