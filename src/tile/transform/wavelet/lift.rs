//! d_i += A·(s_i + s_i+1)   s_i += B·(d_i−1 + d_i)   d_i += C·(s_i + s_i+1)   s_i += D·(d_i−1 + d_i)        s: even, d: odd places
//!
//! The wavelet 9/7 along one axis of a box, each step rounded, so that its inverse is exact. Beyond an end stands the number before
//! it. What is s goes to the front, where it is d behind. All sums wrap: a damaged file gives wrong ints, the same everywhere.

/// In 2⁻¹⁶.
const A: i64 = -103_949;
const B: i64 = -3_472;
const C: i64 = 57_862;
const D: i64 = 29_066;
/// Along an axis of fewer there is nothing to gain.
const LEAST: usize = 8;
const MAX_LEVELS: usize = 6;

/// Planes, rows, columns.
pub type Size = [usize; 3];

/// How often an axis is halved.
pub fn n_levels(mut n: usize) -> usize {
    let mut levels = 0;
    while n >= LEAST && levels < MAX_LEVELS {
        n = n.div_ceil(2);
        levels += 1;
    }
    levels
}

/// The size of the front half after so many halvings.
pub fn halved(n: usize, times: usize) -> usize {
    (0..times).fold(n, |n, _| n.div_ceil(2))
}

/// One axis of a box at the front of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    axis: usize,
    size: Size,
}

/// First all levels of planes, then of rows and columns in turn.
fn steps(size: Size) -> Vec<Step> {
    let levels = size.map(n_levels);
    let planes = (0..levels[0]).map(|level| Step { axis: 0, size: [halved(size[0], level), size[1], size[2]] });
    let mut all: Vec<Step> = planes.collect();
    for level in 0..levels[1].max(levels[2]) {
        let box_of = |axis: usize| halved(size[axis], level.min(levels[axis]));
        let size = [size[0], box_of(1), box_of(2)];
        all.extend((1..3).filter(|&axis| level < levels[axis]).map(|axis| Step { axis, size }));
    }
    all
}

pub fn forward(values: &mut [i32], size: Size) {
    let mut line = Line::default();
    for step in steps(size) {
        each_line(size, step, |first, stride, n, inner| {
            line.take(values, (first, stride, n, inner));
            line.forward(inner);
            line.put_halves(values, (first, stride, inner));
        });
    }
}

pub fn inverse(values: &mut [i32], size: Size) {
    let mut line = Line::default();
    for step in steps(size).into_iter().rev() {
        each_line(size, step, |first, stride, n, inner| {
            line.take_halves(values, (first, stride, n, inner));
            line.inverse(inner);
            line.put(values, (first, stride, inner));
        });
    }
}

/// The lines of a step as (first number, distance, how many, numbers side by side that go together).
fn each_line(whole: Size, Step { axis, size }: Step, mut each: impl FnMut(usize, usize, usize, usize)) {
    let (plane, row) = (whole[1] * whole[2], whole[2]);
    match axis {
        0 => (0..size[1]).for_each(|y| each(y * row, plane, size[0], size[2])),
        1 => (0..size[0]).for_each(|z| each(z * plane, row, size[1], size[2])),
        _ => (0..size[0] * size[1]).for_each(|i| each(i / size[1] * plane + i % size[1] * row, 1, size[2], 1)),
    }
}

/// Numbers at even and at odd places.
#[derive(Default)]
struct Line {
    s: Vec<i32>,
    d: Vec<i32>,
}

impl Line {
    fn take(&mut self, values: &[i32], (first, stride, n, inner): (usize, usize, usize, usize)) {
        self.s.clear();
        self.d.clear();
        for i in 0..n {
            let from = &values[first + i * stride..][..inner];
            if i % 2 == 0 { self.s.extend_from_slice(from) } else { self.d.extend_from_slice(from) }
        }
    }

    fn put(&self, values: &mut [i32], (first, stride, inner): (usize, usize, usize)) {
        let even = self.s.chunks_exact(inner).enumerate().map(|(i, row)| (2 * i, row));
        let odd = self.d.chunks_exact(inner).enumerate().map(|(i, row)| (2 * i + 1, row));
        even.chain(odd).for_each(|(i, row)| values[first + i * stride..][..inner].copy_from_slice(row));
    }

