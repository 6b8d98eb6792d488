//! A preset is a size; with a family it becomes the specs of the nets: where they look and what they see.

use crate::net::head::Head;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::Family;
use collapsar::internals::net::{MAX_REACH, Pass, Spec, Tap};

/// Raster taps keep dx < SKEW · |dy|: the decoder's wavefronts then lie SKEW cells apart, and one of a 256² tile
/// holds 85 cells at 2, 51 at 4. Bits of `default`, trained alike: 4 → 6.179, 2 → 6.183; of `fast`: 4 → 6.232, 3 →
/// 6.231, 2 → 6.225, 1 → 6.237.
const SKEW: i32 = 2;
const N_LINEAR: usize = 20;
const MIXTURE_OF_3: Head = Head::Mixture { k: 3 };

/// How large a net is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    pub n_taps: usize,
    pub n_residuals: usize,
    pub wide_log2: u32,
    /// Width and number of the hidden layers.
    pub hidden: usize,
    pub n_hidden: usize,
    pub head: Head,
}

const PRESETS: [Preset; 5] = [
    Preset { name: "tiny", n_taps: 30, n_residuals: 12, wide_log2: 4, hidden: 16, n_hidden: 2, head: Head::Table },
    Preset { name: "small", n_taps: 48, n_residuals: 24, wide_log2: 4, hidden: 32, n_hidden: 2, head: Head::Table },
    Preset { name: "fast", n_taps: 24, n_residuals: 16, wide_log2: 4, hidden: 32, n_hidden: 2, head: MIXTURE_OF_3 },
    Preset { name: "default", n_taps: 60, n_residuals: 32, wide_log2: 5, hidden: 64, n_hidden: 3, head: MIXTURE_OF_3 },
    Preset {
        name: "max",
        n_taps: 112,
        n_residuals: 32,
        wide_log2: 5,
        hidden: 128,
        n_hidden: 4,
        head: Head::Mixture { k: 5 },
    },
];

impl Preset {
    pub fn from_name(name: &str) -> Result<Preset> {
        let found = PRESETS.into_iter().find(|p| p.name == name);
        found.ok_or_else(|| Error::argument(format!("preset '{name}' is not one of tiny, small, fast, default, max")))
    }

    /// One spec per pass of the family, none with reference planes.
    pub fn specs(&self, family: Family) -> Vec<Spec> {
        match family {
            Family::Vdm => vec![self.of_means()],
            _ => family.passes().iter().map(|&pass| self.spec(pass)).collect(),
        }
    }

    /// Outputs of every layer of the net of a pass.
    pub fn widths(&self, pass: Pass) -> Vec<usize> {
        let coupling = coupling(pass);
        let mut widths = coupling.map_or(vec![self.hidden; self.n_hidden], |(_, hidden)| vec![hidden; 2]);
        widths.push(self.head(pass).n_outputs());
        widths
    }

    fn head(&self, pass: Pass) -> Head {
        if pass == Pass::Finer {
            return Head::Table;
        }
        if coupling(pass).is_some() { Head::Mixture { k: 1 } } else { self.head }
    }

    /// What a vdm sees of an image to tell the one before it: no residuals, since in their place stands how strong the
    /// noise is.
    fn of_means(&self) -> Spec {
        let from_corner = |&(dy, dx): &Tap| ((4 * dy + 1) * (4 * dy + 1) + (4 * dx + 1) * (4 * dx + 1), dy, dx);
        let mut taps: Vec<Tap> = square(MAX_REACH).collect();
        taps.sort_by_key(from_corner);
        taps.truncate(self.n_taps);
        Spec { taps, n_values: self.n_taps, n_residuals: 0, ..self.spec(Pass::Finer) }
    }

    fn spec(&self, pass: Pass) -> Spec {
        let mut taps = square(MAX_REACH).filter(|&t| pass.knows(t) && allowed(pass, t)).collect::<Vec<_>>();
        taps.sort_by_key(nearness);
        taps.truncate(self.n_taps);
        let mut ref_taps: Vec<_> = square(1).collect();
        ref_taps.sort_by_key(nearness);
        let seen = coupling(pass).map_or(taps.len(), |(seen, _)| seen.min(taps.len()));
        // what is left of midpoints is value and residual in one, and predicted by nothing
        let updates = matches!(pass, Pass::UpdateDiagonal | Pass::UpdateRest);
        if updates {
            taps.truncate(seen);
        }
        Spec {
            pass,
            head: self.head(pass),
            n_values: seen,
            taps,
            n_linear: if updates { 1 } else { N_LINEAR },
            n_residuals: if updates { 0 } else { self.n_residuals.min(seen) },
            n_refs: 0,
            n_hints: 0,
            ref_taps,
            near_log2: 3,
            wide_log2: if updates { 4 } else { self.wide_log2 },
            scale_floor: 16,
            feature_shift: 4,
        }
    }
}

/// What a coupling's net sees and how wide it is, whatever the preset: places, width of two hidden layers.
fn coupling(pass: Pass) -> Option<(usize, usize)> {
    match pass {
        Pass::PredictDiagonal | Pass::PredictRest => Some((32, 32)),
        Pass::UpdateDiagonal | Pass::UpdateRest => Some((16, 24)),
        _ => None,
    }
}

fn allowed(pass: Pass, (dy, dx): (i32, i32)) -> bool {
    pass != Pass::Raster || dy == 0 || dx < SKEW * -dy
}

fn square(reach: i32) -> impl Iterator<Item = (i32, i32)> {
    (-reach..=reach).flat_map(move |dy| (-reach..=reach).map(move |dx| (dy, dx)))
}

fn nearness(&(dy, dx): &(i32, i32)) -> (i32, i32, i32) {
    (dy * dy + dx * dx, dy, dx)
}

/// Where the encoder's fit begins: the mean of the four nearest.
pub fn mean_of_nearest(spec: &Spec) -> Result<Linear> {
    let mut own = vec![0; spec.n_linear - 1];
    own.iter_mut().take(3).for_each(|c| *c = 1024);
    Linear::new(own, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_its_taps_in_every_pass() {
        for preset in PRESETS {
            for family in [Family::Pixelcnn, Family::Lattice] {
                for spec in preset.specs(family) {
                    assert_eq!(spec.taps.len(), preset.n_taps, "{} {:?}", preset.name, spec.pass);
                    assert!(spec.taps.iter().all(|&t| spec.pass.knows(t)));
                }
            }
        }
    }

    #[test]
    fn raster_taps_never_lean_farther_than_the_skew() {
        for preset in PRESETS {
            for (dy, dx) in preset.spec(Pass::Raster).taps {
                assert!(dx + SKEW * dy < 0, "({dy}, {dx})");
            }
        }
    }
}
