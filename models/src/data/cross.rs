//! Which planes of other fields a plane may be predicted from, as an encoder would choose them: by ρ² of the differences to the
//! left and above
//!
//! Beside the planes before it, a field of a dataset is foreseen from other fields of its folder: of those of the
//! same size a few are drawn, and the ones that go with it most are shown, in its own units.

use crate::data::fields::{self, HOLE, Tiles};
use crate::data::plane::{Frame, Plane};
use crate::random::Random;
use collapsar::internals::codec::array::reference::Reference;

/// Other fields that are compared for a draw.
const N_COMPARED: usize = 8;
/// Planes before that are shown beside other fields.
const MAX_BEFORE: usize = 2;

/// What a plane is predicted from: so many planes before it, the last first, then planes of other fields.
struct Seen<'a> {
    n_before: usize,
    planes: Vec<&'a Plane>,
}

impl Seen<'_> {
    /// Tiles of a plane and of its references, other fields in its own units.
    fn scaled(&self, mut tiles: Tiles) -> Tiles {
        scale(&mut tiles.tiles, tiles.w, 1 + self.n_before);
        tiles
    }
}

/// Tiles of a plane and of `n` that it is predicted from, at least one of another field; None where there are not as many.
pub fn draw(frames: &[Frame], at: (usize, usize), n: usize, n_tiles: usize, random: &mut Random) -> Option<Tiles> {
    let n_before = random.below(at.1.min(MAX_BEFORE).min(n.saturating_sub(1)) + 1);
    let all = others(frames, at, random);
    let mut some = Vec::new();
    for _ in 0..N_COMPARED.min(all.len()) {
        some.push(all[random.below(all.len())]);
    }
    let seen = seen(frames, at, n, n_before, some)?;
    let planes = [&[&frames[at.0].planes[at.1]], &seen.planes[..]].concat();
    Some(seen.scaled(fields::draw(&planes, n_tiles, random)?))
}

/// Tiles that judge: no planes before but where other fields are too few, and the ones that go with the plane most.
pub fn fixed(frames: &[Frame], at: (usize, usize), n: usize) -> Vec<Tiles> {
    let Some(seen) = most_alike(frames, at, n) else { return Vec::new() };
    let planes = [&[&frames[at.0].planes[at.1]], &seen.planes[..]].concat();
    fields::fixed(&planes).into_iter().map(|tiles| seen.scaled(tiles)).collect()
}

/// Whether a plane has `n` to be predicted from, at least one of another field.
pub fn sees(frames: &[Frame], at: (usize, usize), n: usize) -> bool {
    most_alike(frames, at, n).is_some()
}

fn most_alike<'a>(frames: &'a [Frame], at: (usize, usize), n: usize) -> Option<Seen<'a>> {
    let all = others(frames, at, &mut Random::new(0));
    let n_before = n - all.len().min(n);
    if all.is_empty() && n > 0 { None } else { seen(frames, at, n, n_before, all) }
}

fn seen<'a>(
    frames: &'a [Frame],
    (frame, plane): (usize, usize),
    n: usize,
    n_before: usize,
    mut others: Vec<&'a Plane>,
) -> Option<Seen<'a>> {
    let mine = &frames[frame].planes;
    let mut planes: Vec<&Plane> = mine[..plane].iter().rev().take(n_before.min(MAX_BEFORE)).collect();
    let n_before = planes.len();
    others.sort_by(|a, b| correlation(&mine[plane], b).abs().total_cmp(&correlation(&mine[plane], a).abs()));
    others.dedup_by(|a, b| std::ptr::eq(*a, *b));
    planes.extend(others.into_iter().take(n - n_before));
    (planes.len() == n).then_some(Seen { n_before, planes })
}

/// A plane of every other field of the folder that has one to show.
fn others<'a>(frames: &'a [Frame], (frame, plane): (usize, usize), random: &mut Random) -> Vec<&'a Plane> {
    let mine = &frames[frame];
    let size = |p: &Plane| (p.h, p.w);
    let of = |(i, other): (usize, &'a Frame)| {
        let n = other.planes.len();
        let nth = match (mine.planes.len(), n) {
            _ if i == frame || other.camera != mine.camera => return None,
            (a, b) if a == b => plane,
            (_, 1) => 0,
            (1, _) => random.below(n),
            _ => return None,
        };
        Some(&other.planes[nth]).filter(|p| size(p) == size(&mine.planes[plane]))
    };
    frames.iter().enumerate().filter_map(of).collect()
}

