//! An integer network: what it reads, how it normalises, and its layers.
//!
//! A `Net` can only be built valid: shapes fit each other, taps are known when they are read, and no sum of the MLP can leave
//! an i32, whatever the features. The kernels assume all of this and check nothing.

mod head;
mod mesh;
mod pass;
mod refit;
mod wiring;

pub use head::Head;
pub use mesh::{MAX_SIDE, Mesh, MeshLayer, Sheet};
pub use pass::Pass;
pub use refit::{MAX_LOG2_STEP, Refit};
pub use wiring::{Input, Wiring};

use crate::error::{Error, Result};

/// Features that every cell has besides its neighbours: scale, wide scale, roughness, level, height above what is usual in the
/// plane, and how quiet the plane is.
pub const N_CONTEXT: usize = 6;
/// No tap is farther away than this, in rows or columns.
pub const MAX_REACH: i32 = 15;
/// The most logistics a mixture may have.
pub const MAX_K: usize = 8;
const MAX_TAPS: usize = 256;
const MAX_WIDTH: usize = 1024;
const MAX_INPUTS: usize = 4096;
const MAX_LAYERS: usize = 32;
/// Weights of all layers, which are multiplications per cell.
const MAX_WEIGHTS: usize = 1 << 23;
const MAX_WEIGHT: i32 = 127;

/// (dy, dx): a place seen from a cell.
pub type Tap = (i32, i32);

/// y = round((bias + weights · x) / 2^shift); weights are n_out rows of n_in, a multiple of 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub n_in: usize,
    pub n_out: usize,
    pub weights: Vec<i8>,
    pub bias: Vec<i32>,
    pub shift: Vec<u8>,
}

/// The plain numbers a net is built from; see NUMERICS.md, section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    pub(crate) pass: Pass,
    pub(crate) head: Head,
    pub(crate) taps: Vec<(i32, i32)>,
    pub(crate) n_linear: usize,
    pub(crate) n_values: usize,
    pub(crate) n_residuals: usize,
    pub(crate) n_refs: usize,
    pub(crate) n_hints: usize,
    pub(crate) ref_taps: Vec<(i32, i32)>,
    pub(crate) near_log2: u32,
    pub(crate) wide_log2: u32,
    pub(crate) scale_floor: i32,
    pub(crate) feature_shift: u32,
    pub(crate) layers: Vec<Layer>,
    wiring: Vec<Wiring>,
    around: Vec<Tap>,
    kept: Vec<usize>,
}

/// What a `Net` is made of, before it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub pass: Pass,
    pub head: Head,
    /// (dy, dx) of known neighbours, nearest first, in steps of the pass.
    pub taps: Vec<(i32, i32)>,
    /// How many of the taps the linear predictor, the value features and the residual features use.
    pub n_linear: usize,
    pub n_values: usize,
    pub n_residuals: usize,
    pub n_refs: usize,
    /// At how many of the taps the net sees the feature that was transmitted there; of pass `Finer` only.
    pub n_hints: usize,
    /// (dy, dx) in reference planes; the first is (0, 0).
    pub ref_taps: Vec<(i32, i32)>,
    pub near_log2: u32,
    pub wide_log2: u32,
    pub scale_floor: i32,
    pub feature_shift: u32,
}

impl Net {
    /// Every layer sees the layer before it.
    pub fn new(spec: Spec, layers: Vec<Layer>) -> Result<Net> {
        let wiring = (0..layers.len()).map(Wiring::plain).collect();
        Net::wired(spec, layers, wiring)
    }

    pub fn wired(spec: Spec, layers: Vec<Layer>, wiring: Vec<Wiring>) -> Result<Net> {
        spec.check()?;
        let (n, s) = (layers.len(), spec);
        check((1..=MAX_LAYERS).contains(&n) && wiring.len() == n, || format!("{n} layers, {} wired", wiring.len()))?;
        let mut widths = vec![s.n_features()];
        for (i, (layer, wiring)) in layers.iter().zip(&wiring).enumerate() {
            let n_used = if wiring.is_plain(i) { Ok(widths[i]) } else { wiring.check(layer, s.pass, &widths) };
            n_used.and_then(|n_used| layer.check(n_used)).map_err(|e| e.at(format!("layer {i}")))?;
            widths.push(wiring.width(layer));
        }
        check(wiring[n - 1].is_plain(n - 1), || "the last layer sees something else than the layer before it".into())?;
        check(widths[n] == s.head.n_outputs(), || format!("{} outputs for {:?}", widths[n], s.head))?;
        let n_weights = layers.iter().map(|l| l.weights.len()).sum::<usize>();
        check(n_weights <= MAX_WEIGHTS, || format!("{n_weights} weights, {MAX_WEIGHTS} are the most"))?;
        let (around, kept) = wiring::around(&wiring);
        wiring::check_kept(&kept, &widths)?;
        let Spec { pass, head, taps, n_linear, n_values, n_residuals, n_refs, ref_taps, .. } = s;
        let Spec { n_hints, near_log2, wide_log2, scale_floor, feature_shift, .. } = s;
        Ok(Net {
            pass,
            head,
            taps,
            n_linear,
            n_values,
            n_residuals,
            n_refs,
            n_hints,
            ref_taps,
            near_log2,
            wide_log2,
            scale_floor,
            feature_shift,
            layers,
            wiring,
            around,
            kept,
        })
    }

