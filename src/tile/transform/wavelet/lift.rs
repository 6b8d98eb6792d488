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
        if (stride, inner) == (1, 1) {
            let (pairs, last) = values[first..][..n].as_chunks::<2>();
            self.s.extend(pairs.iter().map(|pair| pair[0]));
            self.d.extend(pairs.iter().map(|pair| pair[1]));
            self.s.extend(last);
            return;
        }
        for i in 0..n {
            let from = &values[first + i * stride..][..inner];
            if i % 2 == 0 { self.s.extend_from_slice(from) } else { self.d.extend_from_slice(from) }
        }
    }

    fn put(&self, values: &mut [i32], (first, stride, inner): (usize, usize, usize)) {
        if (stride, inner) == (1, 1) {
            let (pairs, last) = values[first..][..self.s.len() + self.d.len()].as_chunks_mut::<2>();
            pairs.iter_mut().zip(self.s.iter().zip(&self.d)).for_each(|(pair, (s, d))| *pair = [*s, *d]);
            last.copy_from_slice(&self.s[self.d.len()..]);
            return;
        }
        let even = self.s.chunks_exact(inner).enumerate().map(|(i, row)| (2 * i, row));
        let odd = self.d.chunks_exact(inner).enumerate().map(|(i, row)| (2 * i + 1, row));
        even.chain(odd).for_each(|(i, row)| values[first + i * stride..][..inner].copy_from_slice(row));
    }

    fn take_halves(&mut self, values: &[i32], (first, stride, n, inner): (usize, usize, usize, usize)) {
        self.s.clear();
        self.d.clear();
        if (stride, inner) == (1, 1) {
            let (s, d) = values[first..][..n].split_at(n.div_ceil(2));
            self.s.extend_from_slice(s);
            self.d.extend_from_slice(d);
            return;
        }
        let rows = (0..n).map(|i| &values[first + i * stride..][..inner]);
        rows.clone().take(n.div_ceil(2)).for_each(|row| self.s.extend_from_slice(row));
        rows.skip(n.div_ceil(2)).for_each(|row| self.d.extend_from_slice(row));
    }

    fn put_halves(&self, values: &mut [i32], (first, stride, inner): (usize, usize, usize)) {
        if (stride, inner) == (1, 1) {
            let (s, d) = values[first..][..self.s.len() + self.d.len()].split_at_mut(self.s.len());
            s.copy_from_slice(&self.s);
            d.copy_from_slice(&self.d);
            return;
        }
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

/// A negative factor takes away what its opposite adds. The sum of 33 bits is taken in two parts, so that all is done in 32 bits:
/// with |c| = 2¹⁶·whole + part and a + b = 2¹⁶·hi + lo, (|c|·(a + b) + 2¹⁵) >> 16 = whole·(a + b) + part·hi + (part·lo + 2¹⁵) >> 16.
fn add(to: &mut [i32], a: &[i32], b: &[i32], c: i64) {
    match c > 0 {
        true => add_products(to, a, b, c as u32, i32::wrapping_add),
        false => add_products(to, a, b, -c as u32, i32::wrapping_sub),
    }
}

#[inline(always)]
fn add_products(to: &mut [i32], a: &[i32], b: &[i32], size: u32, add: impl Fn(i32, i32) -> i32) {
    let (whole, part) = ((size >> 16) as i32, size & 0xffff);
    for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
        let low = (a as u32 & 0xffff) + (b as u32 & 0xffff);
        let hi = (a >> 16) + (b >> 16) + (low >> 16) as i32;
        let product = (hi.wrapping_mul(part as i32)).wrapping_add(((part * (low & 0xffff) + (1 << 15)) >> 16) as i32);
        *to = add(*to, product.wrapping_add(a.wrapping_add(b).wrapping_mul(whole)));
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
    fn sums_in_two_parts_are_those_of_64_bits() {
        let ends = [0, 1, -1, 0x7fff, 0x8000, 0xffff, 0x1_0000, -0x8000, -0x1_0001, 123_456_789, i32::MAX, i32::MIN];
        for (c, (a, b)) in
            [A, B, C, D, -A].into_iter().flat_map(|c| ends.map(|a| (c, a))).flat_map(|(c, a)| ends.map(|b| (c, (a, b))))
        {
            let sum = (c.abs() * (i64::from(a) + i64::from(b)) + (1 << 15)) >> 16;
            let mut to = [7];
            add(&mut to, &[a], &[b], c);
            assert_eq!(to[0], 7i32.wrapping_add((c.signum() * sum) as i32), "{c} · ({a} + {b})");
        }
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
