//! Memory is bounded by what is in flight, never by the image: a base, and a share per thread.
//!
//! -M is held twice: against this estimate before the work, and against the peak that the system reports (Linux) during it.

use super::say;
use collapsar::{Error, Result};
use std::fs;
use std::sync::OnceLock;

/// What -M allows.
static MOST: OnceLock<u64> = OnceLock::new();

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
        MOST.get_or_init(|| most);
        return Ok(());
    }
    let remedy = if most >= estimate(1) { "take fewer threads with -T, or allow more" } else { "allow more" };
    Err(Error::limit(format!(
        "{n_threads} threads may take {} and -M allows {}: {remedy}",
        say::bytes(needed),
        say::bytes(most)
    )))
}

/// Stops a run that has taken more than -M allows.
pub fn watch() -> Result<()> {
    match (MOST.get(), MOST.get().and_then(|_| peak())) {
        (Some(&most), Some(peak)) => within(peak, most),
        _ => Ok(()),
    }
}

fn within(peak: u64, most: u64) -> Result<()> {
    if peak <= most {
        return Ok(());
    }
    Err(Error::limit(format!("{} have been taken and -M allows {}: allow more", say::bytes(peak), say::bytes(most))))
}

/// The most memory that this process has held, where the system says so.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))?;
    Some(kib.parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_enough_and_a_byte_less_is_not() {
        assert_eq!(check(estimate(4), 4), Ok(()));
        assert_eq!(check(estimate(4) - 1, 4).unwrap_err().kind, collapsar::Kind::Limit);
    }

    #[test]
    fn a_run_that_took_what_is_allowed_goes_on_and_a_byte_more_ends_it() {
        assert_eq!(within(1 << 30, 1 << 30), Ok(()));
        assert_eq!(within((1 << 30) + 1, 1 << 30).unwrap_err().kind, collapsar::Kind::Limit);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_what_was_held() {
        let before = peak().unwrap();
        let held = std::hint::black_box(vec![1u8; (before as usize + (64 << 20)).next_multiple_of(4096)]);
        assert!(peak().unwrap() >= held.len() as u64, "{} after {before}", peak().unwrap());
    }
}
