//! One chunk of 512 × 512 u16 through the filter, as HDF5 calls it, and through the library: the difference is what the door takes.
//!
//!     cargo run --release --example speed -- target/release/libcollapsar_hdf5.so

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::search::choice::Choice;
use collapsar::internals::codec::search::level::Level;
use collapsar::internals::threads::work_on;
use collapsar::internals::{Decoding, Options, decode_chunk_into, encode_chunk};
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::time::Instant;
use std::{env, mem, slice};

const SIDE: u32 = 512;
const N_BYTES: usize = 2 * (SIDE * SIDE) as usize;
const REVERSE: c_uint = 0x100;
const N_TIMES: usize = 9;

type Filter = unsafe extern "C" fn(c_uint, usize, *const c_uint, usize, *mut usize, *mut *mut c_void) -> usize;

/// `H5Z_class2_t`.
#[repr(C)]
struct Class {
    numbers: [c_int; 4],
    name: *const c_char,
    before: [*const c_void; 2],
    filter: Filter,
}

fn main() {
    let path = env::args().nth(1).expect("the path of the filter");
    let filter = load(&path);
    let samples = frame();
    for level in [1, 3, 5, 7] {
        let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![SIDE.into(); 2] };
        let model = Choice::Level(Level::new(level).expect("a level"));
        let options = Options { model, ..Options::default() };
        let chunk = work_on(1, || encode_chunk(&samples, &ty, &options)).expect("a chunk");
        let mut back = vec![0; N_BYTES];
        let library = [
            median(|| work_on(1, || mem::drop(encode_chunk(&samples, &ty, &options)))),
            median(|| work_on(1, || mem::drop(decode_chunk_into(&chunk, &Decoding::default(), &mut back)))),
        ];
        let values = [1, level.into(), 0, 0, 0, 0, 3, 0, 0, 0, 2, SIDE, SIDE];
        assert_eq!(through(filter, 0, &values, &samples), chunk);
        assert_eq!(through(filter, REVERSE, &values, &chunk), samples);
        let filtered = [
            median(|| mem::drop(through(filter, 0, &values, &samples))),
            median(|| mem::drop(through(filter, REVERSE, &values, &chunk))),
        ];
        let ratio = N_BYTES as f64 / chunk.len() as f64;
        println!(
            "level {level}: ratio {ratio:.3}, library {:.2} + {:.2} ms, filter {:.2} + {:.2} ms (write + read, 1 thread)",
            library[0], library[1], filtered[0], filtered[1]
        );
    }
}

fn load(path: &str) -> Filter {
    let path = CString::new(path).expect("a path without zeros");
    // SAFETY: the library is the filter of this crate, and its function gives a class that lives as long as the library is loaded.
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        assert!(!library.is_null(), "{path:?} cannot be loaded: it needs a slash");
        let info = libc::dlsym(library, c"H5PLget_plugin_info".as_ptr());
        assert!(!info.is_null(), "{path:?} is no filter");
        let info = mem::transmute::<*mut c_void, extern "C" fn() -> *const Class>(info);
        (*info()).filter
    }
}

/// As HDF5 calls it, with copies into and out of C's heap.
fn through(filter: Filter, flags: c_uint, values: &[u32], bytes: &[u8]) -> Vec<u8> {
    // SAFETY: the buffer is malloc's and as long as is said.
    unsafe {
        let mut buffer = libc::malloc(bytes.len());
        let mut size = bytes.len();
        buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        let n = filter(flags, values.len(), values.as_ptr(), bytes.len(), &mut size, &mut buffer);
        let out = slice::from_raw_parts(buffer.cast::<u8>(), n).to_vec();
        libc::free(buffer);
        out
    }
}

/// Milliseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..N_TIMES).map(time).collect();
    times.sort_by(f64::total_cmp);
    times[N_TIMES / 2]
}

/// A slope with noise of some bits, the same each time.
fn frame() -> Vec<u8> {
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (0..4).map(|i| (state >> (32 + 8 * i)) as u8 as i32 % 12).sum::<i32>()
    };
    let sample = |i: u32| (1000 + i % SIDE / 9 + i / SIDE / 5) as i32 + noise();
    (0..SIDE * SIDE).map(sample).flat_map(|v| (v as u16).to_le_bytes()).collect()
}
