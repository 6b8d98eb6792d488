//! The functions of the HDF5 library that called us
//!
//! A Python process may have three: h5py's, netCDF4's, the system's. Their names are the same, their handles are not. So the
//! stack is looked at: the nearest caller that lies in a library with these names is it. `hid_t` has 64 bits from 1.10 on.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::mem;
use std::ptr;

pub type Hid = i64;
pub type FilterId = c_int;

const OLDEST: (c_uint, c_uint) = (1, 10);
/// Callers that are looked at: ours, and HDF5's.
const MAX_CALLERS: usize = 32;
const DEFAULT_STACK: Hid = 0;

macro_rules! functions {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {
        /// Functions of one HDF5, by the names that they have there.
        #[allow(non_snake_case)]
        pub struct Hdf5 {
            library: *mut c_void,
            $(pub $name: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Hdf5 {
            fn of(library: *mut c_void) -> Option<Hdf5> {
                Some(Hdf5 {
                    library,
                    $($name: {
                        let name = CString::new(stringify!($name)).expect("a name has no zero");
                        // SAFETY: the names and types are those of HDF5's public headers, 1.10 to 2.x.
                        unsafe { mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) -> $result>(symbol(library, &name)?) }
                    },)*
                })
            }
        }
    };
}

functions! {
    H5get_libversion(*mut c_uint, *mut c_uint, *mut c_uint) -> c_int;
    H5Tget_class(Hid) -> c_int;
    H5Tget_size(Hid) -> usize;
    H5Tget_sign(Hid) -> c_int;
    H5Tget_order(Hid) -> c_int;
    H5Tget_fields(Hid, *mut usize, *mut usize, *mut usize, *mut usize, *mut usize) -> c_int;
    H5Tget_ebias(Hid) -> usize;
    H5Pget_chunk(Hid, c_int, *mut u64) -> c_int;
    H5Pget_nfilters(Hid) -> c_int;
    H5Pget_filter2(Hid, c_uint, *mut c_uint, *mut usize, *mut c_uint, usize, *mut c_char, *mut c_uint) -> FilterId;
    H5Pmodify_filter(Hid, FilterId, c_uint, usize, *const c_uint) -> c_int;
    H5Pfill_value_defined(Hid, *mut c_int) -> c_int;
    H5Pget_fill_value(Hid, Hid, *mut c_void) -> c_int;
}

/// `H5Epush2`, whose last arguments are those of `printf`.
type Push = unsafe extern "C" fn(Hid, *const c_char, *const c_char, c_uint, Hid, Hid, Hid, *const c_char, ...) -> c_int;

impl Hdf5 {
    /// None where no HDF5 of 1.10 or newer called.
    pub fn that_calls() -> Option<Hdf5> {
        let found = callers().into_iter().map(library_of).filter(|library| !library.is_null()).find_map(Hdf5::of);
        let found = found.or_else(|| Hdf5::of(libc::RTLD_DEFAULT))?;
        let (mut major, mut minor, mut release) = (0, 0, 0);
        // SAFETY: three numbers are written to where there is room for them.
        let status = unsafe { (found.H5get_libversion)(&mut major, &mut minor, &mut release) };
        (status >= 0 && (major, minor) >= OLDEST).then_some(found)
    }

    /// Puts a sentence onto the error stack, where `h5dump --enable-error-stack` and h5py find it.
    pub fn push(&self, kind: &CStr, sentence: &str) {
        let constant = |name: &CStr| {
            let at = symbol(self.library, name)?;
            // SAFETY: the `H5E_…_g` are variables of the type hid_t.
            Some(unsafe { *at.cast::<Hid>() })
        };
        let ids = [c"H5E_ERR_CLS_g", c"H5E_PLINE_g", kind].map(constant);
        let ([Some(class), Some(major), Some(minor)], Some(push)) = (ids, symbol(self.library, c"H5Epush2")) else {
            return;
        };
        let Ok(sentence) = CString::new(sentence) else { return };
        let (file, function) = (c"collapsar".as_ptr(), c"filter".as_ptr());
        // SAFETY: the type is that of HDF5's public headers; the format takes one string, and HDF5 keeps copies.
        unsafe {
            let push = mem::transmute::<*mut c_void, Push>(push);
            push(DEFAULT_STACK, file, function, 0, class, major, minor, c"collapsar: %s".as_ptr(), sentence.as_ptr());
        }
    }
}

/// Addresses to which the functions on the stack return, the nearest first.
#[cfg(any(target_env = "gnu", target_vendor = "apple"))]
fn callers() -> Vec<*mut c_void> {
    let mut addresses = [ptr::null_mut(); MAX_CALLERS];
    // SAFETY: no more addresses are written than there is room for.
    let n = unsafe { libc::backtrace(addresses.as_mut_ptr(), MAX_CALLERS as c_int) };
    addresses[..usize::try_from(n).unwrap_or(0)].to_vec()
}

#[cfg(not(any(target_env = "gnu", target_vendor = "apple")))]
fn callers() -> Vec<*mut c_void> {
    Vec::new()
}

/// The loaded library that an address lies in. It stays loaded: it is running.
fn library_of(address: *mut c_void) -> *mut c_void {
    // SAFETY: the struct is one of pointers, for which zeros are a value; dladdr writes it, and its name is a string that stays as
    // long as the library does. A library that is there already runs no code when it is opened again.
    unsafe {
        let mut info: libc::Dl_info = mem::zeroed();
        if libc::dladdr(address, &mut info) == 0 || info.dli_fname.is_null() {
            return ptr::null_mut();
        }
        let library = libc::dlopen(info.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD);
        if !library.is_null() {
            libc::dlclose(library);
        }
        library
    }
}

fn symbol(library: *mut c_void, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the library is one that is loaded, or RTLD_DEFAULT; the name ends with a zero.
    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}
