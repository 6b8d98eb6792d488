//! Intervals → the payload of a tile → intervals: the framing that all models of cells share.
//!
//! log2 of the number of lanes (u8), then the lanes. Lane 0 begins with the seed. A run deals its symbols to the lanes in turn, from
//! lane 0. A symbol at or beyond the end of an escaping window is followed, in its lane, by its distance from that end in 24 plain
//! bits. What a mask hides is not coded. FORMAT.md, section 7.

use crate::entropy::lanes::{Interval, Popper, Pusher};
use crate::error::{Error, Result};
use crate::kernel::fast::{Inverted, Kernels};
use crate::kernel::interval::{Distributions, PRECISION, beyond};
use crate::kernel::mixture::{Mixtures, Window};
use crate::kernel::predict::Linear;
use crate::kernel::{MAX_INT, PlaneStats};
use crate::model::plan::Run;
use crate::model::{Model, Plan};
use crate::tile::mask::hides;

/// A tile gets one more lane per so many bytes, in powers of two: a lane costs about five.
const BYTES_PER_LANE: i64 = 2048;
pub(crate) const MAX_LOG2_LANES: u8 = 4;

/// What all tiles of a plane share.
#[derive(Clone, Copy)]
pub struct PlaneContext<'a> {
    pub model: &'a Model,
    /// The kernels, with the nets of the model.
    pub kernels: &'a Kernels,
    /// One predictor per set of the model.
    pub linears: &'a [Linear],
    pub stats: PlaneStats,
    /// The largest int of the plane.
    pub max: i32,
}

impl PlaneContext<'_> {
    pub fn window(&self) -> Window {
        debug_assert!((0..=MAX_INT).contains(&self.max), "planes beyond {MAX_INT} do not come here");
        Window { max: self.max }
    }

    pub fn popped(&self) -> Popped {
        Popped { window: self.window(), range: (0, self.max) }
    }
}

/// What a payload is told of the symbols in it: what may be popped, and of its seed, one of so many, which stands for itself minus an
/// offset.
#[derive(Clone, Copy)]
pub struct Framing {
    pub popped: Popped,
    pub seed_offset: i32,
    pub n_seeds: u32,
}

impl Framing {
    /// Of ints in 0..=max.
    pub fn of_ints(max: i32) -> Framing {
        Framing { popped: Popped { window: Window { max }, range: (0, max) }, seed_offset: 0, n_seeds: max as u32 + 1 }
    }

    /// How a seed is coded: as which of how many.
    pub fn seed(self, seed: i32) -> (u32, u32) {
        ((seed + self.seed_offset) as u32, self.n_seeds)
    }
}

/// How many lanes a tile of this cost gets.
pub(crate) fn log2_lanes(cost: i64) -> u8 {
    let bytes = cost / (256 * 8);
    (bytes / BYTES_PER_LANE).max(1).ilog2().min(u32::from(MAX_LOG2_LANES)) as u8
}

/// The payload of a tile: the seed is one of so many, `cost` is the sum of the intervals' costs, `symbol` gives the interval of an int
/// by its index, and how far it lies beyond the window's end.
pub(crate) fn pack(
    plan: &Plan,
    (seed, n_seeds): (u32, u32),
    cost: i64,
    symbol: impl Fn(usize) -> (Interval, Option<u32>),
) -> Vec<u8> {
    let log2_lanes = log2_lanes(cost);
    let n_lanes = 1 << log2_lanes;
    let mut pusher = Pusher::new(n_lanes);
    for &run in plan.order.iter().rev() {
        for (i, index) in run.indices().enumerate().rev() {
            let (interval, excess) = symbol(index);
            if let Some(excess) = excess {
                pusher.push(i % n_lanes, Interval::uniform(excess, 1 << PRECISION));
            }
            pusher.push(i % n_lanes, interval);
        }
    }
    pusher.push(0, Interval::uniform(seed, n_seeds));
    let mut payload = vec![log2_lanes];
    pusher.finish(&mut payload);
    payload
}

/// Opens a payload and pops the seed, one of `n_seeds`.
pub(crate) fn unpack(payload: &[u8], n_seeds: u32) -> Result<(Popper, u32)> {
    let (&log2_lanes, lanes) = payload.split_first().ok_or_else(|| Error::corrupt("a payload without bytes"))?;
    if log2_lanes > MAX_LOG2_LANES {
        return Err(Error::corrupt(format!("2^{log2_lanes} lanes")));
    }
    let mut popper = Popper::new(1 << log2_lanes, lanes)?;
    let (seed, interval) = Interval::of_uniform(popper.quantile(0), n_seeds)?;
    popper.pop(0, interval);
    Ok((popper, seed))
}

/// What is popped: in which window, and from where to where it may lie.
#[derive(Clone, Copy)]
pub struct Popped {
    pub window: Window,
    pub range: (i32, i32),
}

/// Pops the ints of a run but for those that are hidden, as many at once as there are lanes; its mixtures and predictions begin
/// at `from`.
#[expect(clippy::too_many_arguments, reason = "the stream, the cells, and what is known of them")]
pub(crate) fn pop(
    popper: &mut Popper,
    kernels: &Kernels,
    popped: Popped,
    run: Run,
    mixtures: &Mixtures,
    b: &[i32],
    from: usize,
    classes: &[u8],
    ints: &mut [i32],
) -> Result<()> {
    let (Popped { window, range: (least, most) }, n, n_lanes) = (popped, run.n as usize, popper.n_lanes());
    let of = Distributions { mixtures, window, b };
    let mut symbols = Inverted::default();
    let mut quantiles = [0; 1 << MAX_LOG2_LANES];
    let mut indices = run.indices();
    for first in (0..n).step_by(n_lanes) {
        let n = n_lanes.min(n - first);
        for (lane, quantile) in quantiles[..n].iter_mut().enumerate() {
            *quantile = popper.quantile(lane);
        }
        kernels.invert(of, from + first, n, &quantiles, &mut symbols);
        for (lane, index) in indices.by_ref().take(n).enumerate() {
            if hides(classes, index) {
                continue;
            }
            popper.pop(lane, Interval { start: symbols.start[lane], width: symbols.width[lane] });
            let (b, mut int) = (b[from + first + lane], symbols.ints[lane]);
            if beyond(window, b, int, int).is_some() {
                int = far(popper, lane, int, window.low(b))?;
            }
            if !(least..=most).contains(&int) {
                return Err(Error::corrupt(format!("int {int} in a plane of {least}..={most}")));
            }
            ints[index] = int;
        }
    }
    Ok(())
}

/// The int beyond the window's end `coded`.
fn far(popper: &mut Popper, lane: usize, coded: i32, low: i32) -> Result<i32> {
    let (excess, interval) = Interval::of_uniform(popper.quantile(lane), 1 << PRECISION)?;
    popper.pop(lane, interval);
    Ok(if coded == low { coded - excess as i32 } else { coded + excess as i32 })
}
