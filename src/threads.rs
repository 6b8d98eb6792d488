//! Work on as many threads as a host allows:   one: the caller's own,   more: a pool
//!
//! A host may fork, and a child has none of its parent's threads: work that waits for one would wait for ever. So work of one thread
//! starts none, and a pool belongs to the process that made it. No byte depends on the number.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::process;
use std::sync::{Mutex, PoisonError};

struct Pool {
    of_process: u32,
    threads: &'static ThreadPool,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

thread_local! {
    static IS_ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Runs work on so many threads. A thread that once worked alone works alone from then on, unless more are asked for again.
pub fn work_on<T: Send>(n_threads: usize, work: impl FnOnce() -> T + Send) -> T {
    match pool(n_threads) {
        Some(pool) => pool.install(work),
        None => alone(work),
    }
}

/// None where one thread is enough, or more cannot be had. A pool is kept for ever: threads may be in it.
fn pool(n_threads: usize) -> Option<&'static ThreadPool> {
    if n_threads < 2 {
        return None;
    }
    let mut kept = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Pool { of_process, threads }) = &*kept
        && *of_process == process::id()
        && threads.current_num_threads() == n_threads
    {
        return Some(threads);
    }
    let threads: &'static ThreadPool =
        Box::leak(Box::new(ThreadPoolBuilder::new().num_threads(n_threads).build().ok()?));
    *kept = Some(Pool { of_process: process::id(), threads });
    Some(threads)
}

/// The calling thread becomes a pool of its own. Where it already is a worker of another, that one has the work.
fn alone<T>(work: impl FnOnce() -> T) -> T {
    if !IS_ALONE.replace(true) {
        _ = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::current_num_threads;
    use rayon::prelude::*;
    use std::thread;

    #[test]
    fn one_thread_is_the_callers_and_more_are_a_pool() {
        let before = thread::current().id();
        let seen = || (0..64).into_par_iter().map(|_| thread::current().id()).collect::<Vec<_>>();
        thread::spawn(move || {
            let here = thread::current().id();
            assert!(here != before);
            assert!(work_on(1, seen).iter().all(|id| *id == here));
            assert!(work_on(3, seen).iter().all(|id| *id != here));
            assert_eq!([1, 2, 3, 3].map(|n| work_on(n, current_num_threads)), [1, 2, 3, 3]);
            assert!(work_on(0, seen).iter().all(|id| *id == here));
        })
        .join()
        .unwrap();
    }
}