    fn take_halves(&mut self, values: &[i32], (first, stride, n, inner): (usize, usize, usize, usize)) {
        self.s.clear();
        self.d.clear();
        let rows = (0..n).map(|i| &values[first + i * stride..][..inner]);
        rows.clone().take(n.div_ceil(2)).for_each(|row| self.s.extend_from_slice(row));
        rows.skip(n.div_ceil(2)).for_each(|row| self.d.extend_from_slice(row));
    }

    fn put_halves(&self, values: &mut [i32], (first, stride, inner): (usize, usize, usize)) {
        let rows = self.s.chunks_exact(inner).chain(self.d.chunks_exact(inner)).enumerate();
        rows.for_each(|(i, row)| values[first + i * stride..][..inner].copy_from_slice(row));
    }

    fn forward(&mut self, inner: usize) {
        odd(&mut self.d, &self.s, inner, A);
        even(&mut self.s, &self.d, inner, B);
        odd(&mut self.d, &self.s, inner, C);
        even(&mut self.s, &self.d, inner, D);
    }

    fn inverse(&mut self, inner: usize) {
        even(&mut self.s, &self.d, inner, -D);
        odd(&mut self.d, &self.s, inner, -C);
        even(&mut self.s, &self.d, inner, -B);
        odd(&mut self.d, &self.s, inner, -A);
    }
}

/// d_i += c·(s_i + s_i+1)
fn odd(d: &mut [i32], s: &[i32], inner: usize, c: i64) {
    let n_between = d.len().min(s.len() - inner);
    let (between, last) = d.split_at_mut(n_between);
    add(between, s, &s[inner..], c);
    let end = &s[s.len() - inner..];
    add(last, end, end, c);
}

/// s_i += c·(d_i−1 + d_i)
fn even(s: &mut [i32], d: &[i32], inner: usize, c: i64) {
    let (first, rest) = s.split_at_mut(inner);
    add(first, d, d, c);
    let (between, last) = rest.split_at_mut(d.len() - inner);
    add(between, d, &d[inner..], c);
    let end = &d[d.len() - inner..];
    add(last, end, end, c);
}

/// A negative factor takes away what its opposite adds.
fn add(to: &mut [i32], a: &[i32], b: &[i32], c: i64) {
    let (size, sign) = (c.abs(), if c < 0 { -1 } else { 1 });
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        let sum = (size * (i64::from(*a) + i64::from(*b)) + (1 << 15)) >> 16;
        *to = to.wrapping_add((sign * sum) as i32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approximation(size: Size) -> Vec<i32> {
        (0..size.iter().product::<usize>() as i64).map(|i| (i * i * 7919 % 100_003) as i32 - 50_000).collect()
    }

    #[test]
    fn the_inverse_is_exact_whatever_the_size() {
        for size in [[1, 1, 1], [1, 8, 1], [1, 9, 8], [7, 64, 33], [8, 7, 7], [19, 17, 130], [9, 1, 200]] {
            let values = approximation(size);
            let mut there = values.clone();
            forward(&mut there, size);
            assert_eq!(there != values, size.iter().any(|&n| n >= LEAST), "{size:?}");
            inverse(&mut there, size);
            assert_eq!(there, values, "{size:?}");
        }
    }

    #[test]
    fn numbers_at_the_ends_of_their_range_wrap_and_come_back() {
        let size = [8, 16, 9];
        let values: Vec<i32> = (0..8 * 16 * 9).map(|i| if i % 3 == 0 { i32::MIN } else { i32::MAX - i }).collect();
        let mut there = values.clone();
        forward(&mut there, size);
        inverse(&mut there, size);
        assert_eq!(there, values);
    }

    #[test]
    fn a_plane_that_is_flat_is_all_in_front() {
        let size = [16, 16, 16];
        let mut values = vec![1000; 16 * 16 * 16];
        forward(&mut values, size);
        let nonzero = values.iter().enumerate().filter(|(_, v)| v.abs() > 40).map(|(i, _)| i);
        let in_front = |i: usize| i / 256 < 4 && i / 16 % 16 < 4 && i % 16 < 4;
        assert!(nonzero.clone().all(in_front) && nonzero.count() == 64);
    }
}
