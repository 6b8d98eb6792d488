//! What a decoder must know of an array before its tiles: FORMAT.md, section 6.

use crate::array::{ArrayType, Dtype};
use crate::codec::array::reference::{MAX_REFERENCES, Reference};
use crate::codec::array::{by, refit};
use crate::error::{Error, Result};
use crate::grid::{Grid, Layout, MAX_REFS, Previous};
use crate::model::Model;
use crate::sample::Map;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::Known;
use crate::tile::coder::{CellCoder, Coder, Domain};
use crate::tile::mask::{self, Classes};
use crate::tile::runtime::Runtime;
use crate::tile::transform::MAX_OVERSAMPLED;
use crate::wire::{put_varint, take_bytes, take_u8, take_varint};
use std::ops::Deref;
use std::sync::Arc;

/// More dimensions than any array has.
pub const MAX_DIMENSIONS: u64 = 999;
const MAX_LABEL_BYTES: u64 = 4096;
/// A plane with more samples is not kept in memory for the next to see.
pub const MAX_PLANE_LOOKED_AT: usize = 1 << 24;

/// The plain facts of an array: what a file says before it is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    pub ty: ArrayType,
    pub label: String,
    pub map: Map,
    pub layout: Layout,
    /// The mask that planes have in common: a class of a marker or 0 for every int of a plane. None: there is none.
    pub common: Vec<u8>,
    /// How many planes before it a plane sees.
    pub n_previous: usize,
    /// Every so many planes one sees none, so that no chain is longer. 0 where `n_previous` is.
    pub key_interval: usize,
    /// Other arrays that it sees, behind the planes before.
    pub references: Vec<Reference>,
    pub coder: Coder,
}

/// An array as the file describes it: facts that fit each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    spec: Spec,
    grid: Grid,
    previous: Previous,
}

impl Deref for Head {
    type Target = Spec;

    fn deref(&self) -> &Spec {
        &self.spec
    }
}

impl Head {
    pub fn new(spec: Spec) -> Result<Head> {
        let grid = Grid::new(spec.layout, spec.ty.n_samples()?)?;
        let previous = Previous::new(spec.n_previous, spec.key_interval)?;
        if spec.references.len() > MAX_REFERENCES {
            return Err(Error::corrupt(format!("an array that sees {} others", spec.references.len())));
        }
        if grid.n_limbs != spec.map.n_limbs() {
            return Err(Error::corrupt(format!("tiles of {} parts of an int", grid.n_limbs)));
        }
        if previous.n() > 0 && grid.h * grid.w > MAX_PLANE_LOOKED_AT {
            return Err(Error::limit(format!("planes of {}×{} that are predicted from each other", grid.h, grid.w)));
        }
        let head = Head { spec, grid, previous };
        head.check_common().and_then(|()| head.check_coder())?;
        Ok(head)
    }

    fn check_common(&self) -> Result<()> {
        let n = self.common.len();
        if n > 0 && (self.map.exception().is_none() || n != common_size(&self.map, &self.ty, &self.grid)?) {
            return Err(Error::corrupt("a mask where none is possible"));
        }
        Ok(())
    }

    fn check_coder(&self) -> Result<()> {
        let (grid, max) = (&self.grid, self.map.max_int(0));
        let sees_none = self.previous.n() == 0 && self.references.is_empty();
        let is_single = sees_none && grid.n_phases == 1 && grid.n_limbs == 1;
        if self.coder.model().is_none() && !self.references.is_empty() {
            return Err(Error::corrupt("references in an array without a network"));
        }
        if self.coder.domain() == Domain::Oversampled && !(is_single && max <= MAX_OVERSAMPLED as u32) {
            return Err(Error::corrupt("an array that no transform can have coded"));
        }
        match &self.coder {
            Coder::Wavelet { rows } => {
                let holds = |h: usize| *rows > 0 && h.is_multiple_of(*rows);
                if !(holds(grid.tile_h) && (grid.tile_h == *rows || holds(grid.h))) {
                    return Err(Error::corrupt(format!("planes of {rows} rows in tiles of {}", grid.tile_h)));
                }
                Ok(())
            }
            Coder::Cells(cells) => grid.check_rows().and_then(|()| self.check_fits(cells)),
            Coder::Blocks(model) if model.vqae.is_none() => Err(Error::corrupt("blocks without an autoencoder")),
            Coder::Counts(counts) => counts.check(is_single, max).and_then(|()| grid.check_rows()),
            Coder::Classic | Coder::Blocks(_) => grid.check_rows(),
        }
    }

