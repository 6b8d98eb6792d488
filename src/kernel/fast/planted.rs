//! Reads one past a buffer, planted for `.ci/sanitize`: what finds nothing must be seen to find these.

use super::amx;
use super::avx2::Avx2;
use super::lanes::{Lanes, N};
use super::pack::{Row, Tile};

#[test]
#[ignore = "reads beyond a buffer: only for .ci/sanitize"]
fn a_vector_that_begins_one_int_late() {
    let ints: Box<[i32]> = Box::new([1; N]);
    // SAFETY: there is none, which is the point.
    let late: &[i32; N] = unsafe { &*ints.as_ptr().add(1).cast() };
    let mut out = [0; N];
    Avx2::<false>::load(std::hint::black_box(late)).store(&mut out);
    assert_ne!(out[0], 0);
}

#[test]
#[ignore = "reads beyond a buffer: only for .ci/sanitize"]
fn a_row_of_tiles_that_is_one_too_long() {
    let rows = |n: usize| vec![Row([[0; N]; 2]); n];
    let (x, w, mut y, mut y2) = (rows(amx::SIDE), vec![Tile([[0; N]; N]); 2], rows(amx::SIDE), rows(amx::SIDE));
    // SAFETY: there is none: x is as long as one tile, and two are asked for.
    unsafe { amx::one(2, x.as_ptr(), w.as_ptr(), w.as_ptr(), y.as_mut_ptr(), y2.as_mut_ptr()) };
}
