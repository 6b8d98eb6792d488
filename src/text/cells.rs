//! (context, node) → how likely the next bit is a 1
//!
//! All contexts share one table. A cell serves the four bits of half a symbol in one context: 15 counters, one for every way there, and
//! a mark that says whose it is. Of two cells that may serve, the one that was used less is given up to a context that is new.

use super::page::hash;

const LOG2_CELLS: u32 = 14;
const N_CELLS: usize = 1 << LOG2_CELLS;
/// A counter has its probability of a 1 in the high 12 bits, and in the low 4 how often it was used.
const MAX_USES: u32 = 15;
const EVEN: u16 = 0x8000;
/// ⌊2¹⁴ / (n + 1½)⌋.
const RATES: [i32; MAX_USES as usize + 1] = {
    let mut rates = [0; MAX_USES as usize + 1];
    let mut n = 0;
    while n < rates.len() {
        rates[n] = (1 << 15) / (2 * n as i32 + 3);
        n += 1;
    }
    rates
};

/// In place 0 the mark, then the counters by node 1 … 15.
type Cell = [u16; 16];

pub struct Cells(Box<[Cell; N_CELLS]>);

impl Default for Cells {
    fn default() -> Cells {
        let mut cell = [EVEN; 16];
        cell[0] = 0;
        Cells::of(vec![cell; N_CELLS])
    }
}

impl Clone for Cells {
    fn clone(&self) -> Cells {
        Cells::of(self.0.to_vec())
    }
}

impl Cells {
    fn of(cells: Vec<Cell>) -> Cells {
        Cells(cells.try_into().expect("there are that many"))
    }

    /// The cell of a context behind the bits of `node`; a new one where it has none.
    #[inline(always)]
    pub fn find(&mut self, context: u32, node: u32) -> usize {
        let h = hash(context, node);
        let (first, mark) = ((h >> (32 - LOG2_CELLS)) as usize, h as u16);
        let cells = &mut *self.0;
        let second = first ^ 1;
        if cells[first][0] == mark {
            return first;
        }
        if cells[second][0] == mark {
            return second;
        }
        let uses = |cell: usize| cells[cell][1] & 15;
        let given_up = if uses(first) > uses(second) { second } else { first };
        cells[given_up] = [EVEN; 16];
        cells[given_up][0] = mark;
        given_up
    }

    /// 0 … 4095, of a 1.
    #[inline(always)]
    pub fn p(&self, cell: usize, node: usize) -> u16 {
        self.0[cell & (N_CELLS - 1)][node & 15] >> 4
    }

    #[inline(always)]
    pub fn learn(&mut self, cell: usize, node: usize, bit: u32) {
        let counter = &mut self.0[cell & (N_CELLS - 1)][node & 15];
        let (p, uses) = (i32::from(*counter & 0xfff0 | 8), u32::from(*counter & 15));
        let target = if bit == 1 { 65_535 } else { 0 };
        let p = p + (((target - p) * RATES[uses as usize] + (1 << 13)) >> 14);
        *counter = p as u16 & 0xfff0 | (uses + 1).min(MAX_USES) as u16;
    }
}
