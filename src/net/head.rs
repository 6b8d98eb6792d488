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

    /// log2 of the steps that an integer output has in one of its unit: octaves, local scales, tails, skews.
    pub const fn log2_steps(self, output: usize) -> u32 {
        match self {
            Head::Mixture { k } if k <= output && output < 2 * k => 7,
            Head::Mixture { .. } => 8,
            Head::Table => [7, 8, 5, 6][output],
        }
    }

    pub(super) fn is_possible(self) -> bool {
        match self {
            Head::Mixture { k } => (1..=MAX_K).contains(&k),
            Head::Table => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn locations_are_told_in_steps_of_128_and_scales_in_steps_of_256() {
        let steps = |head: Head| (0..head.n_outputs()).map(|output| head.log2_steps(output)).collect::<Vec<_>>();
        assert_eq!(steps(Head::Mixture { k: 2 }), [8, 8, 7, 7, 8, 8]);
        assert_eq!(steps(Head::Table), [7, 8, 5, 6]);
    }
}
