//! sums[o][cell] = Σₖ w[o][k] · x[k][cell] in tiles of 16 outputs × 64 inputs × 16 cells, one instruction each.
//!
//! The packed inputs, four to a lane, are already what the instruction wants: sixteen rows of a tile are sixteen lanes of inputs. Weights
//! are padded with zeros to whole tiles, so that what stands behind the inputs does not matter. The rest of the level is AVX-512.

use super::pack::{Packed, Row};
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

    /// The sums of all outputs of a layer, without bias, for both vectors of cells.
    #[inline(always)]
    pub fn multiply(&self, layer: &Packed, x: &[Row], sums: &mut [Row]) {
        let n_k = layer.n_k.div_ceil(SIDE);
        let n_o = layer.n_out.div_ceil(SIDE);
        let (x, sums) = (&x[..n_k * SIDE], &mut sums[..n_o * SIDE]);
        let weights = &layer.tiles[..n_o * n_k];
        for (weights, sums) in weights.chunks(2 * n_k).zip(sums.chunks_mut(2 * SIDE)) {
            let (x, w, y, row) = (x.as_ptr(), weights.as_ptr(), sums.as_mut_ptr(), size_of::<Row>());
            if sums.len() == 2 * SIDE {
                // SAFETY: the tiles are shaped, as `self` exists. x is n_k × 16 rows of 128 bytes, w twice n_k tiles of 1024 bytes,
                // y 32 rows; the loop reads and writes just these. The tile registers are nobody else's.
                unsafe {
                    asm!(
                        "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                        "2:",
                        "tileloadd tmm6, [{x} + {row}]",
                        "tileloadd tmm4, [{w} + {side}]",
                        "tdpbsud tmm0, tmm4, tmm6",
                        "tileloadd tmm7, [{x} + {row} + 64]",
                        "tdpbsud tmm1, tmm4, tmm7",
                        "tileloadd tmm5, [{second} + {side}]",
                        "tdpbsud tmm2, tmm5, tmm6",
                        "tdpbsud tmm3, tmm5, tmm7",
                        "add {x}, 2048", "add {w}, 1024", "add {second}, 1024",
                        "dec {n}",
                        "jnz 2b",
                        "tilestored [{y} + {row}], tmm0",
                        "tilestored [{y} + {row} + 64], tmm1",
                        "tilestored [{y} + {row} + 2048], tmm2",
                        "tilestored [{y} + {row} + 2112], tmm3",
                        x = inout(reg) x => _, w = inout(reg) w => _, second = inout(reg) w.add(n_k) => _,
                        n = inout(reg) n_k => _, y = in(reg) y, row = in(reg) row, side = in(reg) 64usize,
                        options(nostack)
                    );
                }
            } else {
                // SAFETY: as above, with n_k tiles of weights and 16 rows of sums.
                unsafe {
                    asm!(
                        "tilezero tmm0", "tilezero tmm1",
                        "2:",
                        "tileloadd tmm6, [{x} + {row}]",
                        "tileloadd tmm4, [{w} + {side}]",
                        "tdpbsud tmm0, tmm4, tmm6",
                        "tileloadd tmm7, [{x} + {row} + 64]",
                        "tdpbsud tmm1, tmm4, tmm7",
                        "add {x}, 2048", "add {w}, 1024",
                        "dec {n}",
                        "jnz 2b",
                        "tilestored [{y} + {row}], tmm0",
                        "tilestored [{y} + {row} + 64], tmm1",
                        x = inout(reg) x => _, w = inout(reg) w => _,
                        n = inout(reg) n_k => _, y = in(reg) y, row = in(reg) row, side = in(reg) 64usize,
                        options(nostack)
                    );
                }
            }
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
