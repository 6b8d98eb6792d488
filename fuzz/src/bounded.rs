//! live bytes ≤ limit, or abort
//!
//! libFuzzer's own limits look at the process once a second, or need a sanitizer; this one sees every allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub struct Bounded {
    live: AtomicUsize,
    limit: usize,
}

impl Bounded {
    pub const fn new(limit: usize) -> Bounded {
        Bounded { live: AtomicUsize::new(0), limit }
    }

    fn take(&self, n: usize) {
        let live = self.live.fetch_add(n, Relaxed) + n;
        if live > self.limit {
            self.live.store(0, Relaxed); // the message below allocates
            panic!("{live} bytes are held, {n} of them just asked for: {} are allowed", self.limit);
        }
    }
}

// SAFETY: every call goes to the system's allocator as it came; only a counter is kept beside it.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.take(size);
        self.live.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}
