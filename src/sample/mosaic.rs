//! mosaic  ⇔  m(2) < 0.85 · m(1),   m(d) = median |Δ| of neighbours d columns apart + the same of rows
//!
//! In a colour filter array the next sample of the same colour is two steps away and more alike than the next sample. A hint
//! only: the encoder measures.

/// Rows, and columns, that are looked at.
const MAX_LINES: usize = 256;

pub fn looks_like_mosaic(ints: &[i32], h: usize, w: usize) -> bool {
    assert_eq!(ints.len(), h * w, "a plane of h × w ints");
    if h < 3 || w < 3 {
        return false;
    }
    let near = median(ints, h, w, (0, 1)) + median(ints, h, w, (1, 0));
    let far = median(ints, h, w, (0, 2)) + median(ints, h, w, (2, 0));
    100 * far < 85 * near
}

fn median(ints: &[i32], h: usize, w: usize, (down, right): (usize, usize)) -> u64 {
    // An odd stride meets all phases.
    let stride = |n: usize| (n / MAX_LINES) | 1;
    let mut steps = Vec::new();
    for y in (0..h - down).step_by(stride(h)) {
        let (row, next) = (&ints[y * w..][..w - right], &ints[(y + down) * w + right..][..w - right]);
        let pairs = row.iter().zip(next).step_by(stride(w));
        steps.extend(pairs.map(|(&a, &b)| (a as u32).abs_diff(b as u32)));
    }
    let middle = steps.len() / 2;
    u64::from(*steps.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(h: usize, w: usize, at: impl Fn(usize, usize) -> i32) -> Vec<i32> {
        (0..h * w).map(|i| at(i / w, i % w)).collect()
    }

    #[test]
    fn four_colours_over_a_smooth_scene_are_a_mosaic() {
        for (h, w) in [(3, 3), (64, 64), (65, 63), (1000, 517)] {
            let bayer = plane(h, w, |y, x| [900, 500, 510, 200][y % 2 * 2 + x % 2] + (x + y) as i32);
            assert!(looks_like_mosaic(&bayer, h, w), "{h} × {w}");
        }
    }

    #[test]
    fn a_smooth_scene_noise_and_a_constant_are_not() {
        for (h, w) in [(3, 3), (64, 64), (65, 63), (1000, 517)] {
            assert!(!looks_like_mosaic(&plane(h, w, |y, x| (3 * x + 5 * y) as i32), h, w));
            assert!(!looks_like_mosaic(&plane(h, w, |_, _| -7), h, w));
            let noise = plane(h, w, |y, x| ((y * w + x) as u32).wrapping_mul(0x9e37_79b1).rotate_left(13) as i32 >> 20);
            assert!(h < 64 || !looks_like_mosaic(&noise, h, w));
        }
    }

    #[test]
    fn a_line_has_no_phases() {
        for (h, w) in [(0, 0), (1, 9), (9, 1), (2, 2), (2, 100)] {
            assert!(!looks_like_mosaic(&vec![1; h * w], h, w));
        }
    }
}
