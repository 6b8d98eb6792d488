//! Memory is bounded by what is in flight, never by the image: a base, and a share per thread.

use super::say;
use collapsar::{Error, Result};

/// Bands in flight, planes that are looked at, statistics.
const BASE_BYTES: u64 = 500 << 20;
/// A tile being coded, with its arenas and symbols.
const THREAD_BYTES: u64 = 16 << 20;

/// What a run may take at most.
pub fn estimate(n_threads: usize) -> u64 {
    BASE_BYTES + THREAD_BYTES * n_threads as u64
}

pub fn check(most: u64, n_threads: usize) -> Result<()> {
    let needed = estimate(n_threads);
    if needed <= most {
        return Ok(());
    }
    let remedy = if most >= estimate(1) { "take fewer threads with -T, or allow more" } else { "allow more" };
    Err(Error::limit(format!(
        "{n_threads} threads may take {} and -M allows {}: {remedy}",
        say::bytes(needed),
        say::bytes(most)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_enough_and_a_byte_less_is_not() {
        assert_eq!(check(estimate(4), 4), Ok(()));
        assert_eq!(check(estimate(4) - 1, 4).unwrap_err().kind, collapsar::Kind::Limit);
    }
}
