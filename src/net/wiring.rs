//! x = [Aₛ(y + dy, x + dx), …]          what a layer sees: activations of layers before it, of the cell and of cells around it
//!
//! A₀ are the features, Aₗ the outputs of layer l, counted from 1. A plain layer sees the layer before it, at the cell itself.
//! NUMERICS.md, section 3.7, says what gate and add do.

use super::{Layer, MAX_REACH, Pass, Tap, check};
use crate::error::Result;

/// No layer reads farther away than this, in rows or columns.
const MAX_AROUND: i32 = 7;
/// Blocks that a layer may see.
const MAX_INPUTS: usize = 64;
/// Activations per cell that are kept for other cells.
const MAX_KEPT: usize = 1024;
const _: () = assert!(MAX_AROUND <= MAX_REACH, "the halo of an arena is as wide as its farthest tap");

/// One block of what a layer sees: the activations of a layer at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// 0 for the features, l for the outputs of layer l, counted from 1.
    pub source: usize,
    /// (0, 0) is the cell itself.
    pub tap: Tap,
}

/// What a layer sees, and what becomes of its sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    pub inputs: Vec<Input>,
    /// The outputs of the second half say how much of those of the first half counts.
    pub gate: bool,
    /// Whose activations at the cell are added.
    pub add: Option<usize>,
}

impl Wiring {
    /// Layer `l`, counted from 0, sees what the layer before it says of the cell.
    pub fn plain(l: usize) -> Wiring {
        Wiring { inputs: vec![Input { source: l, tap: (0, 0) }], gate: false, add: None }
    }

    pub fn is_plain(&self, l: usize) -> bool {
        *self == Wiring::plain(l)
    }

    /// Activations that come out.
    pub fn width(&self, layer: &Layer) -> usize {
        if self.gate { layer.n_out / 2 } else { layer.n_out }
    }

    /// Checks layer `l`, of which the layers before have these widths; returns how many activations it sees.
    pub(super) fn check(&self, layer: &Layer, pass: Pass, widths: &[usize]) -> Result<usize> {
        let n = self.inputs.len();
        check((1..=MAX_INPUTS).contains(&n), || format!("a layer that sees {n} blocks"))?;
        for &Input { source, tap } in &self.inputs {
            check(source < widths.len(), || format!("layer {source} is not known when it is seen"))?;
            let near = tap.0.abs() <= MAX_AROUND && tap.1.abs() <= MAX_AROUND;
            check(tap == (0, 0) || near && pass == Pass::Raster && pass.knows(tap), || {
                format!("a layer of pass {pass:?} cannot read {tap:?}")
            })?;
        }
        check(!self.gate || layer.n_out.is_multiple_of(2), || "a gate of half an output".into())?;
        let fits = self.add.is_none_or(|a| widths.get(a) == Some(&self.width(layer)));
        check(fits, || "activations are added to as many others".into())?;
        Ok(self.inputs.iter().map(|input| widths[input.source].next_multiple_of(4)).sum())
    }
}

/// The places that layers read beside the cell itself, in order, and the layers that are seen there.
pub(super) fn around(wiring: &[Wiring]) -> (Vec<Tap>, Vec<usize>) {
    let far = || wiring.iter().flat_map(|w| &w.inputs).filter(|input| input.tap != (0, 0));
    let (mut taps, mut kept): (Vec<Tap>, Vec<usize>) = far().map(|input| (input.tap, input.source)).unzip();
    taps.sort_unstable();
    taps.dedup();
    kept.sort_unstable();
    kept.dedup();
    (taps, kept)
}

