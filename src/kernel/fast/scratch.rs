//! The features, and inputs and outputs of one layer, for two vectors of cells; of nets of causal convolutions all activations of
//! these cells, and the cache of those of earlier ones.

use super::pack::{PackedNet, Row};
use super::{Kernels, Level};
use crate::kernel::Offsets;
use crate::kernel::activation_cache::ActivationCache;

/// What a thread needs besides: made room in once per model, begun anew for each tile.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(super) x: Vec<Row>,
    pub(super) y: Vec<Row>,
    pub(super) all: Vec<Row>,
    pub(super) cache: ActivationCache,
}

impl Scratch {
    /// Makes room for the nets of `fast`.
    pub fn fit(&mut self, kernels: &Kernels) {
        let n_rows = kernels.nets.iter().map(PackedNet::n_rows).max().unwrap_or(0);
        for rows in [&mut self.x, &mut self.y] {
            rows.resize(n_rows, Row::ZERO);
        }
    }

    /// Net number `net` comes to another tile, whose runs are no longer than `longest`: activations of earlier cells are forgotten.
    pub fn begin(&mut self, kernels: &Kernels, net: usize, offsets: &Offsets, longest: usize) {
        let net = &kernels.nets[net];
        let Some(wires) = &net.wires else { return };
        self.all.resize(wires.n_lanes(), Row::ZERO);
        let span = offsets.around.iter().map(|o| o.unsigned_abs() as usize).max().unwrap_or(0);
        let n_planes = match kernels.level {
            Level::Plain => crate::kernel::causal_conv::n_planes(&net.net),
            _ => wires.n_planes(),
        };
        self.cache.begin(n_planes, span, longest);
    }
}
