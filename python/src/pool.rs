//! One pool of threads for all that is coded in a process. A child that was forked has none of its parent's threads: it starts its own.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, Mutex, PoisonError};

/// The pool, and how many threads were asked for; 0 is one per core.
struct Threads {
    wanted: usize,
    pool: Option<Arc<ThreadPool>>,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { wanted: 0, pool: None });
/// More threads gain nothing, and each takes memory.
const MOST: usize = 1024;

pub fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &threads.pool {
        return Ok(pool.clone());
    }
    let built = ThreadPoolBuilder::new().num_threads(threads.wanted).build();
    let pool = Arc::new(built.map_err(|e| PyRuntimeError::new_err(format!("threads cannot be started: {e}")))?);
    threads.pool = Some(pool.clone());
    Ok(pool)
}

/// Work that begins after this has so many threads.
#[pyfunction]
pub fn set_threads(n: usize) -> PyResult<()> {
    if n > MOST {
        return Err(PyValueError::new_err(format!("{n} threads: {MOST} at most")));
    }
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    *threads = Threads { wanted: n, pool: None };
    Ok(())
}

#[pyfunction]
pub fn n_threads() -> PyResult<usize> {
    Ok(pool()?.current_num_threads())
}

/// In a child that was forked: the threads are the parent's, and waiting for them would never end.
#[pyfunction]
pub fn forget_threads() {
    if let Ok(mut threads) = THREADS.try_lock() {
        std::mem::forget(threads.pool.take());
    }
}
