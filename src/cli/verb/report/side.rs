//! One side of a chart: numbers or their logarithms, with round ticks whose names do not stand over each other.

use crate::cli::talk::svg::{self, Axis, Frame};

pub const SIZE: (f64, f64) = (400.0, 300.0);
pub const FRAME: Frame = Frame { left: 64.0, right: 388.0, top: 12.0, bottom: 244.0 };
/// Where the largest number is no more than so many times the smallest, an axis is linear.
const NEAR: f64 = 3.0;
const MIN_TICKS: usize = 3;
/// How high the name of a tick is.
const LINE: f64 = 15.0;

/// An axis of numbers, and whether it is of their logarithms.
pub struct Side<'a> {
    pub axis: Axis<'a>,
    pub is_log: bool,
}

impl<'a> Side<'a> {
    pub fn new(name: &'a str, numbers: impl Iterator<Item = f64> + Clone) -> Side<'a> {
        let of = numbers.clone();
        let (min, max) = (of.clone().fold(f64::INFINITY, f64::min), of.fold(f64::NEG_INFINITY, f64::max));
        let is_log = min > 0.0 && max / min > NEAR;
        if is_log {
            let (min, max) = (min.log10(), max.log10());
            let more = 0.06 * (max - min);
            let ends = (min - more, max + more);
            let mut axis = Axis::logarithmic(name, ends);
            if axis.ticks.len() < MIN_TICKS {
                let round = Axis::linear(name, (10f64.powf(ends.0), 10f64.powf(ends.1)), 6.0);
                axis.ticks = round.ticks.into_iter().map(|(x, name)| (x.log10(), name)).collect();
            }
            return Side { axis, is_log };
        }
        Side::linear(name, numbers)
    }

    /// Of the numbers themselves however far apart they are.
    pub fn linear(name: &'a str, numbers: impl Iterator<Item = f64> + Clone) -> Side<'a> {
        let (min, max) = (numbers.clone().fold(f64::INFINITY, f64::min), numbers.fold(f64::NEG_INFINITY, f64::max));
        let more = if max > min { 0.08 * (max - min) } else { 0.1 * max.abs().max(0.1) };
        Side { axis: Axis::linear(name, (min - more, max + more), 5.0), is_log: false }
    }

    pub fn of(&self, x: f64) -> f64 {
        if self.is_log { x.log10() } else { x }
    }

    pub fn x(&self, frame: &Frame, x: f64) -> f64 {
        frame.x(self.of(x), &self.axis)
    }

    pub fn y(&self, frame: &Frame, y: f64) -> f64 {
        frame.y(self.of(y), &self.axis)
    }

    /// Leaves out names that would stand over those beside them.
    pub fn thin(&mut self, frame: &Frame) {
        let bare = Axis { name: "", ends: self.axis.ends, ticks: Vec::new() };
        svg::thin(&mut self.axis.ticks, |tick| frame.x(tick, &bare));
    }

    /// The same of names that stand below each other: what counts is their height.
    pub fn thin_up(&mut self, frame: &Frame) {
        let bare = Axis { name: "", ends: self.axis.ends, ticks: Vec::new() };
        let mut last = f64::INFINITY;
        self.axis.ticks.retain(|(tick, _)| {
            let at = frame.y(*tick, &bare);
            let is_free = last - at > LINE;
            if is_free {
                last = at;
            }
            is_free
        });
    }
}