/// Of the differences of two planes, holes left out; 0 where one is flat.
fn correlation(a: &Plane, b: &Plane) -> f64 {
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    let whole = |p: &Plane, i: usize| p.ints[i] != HOLE;
    for i in a.w + 1..a.ints.len() {
        for j in [i - 1, i - a.w] {
            if [i, j].into_iter().all(|i| whole(a, i) && whole(b, i)) {
                let (x, y) = (f64::from(a.ints[i] - a.ints[j]), f64::from(b.ints[i] - b.ints[j]));
                (xx, yy, xy) = (xx + x * x, yy + y * y, xy + x * y);
            }
        }
    }
    if xx * yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 }
}

/// Shows tiles w wide what they are predicted from of other fields, from number `first` on, in the units of their own: with the
/// gain that an encoder would transmit for these tiles.
fn scale(tiles: &mut [Vec<Vec<i32>>], w: usize, first: usize) {
    let n = tiles.first().map_or(0, Vec::len);
    for seen in first..n {
        let (mut ours, mut theirs, mut both) = (0, 0, 0);
        for tile in tiles.iter() {
            for i in w + 1..tile[0].len() {
                for j in [i - 1, i - w] {
                    let (a, b) = (tile[0][i] - tile[0][j], tile[seen][i] - tile[seen][j]);
                    (ours, theirs) = (ours + u64::from(a.unsigned_abs()), theirs + u64::from(b.unsigned_abs()));
                    both += i64::from(a) * i64::from(b);
                }
            }
        }
        let gain = Reference::gain_of(ours, theirs) * if both < 0 { -1 } else { 1 };
        let anchor = Reference::new(1, 0, 0, gain).expect("a gain of usual differences is one");
        tiles.iter_mut().for_each(|tile| tile[seen] = anchor.show(std::mem::take(&mut tile[seen]), w));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn plane(int: impl Fn(i32, i32) -> i32) -> Plane {
        let ints = (0..400).map(|i| int(i / 20, i % 20)).collect();
        Plane { h: 20, w: 20, ints, max: 1 << 20 }
    }

    fn frame(folder: &str, planes: Vec<Plane>) -> Frame {
        Frame { class: "c".into(), name: "n".into(), camera: PathBuf::from(folder), planes }
    }

    #[test]
    fn a_plane_sees_the_fields_of_its_folder_that_go_with_it_most() {
        let noise = |y: i32, x: i32| (y * 7919 + x * 104_729) % 613;
        let frames = [
            frame("a", vec![plane(|y, x| 900 - 2 * noise(y, x))]),
            frame("a", vec![plane(|y, x| y * y + x)]),
            frame("a", vec![plane(noise), plane(noise)]),
            frame("b", vec![plane(noise)]),
        ];
        let seen = most_alike(&frames, (0, 0), 2).unwrap();
        assert_eq!(seen.n_before, 0);
        assert!(std::ptr::eq(seen.planes[1], &frames[1].planes[0]));
        assert!(frames[2].planes.iter().any(|p| std::ptr::eq(p, seen.planes[0])));
        assert!(!sees(&frames, (0, 0), 3) && !sees(&frames, (3, 0), 1));
    }

    #[test]
    fn other_fields_come_in_the_units_of_the_tile() {
        let mine: Vec<i32> = (0..64).map(|i| 3 * ((i * 29) % 41)).collect();
        let other: Vec<i32> = mine.iter().map(|v| 500 - v / 3).collect();
        let mut tiles = vec![vec![mine.clone(), mine.clone(), other]];
        scale(&mut tiles, 8, 2);
        assert_eq!(tiles[0][1], mine);
        assert!((1..64).all(|i| tiles[0][2][i] - tiles[0][2][0] == mine[i] - mine[0]));
    }
}
