//! Which cells come when: blocks of 16, each of one frame, in an order that a seed decides and that is another one every time round.

use crate::fit::cells::{Cells, stride};
use crate::fit::likelihood::N;

/// 16 cells of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub frame: usize,
    number: usize,
}

/// All blocks of some frames.
pub struct Order {
    blocks: Vec<Place>,
    /// By frame: how far cells of a block lie apart, so that every block is a fair sample of its frame.
    strides: Vec<usize>,
    next: usize,
    state: u64,
}

impl Order {
    pub fn new(frames: &[Cells], seed: u64) -> Order {
        let of_frame =
            |(frame, cells): (usize, &Cells)| (0..cells.len() / N).map(move |number| Place { frame, number });
        let blocks: Vec<Place> = frames.iter().enumerate().flat_map(of_frame).collect();
        let strides = frames.iter().map(|cells| stride(cells.len())).collect();
        Order { next: blocks.len(), blocks, strides, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks in the order of the frames, or as many of them all over.
    pub fn evenly(&self, n_most: usize) -> Vec<Place> {
        let (n, n_all) = (n_most.min(self.blocks.len()), self.blocks.len());
        (0..n).map(|i| self.blocks[i * n_all / n]).collect()
    }

    /// The next `n` blocks; where there are fewer, they come again.
    pub fn draw(&mut self, n: usize) -> Vec<Place> {
        let mut out = Vec::with_capacity(n);
        while out.len() < n {
            if self.next == self.blocks.len() {
                self.shuffle();
            }
            let some = (n - out.len()).min(self.blocks.len() - self.next);
            out.extend(&self.blocks[self.next..][..some]);
            self.next += some;
        }
        out
    }

    fn shuffle(&mut self) {
        for i in (1..self.blocks.len()).rev() {
            // xorshift64*, of which the high bits are the good ones
            self.state ^= self.state >> 12;
            self.state ^= self.state << 25;
            self.state ^= self.state >> 27;
            let random = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
            self.blocks.swap(i, ((random * (i as u64 + 1)) >> 32) as usize);
        }
        self.next = 0;
    }

    /// Where the cells of a block lie in their frame.
    pub fn cells(&self, place: Place, frames: &[Cells]) -> [usize; N] {
        let (n, stride) = (frames[place.frame].len() as u64, self.strides[place.frame] as u64);
        std::array::from_fn(|i| ((place.number * N + i) as u64 * stride % n) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Cells> {
        let of = |n: usize| Cells { s: vec![1; n], ..Cells::new(4, 9) };
        vec![of(160), of(15), of(100)]
    }

    #[test]
    fn every_block_comes_once_before_one_comes_again() {
        let frames = frames();
        let mut order = Order::new(&frames, 7);
        let mut met = vec![0; 160];
        for place in order.draw(16) {
            let cells = order.cells(place, &frames);
            if place.frame == 0 {
                cells.into_iter().for_each(|i| met[i] += 1);
            }
        }
        assert!(met.iter().all(|n| *n == 1));
        let (again, other) = (Order::new(&frames, 7).draw(40), Order::new(&frames, 8).draw(40));
        assert_eq!(again, Order::new(&frames, 7).draw(40));
        assert_ne!(again, other);
        assert_ne!(again[..16], again[16..32]);
    }
}
