//! "\x93NUMPY" major minor | header length: u16 (version 1) or u32 (2, 3), little endian | header: a Python dict | samples
//!
//! The dict is `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. An array in Fortran order is the array of the
//! reversed shape in C order: the same bytes, read the other way round.

#[cfg(test)]
mod tests;

use super::begins_with;
use super::pieces::{Found, Reading, cut_short};
use super::{Described, Format};
use crate::array::{ArrayType, Dtype};
use crate::error::Result;
use crate::source::Source;

const MAGIC: &[u8] = b"\x93NUMPY";
/// numpy itself refuses to read headers over 10 000 bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// numpy's own limit is 64.
const MAX_DIMS: usize = 999;

pub(super) fn sniff(source: &dyn Source) -> Result<bool> {
    begins_with(source, MAGIC)
}

pub(super) fn read(source: &dyn Source) -> Result<Reading> {
    let (header, start) = match header(source)? {
        Ok(found) => found,
        Err(why) => return Ok(Reading::other(Some(format!("begins like NPY, but {why}")))),
    };
    let ty = match Dict::parse(&header).and_then(|dict| dict.array_type()) {
        Ok(ty) => ty,
        Err(why) => return Ok(Reading { format: Format::Npy, arrays: Vec::new(), note: Some(why) }),
    };
    let Ok(n_bytes) = ty.n_bytes() else {
        let note = Some(format!("shape {:?} is larger than any file", ty.shape));
        return Ok(Reading { format: Format::Npy, arrays: Vec::new(), note });
    };
    let available = source.len() - start;
    if available < n_bytes {
        let note = Some(format!("the array is cut short: {available} of {n_bytes} bytes are there"));
        return Ok(Reading { format: Format::Npy, arrays: cut_short(start, &ty, available, "array"), note });
    }
    let left = available - n_bytes;
    let note = (left > 0).then(|| format!("{left} bytes follow the array"));
    Ok(Reading { format: Format::Npy, arrays: vec![Found { offset: start, ty, label: "array".into() }], note })
}

/// The array whose header ends where these bytes end.
pub(super) fn before(bytes: &[u8]) -> Option<Described> {
    let start = bytes.windows(MAGIC.len()).rposition(|window| window == MAGIC)?;
    let text = &bytes[start..];
    let (dict, end) = header(&text).ok()?.ok()?;
    let ty = Dict::parse(&dict).and_then(Dict::array_type).ok()?;
    (end == text.len() as u64).then_some(Described { ty, missing: None })
}

/// The text of the header and where the samples begin, or what is wrong.
fn header(source: &dyn Source) -> Result<std::result::Result<(Vec<u8>, u64), &'static str>> {
    if source.len() < 12 {
        return Ok(Err("ends within its header"));
    }
    let head = source.bytes(0, 12)?;
    let (start, len) = match head[6] {
        1 => (10, u64::from(u16::from_le_bytes([head[8], head[9]]))),
        2 | 3 => (12, u64::from(u32::from_le_bytes([head[8], head[9], head[10], head[11]]))),
        _ => return Ok(Err("its version is not 1, 2 or 3")),
    };
    if len > MAX_HEADER_BYTES {
        return Ok(Err("its header is unreasonably long"));
    }
    if start + len > source.len() {
        return Ok(Err("ends within its header"));
    }
    Ok(Ok((source.bytes(start, len as usize)?, start + len)))
}

/// The three entries that every header has.
#[derive(Default)]
struct Dict {
    descr: Option<String>,
    fortran_order: Option<bool>,
    shape: Option<Vec<u64>>,
}

impl Dict {
    fn parse(text: &[u8]) -> std::result::Result<Dict, String> {
        let mut rest = Literal { rest: text };
        let mut dict = Dict::default();
        let odd = || "the header is not the dict that NPY prescribes".to_string();
        if !rest.eat(b'{') {
            return Err(odd());
        }
        while !rest.eat(b'}') {
            let key = rest.string().ok_or_else(odd)?;
            if !rest.eat(b':') {
                return Err(odd());
            }
            match key.as_str() {
                "descr" if rest.peek() == Some(b'[') => return Err("structured samples are kept as they are".into()),
                "descr" => dict.descr = Some(rest.string().ok_or_else(odd)?),
                "fortran_order" => dict.fortran_order = Some(rest.truth().ok_or_else(odd)?),
                "shape" => dict.shape = Some(rest.tuple().ok_or_else(odd)?),
                _ => return Err(odd()),
            }
            if !rest.eat(b',') && rest.peek() != Some(b'}') {
                return Err(odd());
            }
        }
        Ok(dict)
    }

    fn array_type(self) -> std::result::Result<ArrayType, String> {
        let (Some(descr), Some(fortran_order), Some(mut shape)) = (self.descr, self.fortran_order, self.shape) else {
            return Err("the header lacks descr, fortran_order or shape".into());
        };
        let (big_endian, code) = match descr.as_bytes() {
            [b'>', code @ ..] => (true, code),
            // '=' is the writer's own order, which a file cannot tell; nearly every machine is little endian.
            [b'<' | b'=' | b'|', code @ ..] | code => (false, code),
        };
        let dtype = match code {
            b"b1" | b"u1" => Dtype::U8,
            b"i1" => Dtype::I8,
            b"u2" => Dtype::U16,
            b"i2" => Dtype::I16,
            b"u4" => Dtype::U32,
            b"i4" => Dtype::I32,
            b"u8" => Dtype::U64,
            b"i8" => Dtype::I64,
            b"f4" => Dtype::F32,
            b"f8" => Dtype::F64,
            _ => return Err(format!("samples of type {descr:?} are kept as they are")),
        };
        if fortran_order {
            shape.reverse();
        }
        Ok(ArrayType { dtype, big_endian: big_endian && dtype.n_bytes() > 1, shape })
    }
}

/// What is left of a Python literal.
struct Literal<'a> {
    rest: &'a [u8],
}

impl Literal<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.rest = &self.rest[usize::from(found)..];
        found
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.peek().filter(|q| matches!(q, b'\'' | b'"'))?;
        let quoted = &self.rest[1..];
        let n = quoted.iter().position(|&b| b == quote)?;
        let text = std::str::from_utf8(&quoted[..n]).ok()?.to_string();
        self.rest = &quoted[n + 1..];
        Some(text)
    }

    fn truth(&mut self) -> Option<bool> {
        self.peek();
        for (word, truth) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(truth);
            }
        }
        None
    }

    fn number(&mut self) -> Option<u64> {
        self.peek();
        let n_digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(n_digits);
        // Python 2 wrote longs as 3L.
        self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut dims = Vec::new();
        if !self.eat(b'(') {
            return None;
        }
        while !self.eat(b')') {
            if dims.len() == MAX_DIMS {
                return None;
            }
            dims.push(self.number()?);
            if !self.eat(b',') && self.peek() != Some(b')') {
                return None;
            }
        }
        Some(dims)
    }
}
