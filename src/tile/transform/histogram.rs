//! Σ n · log₂(n) − Σ nₛ · log₂(nₛ)        what symbols take where a context is known, from how often they come: an encoder's estimate

use crate::kernel::log2::log2;

/// How often each of N symbols came in each of C contexts.
pub struct Histogram<const C: usize, const N: usize>([[u32; N]; C]);

impl<const C: usize, const N: usize> Default for Histogram<C, N> {
    fn default() -> Self {
        Histogram([[0; N]; C])
    }
}

impl<const C: usize, const N: usize> Histogram<C, N> {
    #[inline(always)]
    pub fn add(&mut self, context: usize, symbol: usize) {
        self.0[context][symbol] += 1;
    }

    pub fn bits(&self) -> u64 {
        let weighed = |n: u32| if n == 0 { 0 } else { u64::from(n) * log2(n as i32) as u64 };
        let of_context =
            |counts: &[u32; N]| weighed(counts.iter().sum()) - counts.iter().map(|&n| weighed(n)).sum::<u64>();
        self.0.iter().map(of_context).sum::<u64>() / 256
    }
}
