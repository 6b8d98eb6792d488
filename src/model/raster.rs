//! Raster order: a cell knows the half-plane above and to its left.
//!
//! The decoder walks wavefronts: with a skew S such that dx + S·dy < 0 for every tap, all cells of one t = x + S·y are known
//! to be independent. Its arena is skewed (row t, column y), so that a wavefront is a run. The encoder knows all ints and walks
//! rows. Both code the wavefronts in order of t, each from the top down.
//!
//! Outside the tile: rows above hold the seed, the left of row y shows the first int of row y − 1, the right of row y its last.

use super::Places;
use super::plan::{Plan, Run, Step};
use crate::kernel::Offsets;
use crate::net::{Pass, Tap};

/// How far taps reach from a cell.
struct Reach {
    up: usize,
    down: usize,
    left: usize,
    right: usize,
}

fn reach(p: Places) -> Reach {
    let all = || p.taps.iter().chain(p.ref_taps).chain(p.around);
    let most = |f: fn(&Tap) -> i32| all().map(f).max().unwrap_or(0).max(0) as usize;
    Reach { up: most(|t| -t.0), down: most(|t| t.0), left: most(|t| -t.1), right: most(|t| t.1) }
}

/// The least S with dx + S·dy < 0 for every tap, of layers too.
fn skew(p: Places) -> usize {
    p.taps.iter().chain(p.around).filter(|t| t.0 < 0).map(|t| t.1.max(0) / -t.0 + 1).max().unwrap_or(1) as usize
}

fn offsets(places: Places, offset: impl Fn(Tap) -> i32) -> Offsets {
    let all = |taps: &[Tap]| taps.iter().map(|&tap| offset(tap)).collect();
    Offsets { taps: all(places.taps), ref_taps: all(places.ref_taps), around: all(places.around), hints: Vec::new() }
}

/// The encoder's plan: one step per row.
pub fn rows(places: Places, h: usize, w: usize) -> Plan {
    let r = reach(places);
    let pitch = r.left + w + r.right;
    let at = |y: usize, x: usize| ((y + r.up) * pitch + x) as u32; // x counts from the left end of the halo
    let offset = |(dy, dx): Tap| dy * pitch as i32 + dx;
    let steps = (0..h).map(|y| {
        let mut copies: Vec<_> = (0..r.right).map(|i| (at(y, r.left + w - 1), at(y, r.left + w + i))).collect();
        if y + 1 < h {
            copies.extend((0..r.left).map(|x| (at(y, r.left), at(y + 1, x))));
        }
        let run = Run { at: at(y, r.left), n: w as u32, first: (y * w) as u32, step: 1 };
        Step { pass: Pass::Raster, level: 0, set: 0, runs: vec![run], copies, offsets: 0 }
    });
    let n_rows = r.up + h + r.down;
    let clamp = |i: usize, before: usize, n: usize| i.saturating_sub(before).min(n - 1);
    let mirror = (0..n_rows * pitch).map(|i| (clamp(i / pitch, r.up, h) * w + clamp(i % pitch, r.left, w)) as u32);
    let plan = Plan {
        h,
        w,
        n_arena: n_rows * pitch,
        offsets: vec![offsets(places, offset)],
        steps: steps.collect(),
        order: wavefronts(skew(places), h, w).map(|(run, _)| run).collect(),
        mirror: mirror.collect(),
        lifts: Vec::new(),
        scales: Vec::new(),
    };
    plan.with_slack()
}

/// The decoder's plan: one step per wavefront.
pub fn by_wavefronts(places: Places, h: usize, w: usize) -> Plan {
    let r = reach(places);
    let s = skew(places);
    let pitch = r.up + h + r.down;
    let before = r.left + s * r.up;
    let at = |y: usize, x: isize| ((x + (s * y + before) as isize) as usize * pitch + y + r.up) as u32;
    let offset = |(dy, dx): Tap| (dx + s as i32 * dy) * pitch as i32 + dy;
    let steps = wavefronts(s, h, w).map(|(run, (y0, x0))| {
        let mut copies = Vec::new();
        let y1 = y0 + run.n as usize - 1;
        if x0 + 1 == w {
            copies.extend((0..r.right).map(|i| (at(y0, x0 as isize), at(y0, (w + i) as isize))));
        }
        if x0 == s * (y1 - y0) && y1 + 1 < h {
            copies.extend((1..=r.left).map(|i| (at(y1, 0), at(y1 + 1, -(i as isize)))));
        }
        let runs = vec![Run { at: at(y0, x0 as isize), ..run }];
        Step { pass: Pass::Raster, level: 0, set: 0, runs, copies, offsets: 0 }
    });
    let n_waves = before + w + r.right + s * (h - 1 + r.down);
    let mirror = (0..n_waves * pitch).map(|i| {
        let y = (i % pitch) as isize - r.up as isize;
        let x = (i / pitch) as isize - before as isize - s as isize * y;
        (y.clamp(0, h as isize - 1) * w as isize + x.clamp(0, w as isize - 1)) as u32
    });
    let steps: Vec<Step> = steps.collect();
    let plan = Plan {
        h,
        w,
        n_arena: n_waves * pitch,
        offsets: vec![offsets(places, offset)],
        order: steps.iter().map(|s| s.runs[0]).collect(),
        steps,
        mirror: mirror.collect(),
        lifts: Vec::new(),
        scales: Vec::new(),
    };
    plan.with_slack()
}

/// Every wavefront that meets the tile, as a run without a place in an arena, and its topmost cell (y, x).
fn wavefronts(s: usize, h: usize, w: usize) -> impl Iterator<Item = (Run, (usize, usize))> {
    (0..w + s * (h - 1)).filter_map(move |t| {
        let y0 = (t + 1).saturating_sub(w).div_ceil(s);
        let y1 = (t / s).min(h - 1);
        // a skew wider than the tile leaves wavefronts that pass between its rows
        (y0 <= y1).then(|| {
            let x0 = t - s * y0;
            let run = Run { at: 0, n: (y1 - y0 + 1) as u32, first: (y0 * w + x0) as u32, step: w as i32 - s as i32 };
            (run, (y0, x0))
        })
    })
}
