//! int = round((v − least) · 2²⁰ / range)      a tile of a bound:  int′ = round((± int + shift) / k),   k = 2²⁰ · 2 · bound / range
//!
//! Float fields as bounded codecs see them: quantised, to a bound drawn anew for every tile, from 3 % of the range to
//! about a millionth. What is not finite or a marker is a hole; tiles keep clear of holes.

use crate::data::plane::{Plane, cut, fixed_places};
use crate::random::Random;
use collapsar::internals::array::{ArrayType, Dtype};

/// Ints of the whole range.
const LEVELS: f64 = (1 << 20) as f64;
/// Planes of one array, one after the other.
const MAX_PLANES: usize = 128;
pub const HOLE: i32 = -1;
/// No physical quantity is larger.
const MARKER: f64 = 1e19;
/// Tiles are at most this large, and at least an eighth of it either way.
const SIDE: usize = 128;
const BOUNDS: (f64, f64) = (2e-6, 3e-2);
/// Those that judge.
const USUAL_BOUNDS: [f64; 3] = [1e-2, 1e-3, 1e-4];

/// A tile of a plane, and the same of every plane that it may be predicted from.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiles {
    pub h: usize,
    pub w: usize,
    pub tiles: Vec<Vec<Vec<i32>>>,
    pub max: i32,
}

/// The planes of an array of floats; none where they are too small or all the same.
pub fn planes(bytes: &[u8], ty: &ArrayType) -> Vec<Plane> {
    let (_, h, w) = ty.planes();
    let (h, w) = (h as usize, w as usize);
    if h < SIDE / 8 && w < SIDE || w < SIDE / 8 || h < 2 {
        return Vec::new();
    }
    let values: Vec<f64> = bytes.chunks_exact(ty.dtype.n_bytes()).map(|sample| float(sample, ty)).collect();
    let ordinary = |v: &&f64| v.abs() < MARKER;
    let least = values.iter().filter(ordinary).copied().fold(f64::INFINITY, f64::min);
    let range = values.iter().filter(ordinary).copied().fold(f64::NEG_INFINITY, f64::max) - least;
    if range.is_nan() || range <= 0.0 {
        return Vec::new();
    }
    let int = |v: &f64| if ordinary(&v) { ((v - least) * LEVELS / range).round() as i32 } else { HOLE };
    let plane = |values: &[f64]| Plane { h, w, ints: values.iter().map(int).collect(), max: LEVELS as i32 };
    values.chunks_exact(h * w).take(MAX_PLANES).map(plane).collect()
}

fn float(sample: &[u8], ty: &ArrayType) -> f64 {
    let mut bytes = [0; 8];
    let n = sample.len();
    bytes[..n].copy_from_slice(sample);
    if ty.big_endian {
        bytes[..n].reverse();
    }
    match ty.dtype {
        Dtype::F32 => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        _ => f64::from_le_bytes(bytes),
    }
}

/// At most `n` tiles at random places of the first plane, with those of the others, all to one bound; smaller ones
/// where holes leave no room, None where they are everywhere.
pub fn draw(planes: &[&Plane], n: usize, random: &mut Random) -> Option<Tiles> {
    let k = 2.0 * random.log_uniform(BOUNDS.0, BOUNDS.1) * LEVELS;
    let (shift, negative, turn) = (random.unit() * k, random.below(2) == 1, random.below(4));
    let (h, w) = size(planes[0]);
    for (h, w) in [1, 2, 4, 8].map(|part| (h.div_ceil(part), w.div_ceil(part))) {
        let mut tiles = Vec::new();
        for _ in 0..8 * n {
            let at = (random.below(planes[0].h - h + 1), random.below(planes[0].w - w + 1));
            if tiles.len() < n {
                tiles.extend(tile(planes, at, (h, w), turn, (k, shift, negative)));
            }
        }
        if !tiles.is_empty() {
            return Some(Tiles { h, w, tiles, max: max(k) });
        }
    }
    None
}

/// Tiles that judge: at every usual bound, of four places, as they are.
pub fn fixed(planes: &[&Plane]) -> Vec<Tiles> {
    let (h, w) = size(planes[0]);
    let of_bound = |bound: f64| {
        let k = 2.0 * bound * LEVELS;
        let tile = |at| tile(planes, at, (h, w), 0, (k, 0.0, false));
        let places = fixed_places(planes[0], (h, w));
        Tiles { h, w, tiles: places.into_iter().filter_map(tile).collect(), max: max(k) }
    };
    USUAL_BOUNDS.map(of_bound).into_iter().filter(|tiles| !tiles.tiles.is_empty()).collect()
}

fn size(plane: &Plane) -> (usize, usize) {
    (plane.h.min(SIDE), plane.w.min(SIDE))
}

fn max(k: f64) -> i32 {
    (LEVELS / k).ceil() as i32 + 1
}

/// The tile of every plane, to one bound; None where there is a hole.
fn tile(
    planes: &[&Plane],
    at: (usize, usize),
    size: (usize, usize),
    turn: usize,
    (k, shift, negative): (f64, f64, bool),
) -> Option<Vec<Vec<i32>>> {
    let rounded = |plane: &Plane, int: i32| {
        let turned = f64::from(if negative { plane.max - int } else { int });
        (int != HOLE).then(|| ((turned + shift) / k).round() as i32)
    };
    planes.iter().map(|plane| cut(plane, at, size, turn).into_iter().map(|int| rounded(plane, int)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes_of(shape: Vec<u64>, value: impl Fn(usize) -> f32) -> Vec<Plane> {
        let ty = ArrayType { dtype: Dtype::F32, big_endian: true, shape };
        let n = ty.n_samples().unwrap() as usize;
        let bytes: Vec<u8> = (0..n).flat_map(|i| value(i).to_be_bytes()).collect();
        planes(&bytes, &ty)
    }

    #[test]
    fn ints_span_the_range_of_what_is_no_marker() {
        let planes = planes_of(vec![2, 16, 128], |i| match i {
            3 => 1e20,
            4 => f32::NAN,
            _ => 5.0 + (i % 128) as f32,
        });
        assert_eq!(planes.len(), 2);
        assert_eq!(planes[0].ints[..6], [0, 8257, 16513, HOLE, HOLE, 41283]);
        assert_eq!(*planes[1].ints.iter().max().unwrap(), 1 << 20);
    }

    #[test]
    fn tiles_are_within_their_range_and_keep_clear_of_holes() {
        let planes = planes_of(vec![2, 140, 300], |i| if i % 300 < 100 { 1e20 } else { (i % 300) as f32 });
        let seen: Vec<&Plane> = planes.iter().collect();
        let mut random = Random::new(1);
        for _ in 0..20 {
            let drawn = draw(&seen, 4, &mut random).unwrap();
            for tile in drawn.tiles.iter().flatten() {
                assert_eq!(tile.len(), drawn.h * drawn.w);
                assert!(tile.iter().all(|v| (0..=drawn.max).contains(v)));
            }
        }
        assert_eq!(fixed(&seen).len(), 3);
        let land = planes_of(vec![140, 300], |i| if i % 14 == 0 { 1e20 } else { i as f32 });
        assert!(draw(&[&land[0]], 4, &mut random).is_none());
    }

    #[test]
    fn what_is_flat_or_a_column_has_no_planes() {
        assert!(planes_of(vec![64, 64], |_| 3.0).is_empty());
        assert!(planes_of(vec![10_000], |i| i as f32).is_empty());
        assert!(!planes_of(vec![12, 10_000], |i| i as f32).is_empty());
    }
}
