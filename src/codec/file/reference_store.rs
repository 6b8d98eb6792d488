//! Ints of arrays that later arrays refer to: four bytes each, in the order of the samples, in memory while they are few and then in a
//! temporary file, so that no array is decoded twice and memory does not grow with the file.

use crate::codec::array::band::Band;
use crate::codec::array::head::Head;
use crate::codec::array::reference::{LOST, MASKED};
use crate::codec::array::references::may_be_reference;
use crate::codec::file::archive::Array;
use crate::error::Result;
use crate::grid::Place;
use crate::sample::phase;
use crate::tile::mask::hides;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

pub struct ReferenceStore {
    file: SpooledTempFile,
    /// Numbers of the arrays that are references.
    wanted: BTreeSet<u64>,
    /// Where their ints begin in the file, and how many there are.
    kept: BTreeMap<u64, (u64, u64)>,
    n_ints: u64,
}

impl ReferenceStore {
    /// For the references of these arrays; kept in memory up to a size, beside the temporary files beyond.
    pub fn new<'a>(arrays: impl Iterator<Item = &'a Array>, in_memory: usize) -> ReferenceStore {
        let of_array =
            |a: &'a Array| a.head.references.iter().filter_map(|reference| a.number.checked_sub(reference.back));
        let wanted = arrays.flat_map(of_array).collect();
        ReferenceStore { file: SpooledTempFile::new(in_memory), wanted, kept: BTreeMap::new(), n_ints: 0 }
    }

    pub fn wants(&self, array: &Array) -> bool {
        self.wanted.contains(&array.number) && may_be_reference(&array.head)
    }

    /// Keeps bands that follow those of the same array that were kept before; `lost` tiles say so.
    pub fn put(&mut self, array: &Array, bands: &[Band], lost: &[Place]) -> Result<()> {
        self.kept.entry(array.number).or_insert((self.n_ints, 0));
        for band in bands {
            let ints = joined(&array.head, band, lost);
            let bytes: Vec<u8> = ints.iter().flat_map(|int| int.to_le_bytes()).collect();
            self.file.seek(SeekFrom::Start(4 * self.n_ints))?;
            self.file.write_all(&bytes)?;
            self.n_ints += ints.len() as u64;
            self.kept.entry(array.number).and_modify(|(_, n)| *n += ints.len() as u64);
        }
        Ok(())
    }

    /// Ints of an array from a sample on; what is not there is lost.
    pub fn get(&mut self, number: u64, first: u64, out: &mut [i32]) -> Result<()> {
        let &(start, n) = self.kept.get(&number).unwrap_or(&(0, 0));
        let n = n.saturating_sub(first).min(out.len() as u64) as usize;
        let mut bytes = vec![0; 4 * n];
        if n > 0 {
            self.file.seek(SeekFrom::Start(4 * (start + first)))?;
            self.file.read_exact(&mut bytes)?;
        }
        out.fill(LOST);
        for (int, four) in out.iter_mut().zip(bytes.chunks_exact(4)) {
            *int = i32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        }
        Ok(())
    }
}

/// The ints of a band in the order of its samples.
fn joined(head: &Head, band: &Band, lost: &[Place]) -> Vec<i32> {
    let grid = head.grid();
    let mut phases: Vec<Vec<i32>> = band.ints[0].iter().map(|phase| phase.ints.clone()).collect();
    for (phase, ints) in phases.iter_mut().enumerate() {
        let classes = &band.masks[phase].classes;
        let masked = ints.iter_mut().enumerate().filter(|(i, _)| hides(classes, *i));
        masked.for_each(|(_, int)| *int = MASKED);
        let w = band.ints[0][phase].w;
        for place in lost.iter().filter(|p| (p.plane, p.band, p.phase) == (band.plane, band.band, phase)) {
            let rows = ints.chunks_exact_mut(w).take(place.h);
            rows.for_each(|row| row[place.column * grid.tile_w..][..place.w].fill(LOST));
        }
    }
    let (_, rows) = grid.rows(band.band);
    match phases.as_slice() {
        [a, b, c, d] => {
            let mut out = vec![0; rows * grid.w];
            phase::join([a, b, c, d], rows, grid.w, &mut out);
            out
        }
        _ => phases.swap_remove(0),
    }
}
