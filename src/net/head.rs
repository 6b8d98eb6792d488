//! What the outputs of a net's last layer say of the int that comes.

use super::MAX_K;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// A mixture of `k` logistics: their weights' logits, locations, log2 scales.
    Mixture { k: usize },
    /// One of some twenty thousand fixed tables: location, log2 scale, tail, skew (`kernel::table`).
    Table,
}

impl Head {
    pub const TABLE_OUTPUTS: usize = 4;

    pub fn n_outputs(self) -> usize {
        match self {
            Head::Mixture { k } => 3 * k,
            Head::Table => Head::TABLE_OUTPUTS,
        }
    }

    /// Logistics of a mixture; 0 of a table.
    pub fn k(self) -> usize {
        match self {
            Head::Mixture { k } => k,
            Head::Table => 0,
        }
    }

    pub(super) fn is_possible(self) -> bool {
        match self {
            Head::Mixture { k } => (1..=MAX_K).contains(&k),
            Head::Table => true,
        }
    }
}
