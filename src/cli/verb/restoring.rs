//! content → the same with arrays of rounded floats restored, in two passes: what values there are, and then other values for them

use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::array::memory::Resources;
use collapsar::internals::codec::file::Progress;
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::codec::file::decode::decode_all;
use collapsar::internals::sample::{Comb, Restorer};
use collapsar::internals::{Error, Result};
use std::io::{self, Write};

/// Decodes a file into `out`; the bits that the mantissas of its arrays were rounded to, None where an array stays as it is.
pub fn decode(
    archive: &Archive,
    with: &Resources,
    out: &mut dyn Write,
    progress: Progress,
) -> Result<Vec<Option<u32>>> {
    if archive.recipe.is_some() {
        return Err(Error::argument("--restore: the content is a .gz, which is given back as it was"));
    }
    let arrays = archive.arrays().map(|a| (a.offset, a.head.ty.clone()));
    let mut combs: Vec<Part<Option<Comb>>> =
        arrays.map(|(offset, ty)| Part { offset, of: Comb::new(ty.dtype), ty }).collect();
    let update = |comb: &mut Option<Comb>, bytes: &mut [u8], ty: &ArrayType| {
        comb.iter_mut().for_each(|comb| comb.update(bytes, ty.big_endian));
    };
    decode_all(archive, with, &mut Parts::new(&mut combs, &update, &mut io::sink()), progress)?;
    let restorer = |comb: Option<Comb>| comb.and_then(|comb| comb.restorer(None));
    let mut restorers: Vec<Part<Option<Restorer>>> =
        combs.into_iter().map(|Part { offset, of, ty }| Part { offset, of: restorer(of), ty }).collect();
    let n_bits = restorers.iter().map(|part| part.of.as_ref().map(Restorer::n_bits)).collect();
    let restore = |restorer: &mut Option<Restorer>, bytes: &mut [u8], ty: &ArrayType| {
        restorer.iter_mut().for_each(|restorer| restorer.restore(bytes, ty.big_endian));
    };
    decode_all(archive, with, &mut Parts::new(&mut restorers, &restore, out), progress)?;
    Ok(n_bits)
}

/// An array in the content, and what goes with it.
struct Part<T> {
    offset: u64,
    ty: ArrayType,
    of: T,
}

/// Hands on what is written, after the bytes of arrays were looked at or changed.
struct Parts<'a, T> {
    rest: &'a mut [Part<T>],
    each: &'a dyn Fn(&mut T, &mut [u8], &ArrayType),
    out: &'a mut dyn Write,
    at: u64,
}

impl<'a, T> Parts<'a, T> {
    fn new(
        rest: &'a mut [Part<T>],
        each: &'a dyn Fn(&mut T, &mut [u8], &ArrayType),
        out: &'a mut dyn Write,
    ) -> Parts<'a, T> {
        Parts { rest, each, out, at: 0 }
    }
}

impl<T> Write for Parts<'_, T> {
    /// A decoder writes whole samples of one array, or bytes of none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_over = |part: &Part<T>| part.ty.n_bytes().is_ok_and(|n| part.offset + n <= self.at);
        while self.rest.first().is_some_and(is_over) {
            self.rest = &mut std::mem::take(&mut self.rest)[1..];
        }
        match self.rest.first_mut() {
            Some(part) if part.offset <= self.at => {
                let mut samples = bytes.to_vec();
                (self.each)(&mut part.of, &mut samples, &part.ty);
                self.out.write_all(&samples)?;
            }
            _ => self.out.write_all(bytes)?,
        }
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
