//! work → in the pool, without the GIL → its result, or an exception: an error of ours by its kind, a panic as `InternalError`

use crate::pool;
use collapsar::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub fn run<T: Send>(py: Python, work: impl FnOnce() -> Result<T, Error> + Send) -> PyResult<T> {
    let pool = pool::pool()?;
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(|| pool.install(work))));
    match done {
        Ok(done) => done.map_err(|e| raised(py, &e)),
        Err(panic) => Err(exception(py, "InternalError", &told(panic.as_ref()))),
    }
}

/// The same for what takes no time: with the GIL, in this thread.
pub fn at_once<T>(py: Python, work: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| raised(py, &e)),
        Err(panic) => Err(exception(py, "InternalError", &told(panic.as_ref()))),
    }
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("a mistake of ours, please report it: {}", text.unwrap_or("no message"))
}

fn raised(py: Python, error: &Error) -> PyErr {
    let name = match error.kind {
        ErrorKind::Argument => "ArgumentError",
        ErrorKind::Missing | ErrorKind::Io => "FileError",
        ErrorKind::Changed => "ChangedError",
        ErrorKind::Truncated => "TruncatedError",
        ErrorKind::Corrupt => "CorruptError",
        ErrorKind::Unsupported => "UnsupportedError",
        ErrorKind::Limit => "LimitError",
        ErrorKind::Model => "MissingModelError",
        ErrorKind::Device => "DeviceError",
        // a result that is not what it should be is ours, and so is a kind that is not known here
        _ => "InternalError",
    };
    let how = if error.kind == ErrorKind::Model { "; here: weights=FILE" } else { "" };
    exception(py, name, &format!("{error}{how}"))
}

/// One of the classes of `collapsar.errors`.
fn exception(py: Python, name: &str, message: &str) -> PyErr {
    let class = py.import("collapsar.errors").and_then(|module| module.getattr(name));
    match class.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
        Ok(class) => PyErr::from_type(class, message.to_string()),
        Err(e) => e,
    }
}

/// A panic inside the pool: what tests of the border look at.
#[pyfunction]
pub fn panic_for_tests(py: Python) -> PyResult<()> {
    run(py, || panic!("as a test asked"))
}
