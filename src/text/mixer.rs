//! d = Σ wᵢ · xᵢ        weights of 16 bits: eight of them fill one register of any SIMD

/// Six contexts, a repeat, a constant.
pub const N_INPUTS: usize = 8;
/// In 2⁻¹³.
const FIRST_WEIGHT: i16 = 2125;

pub type Inputs = [i16; N_INPUTS];

/// Ways to trust a repeat, kinds of the last symbol, bits.
pub const N_SETS: usize = 5 * 16 * 8;

#[derive(Clone)]
pub struct Mixer(Box<[Inputs; N_SETS]>);

impl Default for Mixer {
    fn default() -> Mixer {
        Mixer(Box::new([[FIRST_WEIGHT; N_INPUTS]; N_SETS]))
    }
}

impl Mixer {
    #[inline(always)]
    pub fn mix(&self, set: usize, inputs: &Inputs) -> i32 {
        let sum: i32 = inputs.iter().zip(&self.0[set]).map(|(x, w)| i32::from(*x) * i32::from(*w)).sum();
        sum >> 13
    }

    /// `p` is the probability of a 1 that came of it, in 2¹⁶.
    #[inline(always)]
    pub fn learn(&mut self, set: usize, inputs: &Inputs, p: u32, bit: u32) {
        let error = ((bit << 16) as i32 - p as i32) >> 1;
        for (w, x) in self.0[set].iter_mut().zip(inputs) {
            *w = w.saturating_add(((i32::from(*x) * error + (1 << 15)) >> 16) as i16);
        }
    }
}
