//! A refitted layer as adaptive symbols: FORMAT.md, section "Refitted layers".
//!
//! ```text
//! number of the net varint · one lane: per output g, one of 8 alike · per input and then for the bias q
//! ```
//!
//! q is folded (0, −1, 1, −2, … → 0, 1, 2, 3, …); up to 14 it is its own symbol, above that symbol 15 and the rest in 24 plain
//! bits. A symbol's frequency begins at a falling guess and rises by 32 with every use; there are three tables, by how large the
//! q before it and the q of the same input of the output before are.

use crate::entropy::lanes::{Interval, Popper, Pusher};
use crate::error::{Error, Result};
use crate::kernel::interval::PRECISION;
use crate::model::Model;
use crate::net::{MAX_LOG2_STEP, Refit};
use crate::wire::{put_varint, take_bytes, take_varint};

const N_SYMBOLS: usize = 16;
const FAR: u32 = N_SYMBOLS as u32 - 1;
const FIRST: [u32; N_SYMBOLS] = [64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1, 1, 1, 1];
const RISE: u32 = 32;

/// How often each symbol came, in one context.
#[derive(Clone, Copy)]
struct Table([u32; N_SYMBOLS]);

impl Table {
    /// Width of one count.
    fn unit(&self) -> u32 {
        (1 << PRECISION) / self.0.iter().sum::<u32>()
    }

    fn interval(&self, symbol: u32) -> Interval {
        let before: u32 = self.0[..symbol as usize].iter().sum();
        Interval { start: before * self.unit(), width: self.0[symbol as usize] * self.unit() }
    }

    fn symbol(&self, quantile: u32) -> Result<u32> {
        let (count, mut sum) = (quantile / self.unit(), 0);
        let found = self.0.iter().position(|n| {
            sum += n;
            count < sum
        });
        found.map(|s| s as u32).ok_or_else(|| Error::corrupt("a quantile that no symbol owns"))
    }

    fn rise(&mut self, symbol: u32) {
        self.0[symbol as usize] += RISE;
    }
}

/// What is known before a q: those before it in its row, and the row before.
struct Known {
    tables: [Table; 3],
    width: usize,
    counts: Vec<i32>,
}

impl Known {
    fn new(width: usize) -> Known {
        Known { tables: [Table(FIRST); 3], width, counts: Vec::new() }
    }

    fn table(&mut self) -> &mut Table {
        let at = self.counts.len();
        let left = if at.is_multiple_of(self.width) { 0 } else { self.counts[at - 1].unsigned_abs() };
        let above = if at < self.width { 0 } else { self.counts[at - self.width].unsigned_abs() };
        &mut self.tables[match left.saturating_add(above) {
            0 => 0,
            1..=2 => 1,
            _ => 2,
        }]
    }
}

fn folded(q: i32) -> u32 {
    ((q << 1) ^ (q >> 31)) as u32
}

fn unfolded(f: u32) -> i32 {
    (f >> 1) as i32 ^ -((f & 1) as i32)
}

/// What a head takes to say that a net is refitted.
pub fn n_bytes(net: usize, refit: &Refit) -> u64 {
    let mut bytes = Vec::new();
    write(net, refit, &mut bytes);
    bytes.len() as u64
}

pub fn write(net: usize, refit: &Refit, out: &mut Vec<u8>) {
    put_varint(out, net as u64);
    let width = refit.counts.len() / refit.log2_steps.len();
    let mut known = Known::new(width);
    let mut symbols = Vec::new();
    for (i, &q) in refit.counts.iter().enumerate() {
        if i.is_multiple_of(width) {
            symbols.push(Interval::uniform(refit.log2_steps[i / width].into(), u32::from(MAX_LOG2_STEP) + 1));
        }
        let table = known.table();
        let symbol = folded(q).min(FAR);
        symbols.push(table.interval(symbol));
        table.rise(symbol);
        if symbol == FAR {
            symbols.push(Interval::uniform(folded(q) - FAR, 1 << PRECISION));
        }
        known.counts.push(q);
    }
    let mut pusher = Pusher::new(1);
    symbols.into_iter().rev().for_each(|interval| pusher.push(0, interval));
    pusher.finish(out);
}

/// The refit of one of a model's nets, and which.
pub fn read(from: &mut &[u8], model: &Model) -> Result<(usize, Refit)> {
    let number = usize::try_from(take_varint(from)?).unwrap_or(usize::MAX);
    let net = &model.nets.get(number).ok_or_else(|| Error::corrupt("a refit of a net that the model has not"))?.net;
    let mut after = *from;
    let n_words = take_varint(&mut after)?;
    let n_bytes = n_words.saturating_mul(4).saturating_add((from.len() - after.len()) as u64);
    let mut popper = Popper::new(1, take_bytes(from, usize::try_from(n_bytes).unwrap_or(usize::MAX))?)?;
    let (n_out, width) = (net.spec().head.n_outputs(), net.n_last_used() + 1);
    let mut known = Known::new(width);
    let mut log2_steps = Vec::new();
    for i in 0..n_out * width {
        if i.is_multiple_of(width) {
            let (g, interval) = Interval::of_uniform(popper.quantile(0), u32::from(MAX_LOG2_STEP) + 1)?;
            popper.pop(0, interval);
            log2_steps.push(g as u8);
        }
        let table = known.table();
        let symbol = table.symbol(popper.quantile(0))?;
        popper.pop(0, table.interval(symbol));
        table.rise(symbol);
        let mut f = symbol;
        if symbol == FAR {
            let (more, interval) = Interval::of_uniform(popper.quantile(0), 1 << PRECISION)?;
            popper.pop(0, interval);
            f += more;
        }
        known.counts.push(unfolded(f));
    }
    popper.finish()?;
    Ok((number, Refit { log2_steps, counts: known.counts }))
}