/// What is kept of every cell is bounded: a decoder holds it for many rows of cells.
pub(super) fn check_kept(kept: &[usize], widths: &[usize]) -> Result<()> {
    let n: usize = kept.iter().map(|&source| widths[source].next_multiple_of(4)).sum();
    check(n <= MAX_KEPT, || format!("{n} activations of a cell are seen by others, {MAX_KEPT} are the most"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Head, Net, Spec};

    fn spec(pass: Pass) -> Spec {
        let taps = match pass {
            Pass::Raster => vec![(0, -1), (-1, 0)],
            _ => vec![(-1, 0), (0, -1)],
        };
        Spec {
            pass,
            head: Head::Mixture { k: 1 },
            taps,
            n_linear: 1,
            n_values: 2,
            n_residuals: 0,
            n_refs: 0,
            n_hints: 0,
            ref_taps: vec![(0, 0)],
            near_log2: 0,
            wide_log2: 0,
            scale_floor: 16,
            feature_shift: 4,
        }
    }

    /// Layers of the widths that the wirings ask for: 8 features, then 4 outputs each, 3 of the last.
    fn net(pass: Pass, wiring: Vec<Wiring>, n_outs: &[usize]) -> Result<Net> {
        let mut widths = vec![spec(pass).n_features()];
        let layers = wiring.iter().zip(n_outs).map(|(w, &n_out)| {
            let n_in = w.inputs.iter().map(|i| widths.get(i.source).unwrap_or(&4).next_multiple_of(4)).sum();
            let layer =
                Layer { n_in, n_out, weights: vec![1; n_in * n_out], bias: vec![0; n_out], shift: vec![0; n_out] };
            widths.push(w.width(&layer));
            layer
        });
        let layers = layers.collect();
        Net::wired(spec(pass), layers, wiring)
    }

    fn sees(inputs: &[(usize, i32, i32)]) -> Wiring {
        let inputs = inputs.iter().map(|&(source, dy, dx)| Input { source, tap: (dy, dx) }).collect();
        Wiring { inputs, gate: false, add: None }
    }

    /// A plain layer, the one in question, a plain one.
    fn between(pass: Pass, middle: Wiring, n_out: usize) -> Result<Net> {
        net(pass, vec![Wiring::plain(0), middle, Wiring::plain(2)], &[4, n_out, 3])
    }

    #[test]
    fn a_layer_sees_what_is_known_and_near() {
        let fits = |inputs: &[(usize, i32, i32)]| between(Pass::Raster, sees(inputs), 4).is_ok();
        assert!(fits(&[(1, 0, 0)]));
        assert!(fits(&[(0, -7, 7), (1, 0, -7), (1, 0, 0)]));
        assert!(!fits(&[]));
        assert!(!fits(&[(2, 0, 0)]), "itself");
        assert!(!fits(&[(3, 0, 0)]), "a layer behind it");
        assert!(!fits(&[(1, 0, 1)]), "a cell that comes later");
        assert!(!fits(&[(1, 1, 0)]), "a row that comes later");
        assert!(!fits(&[(1, -8, 0)]) && !fits(&[(1, 0, -8)]) && !fits(&[(1, -1, 8)]), "too far");
        assert!(fits(&[(1, 0, 0); MAX_INPUTS]) && !fits(&[(1, 0, 0); MAX_INPUTS + 1]));
        assert!(between(Pass::Rest, sees(&[(0, 0, 0), (1, 0, 0)]), 4).is_ok());
        assert!(between(Pass::Rest, sees(&[(1, -1, 0)]), 4).is_err(), "no order within a pass is promised there");
    }

    #[test]
    fn a_gate_halves_and_what_is_added_fits() {
        let fits = |gate, add, n_out| {
            between(Pass::Raster, Wiring { gate, add, ..sees(&[(1, 0, -1), (1, 0, 0)]) }, n_out).is_ok()
        };
        assert!(fits(true, None, 8) && !fits(true, None, 7));
        assert!(fits(false, Some(1), 4) && !fits(false, Some(1), 8));
        assert!(fits(true, Some(1), 8) && !fits(true, Some(1), 4));
        assert!(fits(false, Some(0), 8) && !fits(false, Some(2), 4) && !fits(false, Some(9), 4));
    }

    #[test]
    fn the_last_layer_is_plain_and_wirings_are_as_many_as_layers() {
        let plain = || (0..2).map(Wiring::plain).collect::<Vec<_>>();
        assert!(net(Pass::Raster, plain(), &[4, 3]).is_ok());
        for last in [sees(&[(1, 0, -1)]), sees(&[(0, 0, 0)]), Wiring { gate: true, ..Wiring::plain(1) }] {
            let n_out = if last.gate { 6 } else { 3 };
            assert!(net(Pass::Raster, vec![Wiring::plain(0), last], &[4, n_out]).is_err());
        }
        let layers = net(Pass::Raster, plain(), &[4, 3]).unwrap().layers;
        assert!(Net::wired(spec(Pass::Raster), layers.clone(), plain()).is_ok());
        assert!(Net::wired(spec(Pass::Raster), layers, vec![Wiring::plain(0)]).is_err());
    }

    #[test]
    fn what_is_kept_of_a_cell_is_bounded() {
        let wide = |n: usize, inputs: &[(usize, i32, i32)]| {
            net(Pass::Raster, vec![Wiring::plain(0), sees(inputs), Wiring::plain(2)], &[n, 4, 3])
        };
        assert!(wide(1021, &[(1, 0, -1)]).is_ok());
        assert!(wide(1020, &[(1, 0, -1), (0, 0, 0)]).is_ok());
        assert!(wide(1020, &[(1, 0, -1), (0, -1, 0)]).is_err());
        let net = wide(16, &[(1, 0, -1), (0, -1, 0), (1, -1, 0)]).unwrap();
        assert_eq!((net.around(), net.kept()), (&[(-1, 0), (0, -1)][..], &[0, 1][..]));
    }
}
