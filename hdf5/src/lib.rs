//! chunk of an HDF5 dataset ⇄ chunk of Collapsar (FORMAT.md, sections 11 and 13), as a filter that HDF5 loads
//!
//! HDF5 finds this library in HDF5_PLUGIN_PATH and asks for `H5PLget_plugin_info`. From then on it calls three functions:
//!
//! ```text
//! can_apply   a dataset is to be made: is it of numbers that can be coded?        prelude.rs
//! set_local   dtype, fill value and shape of the chunks go into cd_values         prelude.rs, cd_values.rs
//! filter      one chunk is written, or read                                       filter.rs, coding.rs
//! ```
//!
//! HDF5 is not linked: a process may have several, and each is asked through its own functions (library.rs).

mod cd_values;
mod coding;
mod filter;
mod library;
mod prelude;

use library::{FilterId, Hid};
use std::ffi::{c_char, c_int, c_uint, c_void};

/// Of the range that is free for private use: The HDF Group has registered none yet.
pub const FILTER: FilterId = 32768;

/// `H5Z_class2_t`.
#[repr(C)]
pub struct Class {
    version: c_int,
    id: FilterId,
    encoder_present: c_uint,
    decoder_present: c_uint,
    name: *const c_char,
    can_apply: extern "C" fn(Hid, Hid, Hid) -> c_int,
    set_local: extern "C" fn(Hid, Hid, Hid) -> c_int,
    filter: unsafe extern "C" fn(c_uint, usize, *const c_uint, usize, *mut usize, *mut *mut c_void) -> usize,
}

// SAFETY: nothing of it ever changes, and the name is a literal.
unsafe impl Sync for Class {}

static CLASS: Class = Class {
    version: 1,
    id: FILTER,
    encoder_present: 1,
    decoder_present: 1,
    name: c"collapsar: neural compression of scientific arrays".as_ptr(),
    can_apply: prelude::can_apply,
    set_local: prelude::set_local,
    filter: filter::filter,
};

/// `H5PL_TYPE_FILTER`.
// SAFETY: HDF5 gives this name its meaning, and nothing else in this library has it.
#[unsafe(no_mangle)]
pub extern "C" fn H5PLget_plugin_type() -> c_int {
    0
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn H5PLget_plugin_info() -> *const c_void {
    (&raw const CLASS).cast()
}
