//! frequencies → code lengths → codes, with zlib's answer wherever Huffman leaves a choice
//!
//! The choices are: of two nodes of equal frequency the shallower goes first; a heap (not a sorted list) decides the rest; lengths
//! over the limit are repaired from the longest down; a code with fewer than two symbols is given dummies.

use super::bits::Bits;

const MAX_BITS: usize = 15;
/// A heap of the largest alphabet with its inner nodes, from 1 on.
const HEAP_SIZE: usize = 2 * 286 + 1;

/// A finished code: `lengths[s]` bits for symbol s, 0 where it does not occur.
pub struct Code {
    pub lengths: Vec<u8>,
    /// The bits of each symbol, reversed for the bit writer.
    codes: Vec<u16>,
    /// The last symbol that has a code.
    pub max_symbol: usize,
}

impl Code {
    pub fn optimal(frequencies: &[u32], max_length: usize) -> Code {
        let mut huffman = Huffman::new(frequencies);
        huffman.add_dummies();
        huffman.join();
        let lengths = huffman.lengths(max_length);
        Code { codes: codes(&lengths), lengths, max_symbol: huffman.max_symbol }
    }

    pub fn of_lengths(lengths: Vec<u8>) -> Code {
        Code { codes: codes(&lengths), max_symbol: lengths.len() - 1, lengths }
    }

    pub fn push(&self, symbol: usize, bits: &mut Bits) {
        bits.push(self.codes[symbol].into(), self.lengths[symbol].into());
    }

    /// Σ frequency · (code length + extra bits); the dummies cost nothing, as they are not sent.
    pub fn cost(&self, frequencies: &[u32], extra: impl Fn(usize) -> u32) -> u64 {
        let cost = |(s, &f): (usize, &u32)| u64::from(f) * u64::from(u32::from(self.lengths[s]) + extra(s));
        frequencies.iter().enumerate().map(cost).sum()
    }
}

/// Canonical codes: by length, then by symbol.
fn codes(lengths: &[u8]) -> Vec<u16> {
    let mut count = [0u16; MAX_BITS + 1];
    lengths.iter().filter(|&&n| n > 0).for_each(|&n| count[usize::from(n)] += 1);
    let mut next = [0u16; MAX_BITS + 1];
    for n in 1..=MAX_BITS {
        next[n] = (next[n - 1] + count[n - 1]) << 1;
    }
    let mut code = |&n: &u8| {
        if n == 0 {
            return 0;
        }
        let code = next[usize::from(n)];
        next[usize::from(n)] = code.wrapping_add(1);
        code.reverse_bits() >> (16 - n)
    };
    lengths.iter().map(&mut code).collect()
}

struct Huffman {
    n_symbols: usize,
    max_symbol: usize,
    /// Of symbols, then of inner nodes.
    frequencies: Vec<u32>,
    depth: Vec<u8>,
    parent: Vec<usize>,
    /// A heap in [1, n_heap]; from `done` on the nodes that left it, last to leave first.
    heap: [usize; HEAP_SIZE],
    n_heap: usize,
    done: usize,
}

impl Huffman {
    fn new(frequencies: &[u32]) -> Huffman {
        let n_symbols = frequencies.len();
        let mut huffman = Huffman {
            n_symbols,
            max_symbol: 0,
            frequencies: frequencies.to_vec(),
            depth: vec![0; n_symbols],
            parent: vec![0; 2 * n_symbols],
            heap: [0; HEAP_SIZE],
            n_heap: 0,
            done: HEAP_SIZE,
        };
        for symbol in (0..n_symbols).filter(|&s| frequencies[s] > 0) {
            huffman.n_heap += 1;
            huffman.heap[huffman.n_heap] = symbol;
            huffman.max_symbol = symbol;
        }
        huffman
    }

