//! What the bands of an array see of its references, and which arrays may be one.

use crate::codec::array::band::Ints;
use crate::codec::array::head::Head;
use crate::codec::array::reference::{LOST, MAX_DEPTH, MAX_REFERENCE_SAMPLES, Reference};
use crate::error::{Error, Result};
use crate::sample::phase;
use crate::tile::coder::Domain;

/// Gives ints of an array by its number, from a sample on.
pub type ReferenceSource<'a> = &'a mut dyn FnMut(u64, u64, &mut [i32]) -> Result<()>;

/// What a band of array `number` sees of its references: `[reference][phase]`.
pub fn fetch(head: &Head, number: u64, plane: usize, band: usize, from: ReferenceSource) -> Result<Vec<Vec<Ints>>> {
    let grid = head.grid();
    let (row, rows) = grid.rows(band);
    let one = |reference: &Reference| {
        let mut whole = vec![LOST; rows * grid.w];
        if let (Some(number), Some(first)) =
            (number.checked_sub(reference.back), reference.sample((grid.h, grid.w), plane, row))
        {
            from(number, first, &mut whole)?;
        }
        if grid.n_phases == 1 {
            return Ok(vec![Ints { h: rows, w: grid.w, ints: whole }]);
        }
        let of_phase = |i: usize| {
            let (h, w) = phase::size(i, rows, grid.w);
            let mut ints = vec![0; h * w];
            phase::pick(i, &whole, rows, grid.w, &mut ints);
            Ints { h, w, ints }
        };
        Ok((0..4).map(of_phase).collect())
    };
    head.references.iter().map(one).collect()
}

/// Whether an array may be a reference; what a transform reconstructs is not known before it has coded.
pub fn may_be_reference(head: &Head) -> bool {
    head.grid().n_limbs == 1
        && head.coder.domain() == Domain::Ints
        && head.map.max_int(0) <= i32::MAX as u32
        && head.ty.n_samples().is_ok_and(|n| n <= MAX_REFERENCE_SAMPLES)
}

/// Holds the references of array `number` against the arrays before it, given as (head, depth); returns its own depth.
pub fn check<'a>(head: &Head, number: u64, before: impl Fn(u64) -> Option<(&'a Head, usize)>) -> Result<usize> {
    let mut depth = 0;
    for reference in &head.references {
        let seen = number.checked_sub(reference.back).and_then(&before);
        let (seen, its_depth) = seen.ok_or_else(|| Error::corrupt("an anchor that is not before its array"))?;
        let grid = head.grid();
        let last = reference.sample((grid.h, grid.w), grid.n_planes - 1, grid.h);
        let fits = last.zip(seen.ty.n_samples().ok()).is_some_and(|(last, n)| last <= n);
        if !fits || !may_be_reference(seen) {
            return Err(Error::corrupt("an anchor of another shape than its array"));
        }
        depth = depth.max(its_depth + 1);
    }
    if depth > MAX_DEPTH {
        return Err(Error::limit(format!(
            "{depth} arrays that refer to each other in a chain, {MAX_DEPTH} is the most"
        )));
    }
    Ok(depth)
}
