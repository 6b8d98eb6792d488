//! residual r → folded f = 2r or −2r − 1 → token and raw bits
//!
//! f < 32 is its own token. Above, each octave [2^e, 2^(e+1)) has four tokens, 32 + 4(e − 5) + (the two bits after the
//! leading one), and the remaining e − 2 bits are stored as they are: noise has no shape within a quarter of an octave.

/// Tokens 0..N_TOKENS cover every u32.
pub const N_TOKENS: usize = DIRECT as usize + 4 * (32 - DIRECT_LOG2 as usize);
const DIRECT_LOG2: u32 = 5;
const DIRECT: u32 = 1 << DIRECT_LOG2;

const _: () = assert!(N_TOKENS <= 256, "a token fits a byte");

#[inline(always)]
pub fn fold(residual: u32) -> u32 {
    let r = residual as i32;
    ((r << 1) ^ (r >> 31)) as u32
}

#[inline(always)]
pub fn unfold(folded: u32) -> u32 {
    (folded >> 1) ^ (folded & 1).wrapping_neg()
}

#[inline(always)]
pub fn token_of(folded: u32) -> u8 {
    let e = (folded | 1).ilog2();
    let wide = 4 * e + ((folded >> e.saturating_sub(2)) & 3) + DIRECT - 4 * DIRECT_LOG2;
    (if folded < DIRECT { folded } else { wide }) as u8
}

/// How a token is undone: f = base + the next n_extra raw bits.
#[derive(Clone, Copy, Default)]
pub struct Undo {
    pub base: u32,
    pub n_extra: u32,
}

impl Undo {
    pub const fn of(token: u8) -> Undo {
        let token = token as u32;
        if token < DIRECT {
            return Undo { base: token, n_extra: 0 };
        }
        // A byte that is no token behaves like the last one.
        let above = if token < N_TOKENS as u32 { token - DIRECT } else { N_TOKENS as u32 - 1 - DIRECT };
        let n_extra = above / 4 + DIRECT_LOG2 - 2;
        Undo { base: (4 + above % 4) << n_extra, n_extra }
    }

    /// The middle of what the token stands for.
    pub const fn middle(self) -> u32 {
        self.base + ((1 << self.n_extra) >> 1)
    }
}

pub const UNDO: [Undo; 256] = {
    let mut table = [Undo { base: 0, n_extra: 0 }; 256];
    let mut token = 0;
    while token < 256 {
        table[token] = Undo::of(token as u8);
        token += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_power_of_two_and_its_neighbours_come_back() {
        for f in (0..32).flat_map(|e| [(1u32 << e) - 1, 1 << e, (1 << e) + 1]).chain([u32::MAX, u32::MAX - 1]) {
            let undo = UNDO[token_of(f) as usize];
            assert!((token_of(f) as usize) < N_TOKENS);
            assert_eq!(undo.base + (f & ((1u32 << undo.n_extra) - 1)), f);
            assert_eq!(fold(unfold(f)), f);
        }
    }

    #[test]
    fn tokens_grow_with_what_they_stand_for() {
        for f in 1..5000 {
            assert!(token_of(f) >= token_of(f - 1));
        }
        assert_eq!(token_of(u32::MAX) as usize, N_TOKENS - 1);
    }
}