    /// One fit per phase and number of planes before, with the predictors of its model.
    fn check_fits(&self, CellCoder { model, fits, .. }: &CellCoder) -> Result<()> {
        let fits_model = |phase: usize, n: usize| {
            let (fitted, expected) = (&fits[phase][n], model.linears(by::n_refs((phase, n), self.references.len())));
            let same = |(a, b): (&crate::kernel::predict::Linear, &crate::kernel::predict::Linear)| {
                a.own().len() == b.own().len() && a.refs().iter().map(Vec::len).eq(b.refs().iter().map(Vec::len))
            };
            fitted.linears.len() == expected.len() && fitted.linears.iter().zip(&expected).all(same)
        };
        let whole = fits.len() == self.grid.n_phases && fits.iter().all(|fits| fits.len() == self.previous.n() + 1);
        let mut each = (0..fits.len()).flat_map(|phase| (0..=self.previous.n()).map(move |n| (phase, n)));
        if model.vqae.is_some() || !whole || !each.all(|(phase, n)| fits_model(phase, n)) {
            return Err(Error::corrupt("predictors that do not fit their network"));
        }
        Ok(())
    }

    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    pub fn previous(&self) -> Previous {
        self.previous
    }

    /// The array as its tiles see it; `coder` is the one of the head, packed.
    pub fn tiles(&self, coder: Coder<Arc<Runtime>>) -> ArrayCoder<'_> {
        let exception = self.map.exception();
        ArrayCoder {
            grid: &self.grid,
            previous: self.previous,
            max: [0, 1].map(|limb| if limb < self.grid.n_limbs { self.map.max_int(limb) } else { 0 }),
            classes: exception.map(|exception| Classes { exception, sample_bytes: self.ty.dtype.n_bytes() }),
            common: &self.common,
            coder,
            trusts_estimates: false,
            known: Known::default(),
        }
    }

    /// How many planes before plane `p` it sees.
    pub fn n_previous_of(&self, p: usize) -> usize {
        self.previous.of(p)
    }

    /// How many reference planes phase `phase` of plane `p` has: earlier phases first, then the same phase of earlier planes, then
    /// of other arrays.
    pub fn n_refs(&self, p: usize, phase: usize) -> usize {
        by::n_refs((phase, self.n_previous_of(p)), self.references.len())
    }

    /// How many of them lie in the array itself.
    pub fn n_own_refs(&self, p: usize, phase: usize) -> usize {
        by::n_refs((phase, self.n_previous_of(p)), 0)
    }

    /// Memory that the fitted parts take, about.
    pub fn fitted_bytes(&self) -> usize {
        self.common.len() + self.coder.fitted_bytes()
    }

    /// Bytes of the head that say how the network was refitted.
    pub fn refit_bytes(&self) -> u64 {
        let refits = self.coder.cells().into_iter().flat_map(|cells| &cells.refits);
        refits.map(|(net, refit)| refit::n_bytes(*net, refit)).sum()
    }

    /// The inverse of `write`; `find` gives the model of a hash.
    pub fn read(mut from: &[u8], find: &dyn Fn(&[u8; 32]) -> Result<Arc<Model>>) -> Result<Head> {
        let from = &mut from;
        let dtype = Dtype::from_code(take_u8(from)?)?;
        let big_endian = by::take_flag(from)?;
        let n_dimensions = by::at_most(take_varint(from)?, MAX_DIMENSIONS, "dimensions")?;
        let shape = (0..n_dimensions).map(|_| take_varint(from)).collect::<Result<Vec<u64>>>()?;
        let ty = ArrayType { dtype, big_endian, shape };
        let n_samples = ty.n_samples()?;
        let n_label = by::at_most(take_varint(from)?, MAX_LABEL_BYTES, "bytes of label")?;
        let label = String::from_utf8_lossy(take_bytes(from, n_label)?).into_owned();
        let map = Map::read(from, dtype)?;
        let mut number =
            || usize::try_from(take_varint(from)?).map_err(|_| Error::corrupt("a number beyond all sizes"));
        let (n_planes, h, w, n_phases, tile_h, tile_w) =
            (number()?, number()?, number()?, number()?, number()?, number()?);
        let (seen, key_interval) = (number()?, number()?);
        let (n_previous, n_references) = (seen % (MAX_REFS + 1), seen / (MAX_REFS + 1));
        let layout = Layout { n_planes, h, w, n_limbs: map.n_limbs(), n_phases, tile_h, tile_w };
        // nothing is allocated before its limit
        let grid = Grid::new(layout, n_samples)?;
        Previous::new(n_previous, key_interval)?;
        let n_references = by::at_most(n_references as u64, MAX_REFERENCES as u64, "references")?;
        let references = (0..n_references).map(|_| Reference::read(from)).collect::<Result<Vec<Reference>>>()?;
        let has_common = map.exception().is_some() && by::take_flag(from)?;
        let common = if has_common { read_common(from, &map, &ty, &grid)? } else { Vec::new() };
        let coder = by::read(from, &grid, (n_previous, n_references), find)?;
        if !from.is_empty() {
            return Err(Error::corrupt("bytes follow the head of an array"));
        }
        Head::new(Spec { ty, label, map, layout, common, n_previous, key_interval, references, coder })
    }
}

