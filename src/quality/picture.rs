//! picture(Y, X) = max |d| over f × f samples          f = ⌈longer side / 160⌉
//!
//! Where an array is off, in the plane with its largest error: down-sampled by the largest, so that no pixel hides one.

const SIDE: usize = 160;

#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub plane: usize,
    pub h: usize,
    pub w: usize,
    /// How many samples a pixel is wide and high.
    pub factor: usize,
    /// Row by row; NaN where no sample counts.
    pub largest: Vec<f64>,
}

impl Picture {
    /// Of a plane of a size.
    pub fn new(plane: usize, h: usize, w: usize) -> Picture {
        let factor = h.max(w).div_ceil(SIDE).max(1);
        let (h, w) = (h.div_ceil(factor), w.div_ceil(factor));
        Picture { plane, h, w, factor, largest: vec![f64::NAN; h * w] }
    }

    pub fn add(&mut self, row: usize, column: usize, error: f64) {
        let pixel = &mut self.largest[row / self.factor * self.w + column / self.factor];
        *pixel = pixel.max(error);
    }

    pub fn merge(&mut self, other: &Picture) {
        self.largest.iter_mut().zip(&other.largest).for_each(|(a, b)| *a = a.max(*b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pixel_hides_an_error_and_none_is_made_up() {
        for (h, w) in [(1, 1), (160, 160), (161, 3), (1000, 321), (1, 5000)] {
            let mut picture = Picture::new(0, h, w);
            assert!(picture.h.max(picture.w) <= SIDE);
            picture.add(h - 1, w - 1, 2.0);
            picture.add(h - 1, w - 1, 1.0);
            assert_eq!(picture.largest.last(), Some(&2.0), "{h}×{w}");
            assert!(picture.largest.iter().rev().skip(1).all(|x| x.is_nan()));
            let mut other = Picture::new(0, h, w);
            other.add(0, 0, 3.0);
            other.merge(&picture);
            assert_eq!(other.largest[0], 3.0);
        }
    }
}
