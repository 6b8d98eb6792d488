//! A way to code an array, while it is being chosen.

use crate::array::ArrayType;
use crate::codec::array::head::{Head, Spec};
use crate::codec::array::reference::Reference;
use crate::error::Result;
use crate::grid::Layout;
use crate::kernel::MAX_INT;
use crate::sample::Map;
use crate::tile::coder::{CellCoder, Coder};
use crate::tile::runtime::Runtime;
use std::sync::Arc;

#[derive(Clone)]
pub struct Draft {
    pub ty: ArrayType,
    pub label: String,
    pub map: Map,
    pub layout: Layout,
    pub common: Vec<u8>,
    pub n_previous: usize,
    pub key_interval: usize,
    pub references: Vec<Reference>,
    pub coder: Coder<Arc<Runtime>>,
}

/// How planes are cut and what they see: their 2×2 phases or not, and so many planes before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    pub n_phases: usize,
    pub n_previous: usize,
}

impl Prediction {
    pub const PLAIN: Prediction = Prediction { n_phases: 1, n_previous: 0 };
}

/// Whether nets can code the ints of a map, and tables of counts.
pub fn is_for_networks(map: &Map) -> bool {
    map.n_limbs() == 1 && (1..=MAX_INT as u32).contains(&map.max_int(0))
}

impl Draft {
    /// By classic modes.
    pub fn plain(ty: &ArrayType, label: &str, map: &Map, (n_planes, h, w): (usize, usize, usize)) -> Draft {
        Draft {
            ty: ty.clone(),
            label: label.to_string(),
            map: map.clone(),
            layout: Layout::usual(n_planes, h, w, map.n_limbs(), 1),
            common: Vec::new(),
            n_previous: 0,
            key_interval: 0,
            references: Vec::new(),
            coder: Coder::Classic,
        }
    }

    pub fn head(&self) -> Result<Head> {
        let Draft { ty, label, map, layout, common, n_previous, key_interval, references, coder } = self.clone();
        Head::new(Spec { ty, label, map, layout, common, n_previous, key_interval, references, coder: coder.named() })
    }

    pub fn prediction(&self) -> Prediction {
        Prediction { n_phases: self.layout.n_phases, n_previous: self.n_previous }
    }

    /// Its network.
    pub fn cells(&self) -> Option<&CellCoder<Arc<Runtime>>> {
        self.coder.cells()
    }

    pub fn n_samples(&self) -> usize {
        self.layout.n_planes * self.layout.h * self.layout.w
    }
}
