//! The payload of a TILE block: which array, which tile, how it is coded, and the code.

use crate::error::{Error, Result};
use crate::tile::code::{Code, Mode};
use crate::tile::mask::Kind;
use crate::wire::{put_varint, take_u8, take_varint};

/// The identity in front of a tile's code, and how it is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    pub array: u64,
    pub number: u64,
    pub mode: Mode,
    pub mask: Kind,
}

impl Label {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.array);
        put_varint(out, self.number);
        out.push(mode(self.mode, self.mask));
    }

    pub fn read(from: &mut &[u8]) -> Result<Label> {
        let (array, number) = (take_varint(from)?, take_varint(from)?);
        let (mode, mask) = read_mode(take_u8(from)?)?;
        Ok(Label { array, number, mode, mask })
    }
}

/// The byte in front of a code.
pub fn mode(mode: Mode, mask: Kind) -> u8 {
    mode as u8 | (mask as u8) << 1
}

/// Its inverse.
pub fn read_mode(byte: u8) -> Result<(Mode, Kind)> {
    let mode = if byte & 1 == 0 { Mode::Classic } else { Mode::Network };
    let mask = match byte >> 1 {
        0 => Kind::None,
        1 => Kind::Whole,
        2 => Kind::Coded,
        3 => Kind::Common,
        _ => return Err(Error::unsupported(format!("tile mode {byte} is not known to this version"))),
    };
    Ok((mode, mask))
}

/// The payload of tile `number` of an array.
pub fn write(array: u64, number: u64, code: &Code) -> Vec<u8> {
    let mut out = Vec::with_capacity(code.bytes.len() + 12);
    Label { array, number, mode: code.mode, mask: code.mask }.write(&mut out);
    out.extend(&code.bytes);
    out
}

/// Its inverse.
pub fn read(mut payload: &[u8]) -> Result<(Label, Code)> {
    let label = Label::read(&mut payload)?;
    Ok((label, Code { mode: label.mode, mask: label.mask, bytes: payload.to_vec() }))
}
