//! What decoding gives ↔ what was there, by the decoder's own arithmetic.

use crate::codec::array::head::Head;
use crate::codec::search::view::SCAN_CHUNK;
use crate::error::Result;
use crate::sample::Errors;
use rayon::prelude::*;

/// Holds what decoding gives against what was there.
pub fn check(head: &Head, raw: &[u8], given: &[u8]) -> Result<Errors> {
    let parts = raw.par_chunks(SCAN_CHUNK).zip(given.par_chunks(SCAN_CHUNK));
    let parts = parts.map(|(raw, given)| head.map.check(raw, given, head.ty.big_endian));
    let mut all = Errors::default();
    for part in parts.collect::<Result<Vec<Errors>>>()? {
        all.merge(&part);
    }
    Ok(all)
}
