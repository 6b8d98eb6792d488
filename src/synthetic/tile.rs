//! Ints of a tile. Seeded.

use super::random::Lcg;

/// A sky with noise, a gradient and stars.
pub fn tile(h: usize, w: usize, max: i32) -> Vec<i32> {
    let mut random = Lcg(7);
    let mut ints: Vec<i32> = (0..h * w).map(|i| 1000 + (i / w + i % w) as i32 / 8 + random.bell(8)).collect();
    for _ in 0..h * w / 400 {
        let (y, x, bright) =
            (random.below(h as u32) as usize, random.below(w as u32) as usize, random.below(3000) as i32);
        for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)] {
            ints[(y + dy).min(h - 1) * w + (x + dx).min(w - 1)] += bright >> (dy + dx);
        }
    }
    ints.iter().map(|&int| int.clamp(0, max)).collect()
}

/// Cells of one shade each, on a slope that changes from block to block.
pub fn shades(h: usize, w: usize) -> Vec<i32> {
    let mut random = Lcg(11);
    let cells: Vec<i32> = (0..h.div_ceil(8) * w.div_ceil(8)).map(|_| random.below(2000) as i32).collect();
    (0..h * w)
        .map(|i| cells[i / w / 8 * w.div_ceil(8) + i % w / 8] + 300 * (i / w / 64) as i32 + random.below(9) as i32)
        .collect()
}
