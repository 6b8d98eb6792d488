//! A signal: the temporary that is being written goes, then the process, with the code that a shell shows for it.
//!
//! What is ignored when we come stays ignored: SIGHUP under `nohup`, SIGINT of what a script put into the background. A file that grows
//! beyond `ulimit -f` is an error of the write, and no signal that ends us.

use collapsar::internals::Result;
use collapsar::internals::atomic::Output;
use std::path::PathBuf;
#[cfg(unix)]
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A shell shows a process that signal n ended as this + n.
const ENDED_BY: i32 = 128;
/// The same of one that wrote to a pipe which nobody reads: SIGPIPE is 13.
const BROKEN_PIPE: i32 = ENDED_BY + 13;
static PARTIAL: Mutex<Option<PathBuf>> = Mutex::new(None);

/// How the process ends by SIGTERM.
#[cfg(unix)]
static ENDED_BY_TERM: AtomicI32 = AtomicI32::new(ENDED_BY + 15);
/// EX_TEMPFAIL of sysexits.h: try again.
#[cfg(unix)]
const AGAIN: i32 = 75;

/// Whether a file has grown beyond `ulimit -f`; the write that did it says so as well.
#[cfg(unix)]
static TOO_LARGE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[cfg(unix)]
pub fn leave_nothing_behind() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXCPU, SIGXFSZ};
    // without a handler the write would end us, with one it fails
    let _ = signal_hook::flag::register(SIGXFSZ, &TOO_LARGE);
    let heard = [SIGHUP, SIGINT, SIGTERM, SIGXCPU].into_iter().filter(|signal| !is_ignored(*signal));
    let Ok(mut signals) = signal_hook::iterator::Signals::new(heard) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(if signal == SIGTERM { ENDED_BY_TERM.load(Relaxed) } else { ENDED_BY + signal });
        }
    });
}

/// Where the system does not say it, SIGHUP is left alone: a job under `nohup` outlives its terminal.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.map_or(signal == signal_hook::consts::SIGHUP, |mask| mask >> (signal - 1) & 1 == 1)
}

/// Where another handler stands already it is left in peace.
#[cfg(not(unix))]
pub fn leave_nothing_behind() {
    let _ = ctrlc::try_set_handler(|| end(ENDED_BY + 2));
}

/// From now on SIGTERM says to whoever started the process that it may be started again.
#[cfg(unix)]
pub fn ask_to_be_run_again() {
    ENDED_BY_TERM.store(AGAIN, Relaxed);
}

#[cfg(not(unix))]
pub fn ask_to_be_run_again() {}

/// Ends the process because nobody reads what it writes: no word, as `cat`.
pub fn end_by_broken_pipe() -> ! {
    end(BROKEN_PIPE)
}

/// While the lock is held no new temporary comes.
fn end(code: i32) -> ! {
    let mut partial = lock();
    remove(&mut partial);
    std::process::exit(code)
}

/// Does not come back while a signal ends the process: what fails because its temporary was removed is no error to tell.
pub fn wait_while_ending() {
    drop(lock());
}

/// Creates what goes away when the process has to, before it is `committed`.
pub fn create(output: impl FnOnce() -> Result<Output>) -> Result<Output> {
    let mut partial = lock();
    let output = output()?;
    *partial = Some(output.temporary().to_owned());
    Ok(output)
}

/// The last temporary has its final name.
pub fn committed() {
    *lock() = None;
}

/// Does what belongs together: a signal waits for its end. The last temporary has its final name then, or is gone.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let mut partial = lock();
    let done = work();
    *partial = None;
    done
}

pub fn remove_partial() {
    remove(&mut lock());
}

fn remove(partial: &mut Option<PathBuf>) {
    if let Some(path) = partial.take() {
        let _ = std::fs::remove_file(path); // it may have its final name already, or be gone
    }
}

fn lock() -> MutexGuard<'static, Option<PathBuf>> {
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_waits_while_a_signal_ends_the_process() {
        let ending = lock();
        let error = std::thread::spawn(wait_while_ending);
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!error.is_finished());
        drop(ending);
        error.join().unwrap();
    }
}
