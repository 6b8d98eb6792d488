//! One chunk, written or read: HDF5's buffer goes in, another takes its place. 0 says that it did not work, and why is on the error
//! stack; where the filter is optional HDF5 then stores the chunk as it is.
//!
//! Nothing panics into the host, and no thread is started unless COLLAPSAR_THREADS asks for it: hosts fork, or run a process per core.

use crate::coding::Coding;
use crate::library::Hdf5;
use collapsar::internals::threads::work_on;
use collapsar::internals::{Error, Result};
use std::env;
use std::ffi::{c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::LazyLock;

const OPTIONAL: c_uint = 1;
const REVERSE: c_uint = 0x100;
const FAILED: usize = 0;

static N_THREADS: LazyLock<usize> =
    LazyLock::new(|| env::var("COLLAPSAR_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1));

/// # Safety
/// As HDF5 calls it: `values` has `n_values` words, `*buffer` is memory of malloc with `n_bytes` bytes.
pub unsafe extern "C" fn filter(
    flags: c_uint,
    n_values: usize,
    values: *const c_uint,
    n_bytes: usize,
    buffer_size: *mut usize,
    buffer: *mut *mut c_void,
) -> usize {
    // SAFETY: what HDF5 gives is as its headers say, and stays there until this returns.
    let (values, given) = unsafe { (bytes_at(values, n_values), bytes_at((*buffer).cast::<u8>(), n_bytes)) };
    let made = guarded(|| {
        work_on(*N_THREADS, || if flags & REVERSE == 0 { write(flags, values, given) } else { read(values, given) })
    });
    match made {
        Ok(made) => {
            let n_bytes = made.n_bytes;
            // SAFETY: the buffer is malloc's and nobody else's; what takes its place is malloc's, too, and HDF5 frees it.
            unsafe {
                libc::free(*buffer);
                (*buffer, *buffer_size) = (made.into_raw(), n_bytes);
            }
            n_bytes
        }
        Err(error) => {
            if flags & (OPTIONAL | REVERSE) != OPTIONAL
                && let Some(hdf5) = Hdf5::that_calls()
            {
                hdf5.push(c"H5E_CANTFILTER_g", &error.to_string());
            }
            FAILED
        }
    }
}

fn write(flags: c_uint, values: &[u32], samples: &[u8]) -> Result<Memory> {
    let chunk = Coding::of(values)?.encode(samples)?;
    if flags & OPTIONAL != 0 && chunk.len() >= samples.len() {
        return Err(Error::argument("as large as it was: HDF5 keeps it as it is"));
    }
    let mut out = Memory::of(chunk.len())?;
    out.bytes().copy_from_slice(&chunk);
    Ok(out)
}

fn read(values: &[u32], chunk: &[u8]) -> Result<Memory> {
    let coding = Coding::of(values)?;
    let mut out = Memory::of(coding.n_bytes()?)?;
    coding.decode(chunk, out.bytes())?;
    Ok(out)
}

/// A panic is a bug, and an error for the host.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::verify("a bug of this filter, please report it")))
}

/// # Safety
/// `at` has `n` values that stay there as long as the slice is used; it may be null where there are none.
unsafe fn bytes_at<'a, T>(at: *const T, n: usize) -> &'a [T] {
    if n == 0 || at.is_null() {
        return &[];
    }
    // SAFETY: that is what the caller says.
    unsafe { slice::from_raw_parts(at, n) }
}

/// Zeros from C's heap.
struct Memory {
    at: *mut c_void,
    n_bytes: usize,
}

// SAFETY: nobody else has the address, and C's heap serves all threads.
unsafe impl Send for Memory {}

impl Memory {
    fn of(n_bytes: usize) -> Result<Memory> {
        // SAFETY: any size may be asked for.
        let at = unsafe { libc::calloc(n_bytes.max(1), 1) };
        if at.is_null() {
            return Err(Error::limit(format!("no memory for a chunk of {n_bytes} bytes")));
        }
        Ok(Memory { at, n_bytes })
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: calloc gave so many bytes, and they are zeros.
        unsafe { slice::from_raw_parts_mut(self.at.cast(), self.n_bytes) }
    }

    fn into_raw(self) -> *mut c_void {
        let at = self.at;
        std::mem::forget(self);
        at
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it is calloc's, and not yet HDF5's.
        unsafe { libc::free(self.at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = guarded(|| work_on(1, || -> Result<()> { panic!("on purpose") })).unwrap_err();
        assert!(error.message.contains("a bug of this filter"));
    }

    /// HDF5 has no business in this test: without one that called, nothing is said, and nothing breaks.
    #[test]
    fn a_buffer_is_replaced_only_where_it_worked() {
        let values = [1, 2, 0, 0, 0, 0, 3, 0, 0, 0, 2, 16, 16];
        let samples: Vec<u8> = (0..512).map(|i| (i / 50) as u8).collect();
        // SAFETY: as HDF5 would call it.
        unsafe {
            let mut buffer = libc::malloc(512);
            let mut size = 512;
            buffer.cast::<u8>().copy_from_nonoverlapping(samples.as_ptr(), 512);
            let before = buffer;
            assert_eq!(filter(0, 6, values.as_ptr(), 512, &mut size, &mut buffer), FAILED);
            assert_eq!((buffer, size), (before, 512));
            let n = filter(0, values.len(), values.as_ptr(), 512, &mut size, &mut buffer);
            assert!(n > 0 && n < 512 && size == n);
            assert_eq!(filter(REVERSE, values.len(), values.as_ptr(), n - 1, &mut size, &mut buffer), FAILED);
            assert_eq!(filter(REVERSE, values.len(), values.as_ptr(), n, &mut size, &mut buffer), 512);
            assert_eq!(bytes_at(buffer.cast::<u8>(), 512), samples);
            libc::free(buffer);
        }
    }
}