    /// Inflaters want a code of at least two symbols.
    fn add_dummies(&mut self) {
        let mut none_yet = self.n_heap == 0;
        while self.n_heap < 2 {
            let symbol = match self.max_symbol {
                _ if none_yet => 0,
                0 | 1 => self.max_symbol + 1,
                _ => 0,
            };
            none_yet = false;
            self.max_symbol = self.max_symbol.max(symbol);
            self.n_heap += 1;
            self.heap[self.n_heap] = symbol;
            self.frequencies[symbol] = 1;
        }
    }

    fn first(&self, a: usize, b: usize) -> bool {
        (self.frequencies[a], self.depth[a]) <= (self.frequencies[b], self.depth[b])
    }

    fn sift_down(&mut self, mut k: usize) {
        let node = self.heap[k];
        let mut child = 2 * k;
        while child <= self.n_heap {
            if child < self.n_heap && self.first(self.heap[child + 1], self.heap[child]) {
                child += 1;
            }
            if self.first(node, self.heap[child]) {
                break;
            }
            self.heap[k] = self.heap[child];
            k = child;
            child *= 2;
        }
        self.heap[k] = node;
    }

    fn retire(&mut self, node: usize) {
        self.done -= 1;
        self.heap[self.done] = node;
    }

    /// Joins the two rarest nodes until one is left.
    fn join(&mut self) {
        for k in (1..=self.n_heap / 2).rev() {
            self.sift_down(k);
        }
        while self.n_heap >= 2 {
            let a = self.heap[1];
            self.heap[1] = self.heap[self.n_heap];
            self.n_heap -= 1;
            self.sift_down(1);
            let b = self.heap[1];
            self.retire(a);
            self.retire(b);
            let node = self.frequencies.len();
            self.frequencies.push(self.frequencies[a] + self.frequencies[b]);
            self.depth.push(self.depth[a].max(self.depth[b]) + 1);
            self.parent[a] = node;
            self.parent[b] = node;
            self.heap[1] = node;
            self.sift_down(1);
        }
        self.retire(self.heap[1]);
    }

    fn lengths(&self, max_length: usize) -> Vec<u8> {
        let mut lengths = vec![0u8; self.frequencies.len()];
        let mut count = [0usize; MAX_BITS + 1];
        let mut n_over = 0isize;
        for &node in &self.heap[self.done + 1..] {
            let length = usize::from(lengths[self.parent[node]]) + 1;
            n_over += isize::from(length > max_length);
            lengths[node] = length.min(max_length) as u8;
            if node < self.n_symbols {
                count[length.min(max_length)] += 1;
            }
        }
        if n_over > 0 {
            self.shorten(&mut lengths, &mut count, n_over, max_length);
        }
        lengths.truncate(self.n_symbols);
        lengths
    }

    /// Moves one leaf down for every two that were too deep, then deals the lengths out again, the rarest getting the longest.
    fn shorten(&self, lengths: &mut [u8], count: &mut [usize], mut n_over: isize, max_length: usize) {
        while n_over > 0 {
            let Some(length) = (1..max_length).rev().find(|&n| count[n] > 0) else { break };
            count[length] -= 1;
            count[length + 1] += 2;
            count[max_length] -= 1;
            n_over -= 2;
        }
        let mut leaves = self.heap[self.done..].iter().rev().filter(|&&node| node < self.n_symbols);
        for length in (1..=max_length).rev() {
            for &leaf in leaves.by_ref().take(count[length]) {
                lengths[leaf] = length as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_nothing_has_two_symbols_of_one_bit() {
        let code = Code::optimal(&[0; 30], 15);
        assert_eq!((code.lengths[0], code.lengths[1], code.max_symbol), (1, 1, 1));
    }

    #[test]
    fn no_code_is_longer_than_its_limit_and_each_is_complete() {
        let mut fibonacci = [0u32; 19];
        let mut next = (1, 1);
        for f in &mut fibonacci {
            *f = next.0;
            next = (next.1, next.0 + next.1);
        }
        for max_length in [5, 7, 15] {
            let code = Code::optimal(&fibonacci, max_length);
            let kraft: u32 = code.lengths.iter().map(|&n| 1 << (max_length - usize::from(n))).sum();
            assert_eq!(kraft, 1 << max_length);
        }
    }
}
