//! phase (i, j) = samples (2y + i, 2x + j),   ⌈(h − i)/2⌉ × ⌈(w − j)/2⌉ of them,   number 2i + j
//!
//! The four phases of a colour filter array are four images.

/// Height and width of phase 0 to 3 of a plane.
pub fn size(phase: usize, h: usize, w: usize) -> (usize, usize) {
    ((h + 1 - phase / 2) / 2, (w + 1 - phase % 2) / 2)
}

pub fn split(ints: &[i32], h: usize, w: usize) -> [Vec<i32>; 4] {
    std::array::from_fn(|phase| {
        let (height, width) = size(phase, h, w);
        let mut out = vec![0; height * width];
        pick(phase, ints, h, w, &mut out);
        out
    })
}

/// One phase alone.
pub fn pick<T: Copy>(phase: usize, ints: &[T], h: usize, w: usize, out: &mut [T]) {
    assert_eq!(ints.len(), h * w, "a plane of h × w ints");
    let (height, width) = size(phase, h, w);
    assert_eq!(out.len(), height * width, "phase {phase} of {h} × {w}");
    for y in 0..height {
        let row = ints[(2 * y + phase / 2) * w..][..w].iter().skip(phase % 2).step_by(2);
        out[y * width..][..width].iter_mut().zip(row).for_each(|(slot, &int)| *slot = int);
    }
}

pub fn join(phases: [&[i32]; 4], h: usize, w: usize, out: &mut [i32]) {
    assert_eq!(out.len(), h * w, "a plane of h × w ints");
    for (phase, ints) in phases.into_iter().enumerate() {
        let (height, width) = size(phase, h, w);
        assert_eq!(ints.len(), height * width, "phase {phase} of {h} × {w}");
        for y in 0..height {
            let row = &mut out[(2 * y + phase / 2) * w..][..w];
            let slots = row.iter_mut().skip(phase % 2).step_by(2);
            slots.zip(&ints[y * width..][..width]).for_each(|(slot, &int)| *slot = int);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_and_join_are_inverse_for_odd_and_empty_sizes() {
        for h in [0, 1, 2, 3, 7, 8] {
            for w in [0, 1, 2, 3, 64, 65] {
                let ints: Vec<i32> = (0..(h * w) as i32).collect();
                let phases = split(&ints, h, w);
                for (phase, ints) in phases.iter().enumerate() {
                    let (height, width) = size(phase, h, w);
                    assert_eq!(ints.len(), height * width);
                }
                let mut back = vec![-1; h * w];
                join(phases.each_ref().map(Vec::as_slice), h, w, &mut back);
                assert_eq!(back, ints, "{h} × {w}");
            }
        }
    }

    #[test]
    fn phases_are_numbered_row_first() {
        assert_eq!(split(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 3, 3), [vec![0, 2, 6, 8], vec![1, 7], vec![3, 5], vec![4]]);
    }
}
