//! Bytes as decisions: each call takes a few from the front, and zeros when none are left.

#[derive(Clone, Copy)]
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Script<'a> {
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = if n > 256 { self.word() as usize } else { self.byte() as usize };
        wide % n.max(1)
    }

    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A number near a boundary, of up to 64 bits.
    pub fn edge(&mut self) -> u64 {
        let (bit, off) = (self.byte(), self.byte());
        (1u64 << (bit % 64)).wrapping_add_signed(i64::from(off as i8))
    }

    /// Changes `bytes` in one of the ways in which lengths, numbers and codes go wrong.
    pub fn edit(&mut self, bytes: &mut Vec<u8>) {
        let (op, at) = (self.byte(), self.below(bytes.len() + 1));
        match op % 8 {
            0 | 1 => {
                let value = self.byte();
                bytes.get_mut(at).into_iter().for_each(|b| *b = value);
            }
            2 => bytes.get_mut(at).into_iter().for_each(|b| *b ^= 1 << (op >> 3 & 7)),
            3 => {
                let n = self.below(16);
                bytes.splice(at..at, self.take(n).iter().copied());
            }
            4 => {
                let end = (at + 1 + self.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 | 6 => {
                // a varint in the place of the one that may stand here
                let old = bytes[at..].iter().position(|b| b & 0x80 == 0).map_or(0, |n| n + 1);
                let new = varint(self.edge());
                bytes.splice(at..at + old, new);
            }
            _ => {
                let n = self.below(64);
                let new = self.take(n);
                bytes.splice(at.., new.iter().copied());
            }
        }
    }
}

pub fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    collapsar::internals::wire::put_varint(&mut out, value);
    out
}