impl Spec {
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.ty.dtype as u8);
        out.push(u8::from(self.ty.big_endian));
        put_varint(out, self.ty.shape.len() as u64);
        self.ty.shape.iter().for_each(|&d| put_varint(out, d));
        put_varint(out, self.label.len() as u64);
        out.extend_from_slice(self.label.as_bytes());
        self.map.write(out);
        let g = &self.layout;
        let seen = self.n_previous + (MAX_REFS + 1) * self.references.len();
        for n in [g.n_planes, g.h, g.w, g.n_phases, g.tile_h, g.tile_w, seen, self.key_interval] {
            put_varint(out, n as u64);
        }
        self.references.iter().for_each(|reference| reference.write(out));
        if self.map.exception().is_some() {
            out.push(u8::from(!self.common.is_empty()));
            if !self.common.is_empty() {
                mask::write_classes(&self.common, g.w, self.map.markers().len() as u8, &[], out);
            }
        }
        by::write(&self.coder, out);
    }
}

/// Ints of a mask that planes have in common. Where planes are laid one below the other it has the rows of each of them.
fn common_size(map: &Map, ty: &ArrayType, grid: &Grid) -> Result<usize> {
    let (_, h, w) = ty.planes();
    let rows = if w == grid.w as u64 { grid.h.min(h as usize) } else { grid.h };
    if rows * grid.w > MAX_PLANE_LOOKED_AT {
        return Err(Error::limit(format!("a mask of planes of {rows}×{}", grid.w)));
    }
    if map.markers().is_empty() || grid.n_phases != 1 {
        return Err(Error::corrupt("a mask where none is possible"));
    }
    Ok(rows * grid.w)
}