    pub fn spec(&self) -> Spec {
        Spec {
            pass: self.pass,
            head: self.head,
            taps: self.taps.clone(),
            n_linear: self.n_linear,
            n_values: self.n_values,
            n_residuals: self.n_residuals,
            n_refs: self.n_refs,
            n_hints: self.n_hints,
            ref_taps: self.ref_taps.clone(),
            near_log2: self.near_log2,
            wide_log2: self.wide_log2,
            scale_floor: self.scale_floor,
            feature_shift: self.feature_shift,
        }
    }

    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    pub fn wiring(&self) -> &[Wiring] {
        &self.wiring
    }

    /// Whether every layer sees the layer before it and nothing else.
    pub fn is_plain(&self) -> bool {
        self.wiring.iter().enumerate().all(|(l, wiring)| wiring.is_plain(l))
    }

    /// The places that layers read beside the cell itself.
    pub fn around(&self) -> &[Tap] {
        &self.around
    }

    /// The sources that are seen there.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// Features of a cell, with the zeros behind them.
    pub fn n_in(&self) -> usize {
        self.width(0).next_multiple_of(4)
    }

    /// Activations of a source: the features, or the outputs of a layer, counted from 1.
    pub fn width(&self, source: usize) -> usize {
        match source {
            0 => {
                let of_refs = self.n_refs * (self.ref_taps.len() - 1);
                self.n_values + self.n_residuals + of_refs + self.n_hints + N_CONTEXT
            }
            l => self.wiring[l - 1].width(&self.layers[l - 1]),
        }
    }

    /// The same net with another last layer: what an encoder refitted travels with the file.
    pub fn with_last_layer(&self, last: Layer) -> Result<Net> {
        let mut layers = self.layers.clone();
        *layers.last_mut().expect("a net has layers") = last;
        Net::wired(self.spec(), layers, self.wiring.clone())
    }

    /// Multiplications per cell, predictor aside.
    pub fn n_mac(&self) -> usize {
        self.layers.iter().map(|l| l.weights.len()).sum()
    }
}

impl Spec {
    fn check(&self) -> Result<()> {
        let s = self;
        check(s.head.is_possible(), || format!("{:?}: 1 to {MAX_K} logistics are possible", s.head))?;
        check(s.taps.len() <= MAX_TAPS && s.ref_taps.len() <= MAX_TAPS, || format!("more than {MAX_TAPS} taps"))?;
        check(s.taps.iter().chain(&s.ref_taps).all(|t| t.0.abs() <= MAX_REACH && t.1.abs() <= MAX_REACH), || {
            format!("a tap lies farther than {MAX_REACH} away")
        })?;
        check(s.taps.iter().all(|&t| s.pass.knows(t)), || {
            format!("a tap of pass {:?} is not yet known there", s.pass)
        })?;
        check(s.near_log2 <= s.wide_log2 && s.wide_log2 <= 5, || "scales over more than 32 residuals".into())?;
        let least = (1usize << s.wide_log2).max(s.n_linear).max(s.n_values).max(s.n_residuals);
        check(s.n_linear >= 1 && s.taps.len() >= least, || format!("{} taps where {least} are used", s.taps.len()))?;
        check(s.n_hints <= if s.pass == Pass::Finer { s.taps.len() } else { 0 }, || {
            format!("{} hints for pass {:?}", s.n_hints, s.pass)
        })?;
        check(s.n_linear <= 64 && s.n_refs <= 3, || {
            "more linear taps or reference planes than the format knows".into()
        })?;
        check(s.ref_taps.first() == Some(&(0, 0)), || "the first place in a reference plane must be (0, 0)".into())?;
        check((1..=1 << 16).contains(&s.scale_floor), || format!("scale floor {}", s.scale_floor))?;
        check((2..=6).contains(&s.feature_shift), || format!("feature step 2^{}", s.feature_shift))?;
        let n = s.n_features();
        check(n <= MAX_WIDTH, || format!("{n} features, {MAX_WIDTH} are the most"))
    }

    pub fn n_features(&self) -> usize {
        self.n_values
            + self.n_residuals
            + self.n_refs * self.ref_taps.len().saturating_sub(1)
            + self.n_hints
            + N_CONTEXT
    }
}

impl Layer {
    /// Shapes, and |bias| + Σ|w| · 127 + half < 2³¹ for every output: the sum cannot overflow.
    fn check(&self, n_used: usize) -> Result<()> {
        check(self.n_in == n_used.next_multiple_of(4), || format!("{} inputs where {n_used} come in", self.n_in))?;
        let (n_in, n_out) = (self.n_in, self.n_out);
        check((1..=MAX_WIDTH).contains(&n_out) && n_in <= MAX_INPUTS, || format!("{n_in} inputs, {n_out} outputs"))?;
        let sizes = (self.weights.len(), self.bias.len(), self.shift.len());
        check(sizes == (self.n_in * self.n_out, self.n_out, self.n_out), || "tensors do not fit the layer".into())?;
        for (o, weights) in self.weights.chunks_exact(self.n_in).enumerate() {
            check(self.shift[o] <= 24, || format!("output {o} is shifted by {}", self.shift[o]))?;
            let weight: i64 = weights.iter().map(|w| i64::from(w.unsigned_abs())).sum();
            let most = i64::from(self.bias[o].unsigned_abs()) + weight * 127 + (1 << self.shift[o]);
            check(most < 1 << 31, || format!("the sum of output {o} can reach {most}, an i32 cannot"))?;
            check(!weights.contains(&-128), || format!("output {o} has a weight of -128"))?;
        }
        Ok(())
    }
}

fn check(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::corrupt(message())) }
}
