//! sums[o][cell] = Σₖ w[o][k] · x[k][cell] in tiles of 16 outputs × 64 inputs × 16 cells, one instruction each.
//!
//! The packed inputs, four to a lane, are already what the instruction wants: sixteen rows of a tile are sixteen lanes of inputs. Weights
//! are padded with zeros to whole tiles, so that what stands behind the inputs does not matter. The rest of the level is AVX-512.

use super::pack::{Packed, Row, Tile};
use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

/// Rows of a tile, and 32-bit lanes of a row.
pub const SIDE: usize = 16;

/// Whether there are tiles of bytes, and this process may use them: their state is so large that Linux wants to be asked.
pub fn is_available() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let leaf = __cpuid_count(7, 0);
        let (amx_tile, amx_int8) = (1 << 24, 1 << 25);
        leaf.edx & amx_tile != 0 && leaf.edx & amx_int8 != 0 && permitted()
    })
}

#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: u64 = 158;
    const REQUEST_PERMISSION: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let answer: u64;
    // SAFETY: this call reads and writes no memory of ours; the kernel leaves all registers but these as they were.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => answer, in("rdi") REQUEST_PERMISSION, in("rsi") TILE_DATA,
             lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// The tile registers of this thread: in use while this lives.
pub struct Tiles(());

impl Tiles {
    /// # Safety
    /// `is_available` has said yes.
    #[inline(always)]
    pub unsafe fn new() -> Tiles {
        const ALL: Shape = Shape {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
            rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        // SAFETY: the caller knows that there are tiles; the shape is one that every AMX machine has, 64 bytes long.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &ALL, options(nostack, readonly, preserves_flags)) };
        Tiles(())
    }

    /// The sums of all outputs of a layer, without bias, for C vectors of cells.
    #[inline(always)]
    pub fn multiply<const C: usize>(&self, layer: &Packed, x: &[Row], sums: &mut [Row]) {
        let n_k = layer.n_k.div_ceil(SIDE);
        let n_o = layer.n_out.div_ceil(SIDE);
        let (x, sums) = (&x[..n_k * SIDE], &mut sums[..n_o * SIDE]);
        let weights = &layer.tiles[..n_o * n_k];
        for (weights, sums) in weights.chunks(2 * n_k).zip(sums.chunks_mut(2 * SIDE)) {
            // an odd row of tiles is computed twice
            let second = weights.len() - n_k;
            let (w, y) = (weights.as_ptr(), sums.as_mut_ptr());
            // SAFETY: the tiles are shaped, as `self` exists. x is n_k × 16 rows of 128 bytes; w, from its begin and from `second`
            // on, n_k tiles of 1024 bytes; y as many times 16 rows as w has n_k tiles. The loops read and write just these.
            unsafe {
                let (w2, y2) = (w.add(second), y.add(sums.len() - SIDE));
                match C {
                    1 => one(n_k, x.as_ptr(), w, w2, y, y2),
                    _ => two(n_k, x.as_ptr(), w, w2, y, y2),
                }
            }
        }
    }
}

/// y = w · x and y2 = w2 · x for the first vector of cells.
///
/// # Safety
/// x are n_k × 16 rows, w and w2 n_k tiles each, y and y2 16 rows each; tiles are shaped and nobody else's.
#[inline(always)]
pub unsafe fn one(n_k: usize, x: *const Row, w: *const Tile, w2: *const Tile, y: *mut Row, y2: *mut Row) {
    // SAFETY: the caller's.
    unsafe {
        show(n_k, (x, w, w2), (y, y2));
        asm!(
            "tilezero tmm0", "tilezero tmm2",
            "2:",
            "tileloadd tmm6, [{x} + {row}]",
            "tileloadd tmm4, [{w} + {side}]",
            "tdpbsud tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{w2} + {side}]",
            "tdpbsud tmm2, tmm5, tmm6",
            "add {x}, 2048", "add {w}, 1024", "add {w2}, 1024",
            "dec {n}",
            "jnz 2b",
            "tilestored [{y} + {row}], tmm0",
            "tilestored [{y2} + {row}], tmm2",
            x = inout(reg) x => _, w = inout(reg) w => _, w2 = inout(reg) w2 => _, n = inout(reg) n_k => _,
            y = in(reg) y, y2 = in(reg) y2, row = in(reg) size_of::<Row>(), side = in(reg) 64usize,
            out("tmm0") _, out("tmm2") _, out("tmm4") _, out("tmm5") _, out("tmm6") _,
            options(nostack)
        );
    }
}

/// The same for both vectors.
///
/// # Safety
/// As for `one`.
#[inline(always)]
unsafe fn two(n_k: usize, x: *const Row, w: *const Tile, w2: *const Tile, y: *mut Row, y2: *mut Row) {
    // SAFETY: the caller's.
    unsafe {
        show(n_k, (x, w, w2), (y, y2));
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            "2:",
            "tileloadd tmm6, [{x} + {row}]",
            "tileloadd tmm4, [{w} + {side}]",
            "tdpbsud tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{x} + {row} + 64]",
            "tdpbsud tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{w2} + {side}]",
            "tdpbsud tmm2, tmm5, tmm6",
            "tdpbsud tmm3, tmm5, tmm7",
            "add {x}, 2048", "add {w}, 1024", "add {w2}, 1024",
            "dec {n}",
            "jnz 2b",
            "tilestored [{y} + {row}], tmm0",
            "tilestored [{y} + {row} + 64], tmm1",
            "tilestored [{y2} + {row}], tmm2",
            "tilestored [{y2} + {row} + 64], tmm3",
            x = inout(reg) x => _, w = inout(reg) w => _, w2 = inout(reg) w2 => _, n = inout(reg) n_k => _,
            y = in(reg) y, y2 = in(reg) y2, row = in(reg) size_of::<Row>(), side = in(reg) 64usize,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        );
    }
}

/// A sanitizer does not see what assembly reads and writes: for it (`.ci/sanitize`) the same bytes are read here. Nothing otherwise.
///
/// # Safety
/// As for `one`.
#[inline(always)]
unsafe fn show(n_k: usize, (x, w, w2): (*const Row, *const Tile, *const Tile), (y, y2): (*mut Row, *mut Row)) {
    if cfg!(collapsar_sanitize) {
        // SAFETY: the caller's.
        unsafe {
            (0..n_k * SIDE).for_each(|i| _ = x.add(i).read_volatile());
            (0..n_k).for_each(|i| _ = (w.add(i).read_volatile(), w2.add(i).read_volatile()));
            (0..SIDE).for_each(|i| _ = (y.add(i).read_volatile(), y2.add(i).read_volatile()));
        }
    }
}

impl Drop for Tiles {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: there are tiles, or `new` would have been wrong; no value of ours is in them.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}