fn read_common(from: &mut &[u8], map: &Map, ty: &ArrayType, grid: &Grid) -> Result<Vec<u8>> {
    let n = common_size(map, ty, grid)?;
    mask::read_classes(from, (n, grid.w), map.markers().len() as u8, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::kernel::PlaneStats;
    use crate::model::Family;
    use crate::net::Refit;
    use crate::sample::Stats;
    use crate::synthetic;
    use crate::tile::coder::Fitted;

    fn some_refit(net: &crate::net::Net) -> Refit {
        let n_out = net.layers().last().unwrap().n_out;
        let counts = (0..n_out * (net.n_last_used() + 1)).map(|i| (i as i32 * 29 % 64 - 31) / (i as i32 % 40 + 1));
        Refit { log2_steps: (0..n_out).map(|o| (o % 3) as u8).collect(), counts: counts.collect() }
    }

    /// A mosaic of two planes that see others, its network refitted; and the model as it was before.
    fn mosaic() -> (Spec, Arc<Model>) {
        let mut stats = Stats::new(Dtype::U16);
        stats.update(&(0..200u16).flat_map(|i| (i * 3).to_be_bytes()).collect::<Vec<u8>>(), true);
        let mut model = synthetic::tiny(Family::Lattice, 1, 3);
        let shipped = Arc::new(model.clone());
        let refit = some_refit(&model.nets[2].net);
        model.nets[2].net = model.nets[2].net.refitted(&refit).unwrap();
        let model = Arc::new(model);
        let fitted = |n: usize| Fitted { linears: model.linears(n), stats: PlaneStats { median: 640, spread: 99 } };
        let fits = (0..4).map(|phase| (0..2).map(|n| fitted((phase + n + 1).min(MAX_REFS))).collect()).collect();
        let spec = Spec {
            ty: ArrayType { dtype: Dtype::U16, big_endian: true, shape: vec![2, 10, 10] },
            label: "HDU 1".into(),
            map: Map::candidates(&stats)[0].clone(),
            layout: Layout::usual(2, 10, 10, 1, 4),
            common: Vec::new(),
            n_previous: 1,
            key_interval: 16,
            references: vec![Reference::new(2, 1, 3, -300).unwrap()],
            coder: Coder::Cells(CellCoder { model: model.clone(), refits: vec![(2, refit)], fits }),
        };
        (spec, shipped)
    }

    #[test]
    fn facts_that_do_not_fit_each_other_are_no_head() {
        let (spec, model) = mosaic();
        let wrong = |change: &dyn Fn(&mut Spec)| {
            let mut spec = spec.clone();
            change(&mut spec);
            Head::new(spec).map(drop).map_err(|e| e.kind)
        };
        assert_eq!(wrong(&|_| ()), Ok(()));
        let cells = |change: fn(&mut CellCoder)| {
            wrong(&|spec| {
                let Coder::Cells(cells) = &mut spec.coder else { unreachable!("a network codes it") };
                change(cells);
            })
        };
        for refused in [
            wrong(&|spec| spec.ty.shape[0] = 3),
            wrong(&|spec| spec.layout.n_limbs = 2),
            wrong(&|spec| spec.layout.n_phases = 1),
            wrong(&|spec| spec.n_previous = 2),
            wrong(&|spec| spec.key_interval = 0),
            wrong(&|spec| spec.references.clear()),
            wrong(&|spec| spec.references = vec![spec.references[0]; 4]),
            wrong(&|spec| spec.common = vec![0; 100]),
            wrong(&|spec| spec.coder = Coder::Classic),
            wrong(&|spec| spec.coder = Coder::Wavelet { rows: 5 }),
            wrong(&|spec| spec.coder = Coder::Blocks(model.clone())),
            cells(|cells| drop(cells.fits.pop())),
            cells(|cells| drop(cells.fits[1].pop())),
            cells(|cells| drop(cells.fits[3][1].linears.pop())),
            cells(|cells| cells.fits[2][0].linears = cells.model.linears(0)),
        ] {
            assert_eq!(refused, Err(ErrorKind::Corrupt));
        }
    }

    #[test]
    fn a_head_comes_back_and_no_cut_or_flip_of_it_panics() {
        let (spec, shipped) = mosaic();
        let head = Head::new(spec).unwrap();
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        let find = |_: &[u8; 32]| Ok(shipped.clone());
        assert_eq!(Head::read(&bytes, &find).unwrap(), head);
        assert!((0..bytes.len()).all(|n| Head::read(&bytes[..n], &find).is_err()));
        for bit in 0..bytes.len() * 8 {
            let (mut wrong, mut again) = (bytes.clone(), Vec::new());
            wrong[bit / 8] ^= 1 << (bit % 8);
            let Ok(other) = Head::read(&wrong, &find) else { continue };
            other.write(&mut again);
            assert!(Head::read(&again, &find).unwrap() == other, "bit {bit}");
        }
    }
}
