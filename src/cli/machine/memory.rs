//! -M is held twice: batches shrink to it (`codec/memory`), and during the work the peak that the system reports (Linux) is looked at.

use crate::cli::talk::print;
use collapsar::internals::{Error, Memory, Result};
use std::fs;
use std::sync::OnceLock;

static ALLOWED: OnceLock<Memory> = OnceLock::new();
/// What a process takes before any work, where the system does not say it.
const TAKEN: u64 = 32 << 20;

/// Sets what may be taken; an error where no job could do with it.
pub fn allow(most: u64) -> Result<()> {
    let memory = Memory { most: Some(most), taken: peak().unwrap_or(TAKEN) };
    memory.check_least()?;
    ALLOWED.get_or_init(|| memory);
    Ok(())
}

pub fn allowed() -> Memory {
    ALLOWED.get().copied().unwrap_or_default()
}

/// Stops a run that has taken more than -M allows.
pub fn watch() -> Result<()> {
    let Some(most) = allowed().most else { return Ok(()) };
    peak().map_or(Ok(()), |peak| within(peak, most))
}

fn within(peak: u64, most: u64) -> Result<()> {
    if peak <= most {
        return Ok(());
    }
    Err(Error::limit(format!(
        "{} have been taken and -M allows {}: allow more",
        print::bytes(peak),
        print::bytes(most)
    )))
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
    fn a_run_that_took_what_is_allowed_goes_on_and_a_byte_more_ends_it() {
        assert_eq!(within(1 << 30, 1 << 30), Ok(()));
        assert_eq!(within((1 << 30) + 1, 1 << 30).unwrap_err().kind, collapsar::internals::ErrorKind::Limit);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_what_was_held() {
        let before = peak().unwrap();
        let held = std::hint::black_box(vec![1u8; (before as usize + (64 << 20)).next_multiple_of(4096)]);
        assert!(peak().unwrap() >= held.len() as u64, "{} after {before}", peak().unwrap());
    }
}
