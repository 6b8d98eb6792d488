//! A cut-out: only the tiles that it touches are decoded, and those that they are predicted from, in its array and in others.
//!
//! ```text
//! runs of samples side by side, of which the region consists → the tiles they lie in, each decoded once → samples
//! ```

use crate::array::{ArrayType, NATIVE_BIG_ENDIAN, Sample, bytes_of_mut, reorder};
use crate::codec::array::head::Head;
use crate::codec::array::reference::{MASKED, Reference};
use crate::codec::file::archive::{Archive, Array};
use crate::error::{Error, Result};
use crate::grid::{Grid, Place};
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Code, Decoded};
use crate::tile::mask::hides;
use crate::tile::runtime::Runtimes;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The samples of a cut-out in C order and the byte order of the file, and how many tiles were decoded for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub bytes: Vec<u8>,
    pub n_tiles: usize,
}

impl Archive<'_> {
    /// The samples of a box in an array of any number of dimensions, in C order: along each axis from `origin` on, as many as `shape`
    /// says. `out` holds exactly the box. Returns how many tiles were decoded for it.
    pub fn read_region<T: Sample>(&self, array: &Array, origin: &[u64], shape: &[u64], out: &mut [T]) -> Result<usize> {
        let ty = &array.head.ty;
        ty.check_holds::<T>()?;
        let bytes = bytes_of_mut(out);
        let n_tiles = self.read_region_bytes(array, origin, shape, bytes)?;
        reorder(bytes, ty.dtype.n_bytes(), ty.big_endian, NATIVE_BIG_ENDIAN);
        Ok(n_tiles)
    }

    /// The same as bytes, in the byte order of the array.
    pub fn read_region_bytes(&self, array: &Array, origin: &[u64], shape: &[u64], out: &mut [u8]) -> Result<usize> {
        let ty = &array.head.ty;
        check_region(ty, origin, shape, out.len() as u64)?;
        let mut tiles = Tiles::new(self);
        let n = shape.last().map_or(1, |&n| n as usize);
        let run_bytes = (n * ty.dtype.n_bytes()).max(1);
        for (nth, run) in out.chunks_exact_mut(run_bytes).enumerate() {
            // the box's nth run, counted through all its axes but the last
            let (mut rest, mut stride, mut first) = (nth as u64, 1, 0);
            for (axis, (&from, &n)) in origin.iter().zip(shape).enumerate().rev() {
                let is_last = axis + 1 == shape.len();
                first += stride * (from + if is_last { 0 } else { rest % n });
                rest /= if is_last { 1 } else { n };
                stride *= ty.shape[axis];
            }
            tiles.samples(array, first, n, run)?;
        }
        Ok(tiles.known.len())
    }

    /// Rows and columns of one plane of an array; planes are counted over all leading dimensions of its shape.
    pub fn region<'a>(&'a self, array: &'a Array, plane: u64, rows: Range<u64>, columns: Range<u64>) -> Result<Cut> {
        let (n_planes, h, w) = array.head.ty.planes();
        if plane >= n_planes || rows.start > rows.end || rows.end > h || columns.start > columns.end || columns.end > w
        {
            return Err(Error::argument(format!(
                "plane {plane}, rows {rows:?}, columns {columns:?} do not lie in {n_planes} planes of {h}×{w}"
            )));
        }
        let mut tiles = Tiles::new(self);
        let n_columns = (columns.end - columns.start) as usize;
        let row_bytes = n_columns * array.head.ty.dtype.n_bytes();
        let mut bytes = vec![0; (rows.end - rows.start) as usize * row_bytes];
        if n_columns > 0 {
            for (y, out) in rows.zip(bytes.chunks_exact_mut(row_bytes)) {
                let first = (plane * h + y) * w + columns.start;
                tiles.samples(array, first, n_columns, out)?;
            }
        }
        Ok(Cut { bytes, n_tiles: tiles.known.len() })
    }
}

/// A box must lie in its array, and the buffer hold exactly the box.
fn check_region(ty: &ArrayType, origin: &[u64], shape: &[u64], n_buffer_bytes: u64) -> Result<()> {
    let lies = |((from, n), size): ((&u64, &u64), &u64)| from.checked_add(*n).is_some_and(|end| end <= *size);
    let n_axes = ty.shape.len();
    let whole = origin.len() == n_axes && shape.len() == n_axes;
    if !whole || !origin.iter().zip(shape).zip(&ty.shape).all(lies) {
        return Err(Error::argument(format!("{shape:?} samples from {origin:?} do not lie in {:?}", ty.shape)));
    }
    let n_bytes = ArrayType { shape: shape.to_vec(), ..ty.clone() }.n_bytes()?;
    if n_bytes != n_buffer_bytes {
        return Err(Error::argument(format!("a buffer of {n_buffer_bytes} bytes for a region of {n_bytes}")));
    }
    Ok(())
}

/// The tiles decoded so far, by numbers of array and tile.
pub(super) struct Tiles<'a> {
    archive: &'a Archive<'a>,
    coders: BTreeMap<u64, Arc<Tiled<'a>>>,
    runtimes: Runtimes,
    known: BTreeMap<(u64, u64), Arc<Decoded>>,
}

/// How the tiles of an array are found and decoded.
pub(super) struct Tiled<'a> {
    pub coder: ArrayCoder<'a>,
    /// The tiles of a plane in the order of the file: (number within the plane), the same for every plane.
    order: Vec<u64>,
}

impl<'a> Tiled<'a> {
    fn new(head: &'a Head, runtimes: &Runtimes) -> Tiled<'a> {
        let order = (0..head.grid().n_bands()).flat_map(|band| head.grid().band(0, band).map(|place| place.number));
        Tiled { coder: head.tiles(head.coder.packed(runtimes)), order: order.collect() }
    }

    /// The block of a tile.
    pub fn block(&self, array: &Array, place: &Place) -> usize {
        let first = array.head.grid().place(place.plane, 0, 0, 0, 0).expect("a plane has a first tile").number;
        let nth = self.order.binary_search(&(place.number - first)).expect("every tile stands in the order");
        array.first_block + place.plane * self.order.len() + nth
    }
}

/// Where an int stands.
#[derive(Clone, Copy)]
struct Spot {
    plane: usize,
    limb: usize,
    phase: usize,
    y: usize,
    x: usize,
}

impl Spot {
    /// Of a part of the sample at an index.
    fn of(grid: &Grid, limb: usize, index: u64) -> Spot {
        let (row, x) = ((index / grid.w as u64) as usize, (index % grid.w as u64) as usize);
        let (plane, y) = (row / grid.h, row % grid.h);
        let (phase, y, x) = if grid.n_phases == 4 { (2 * (y & 1) + (x & 1), y / 2, x / 2) } else { (0, y, x) };
        Spot { plane, limb, phase, y, x }
    }
}

impl<'a> Tiles<'a> {
    pub fn new(archive: &'a Archive<'a>) -> Tiles<'a> {
        Tiles { archive, coders: BTreeMap::new(), runtimes: Runtimes::default(), known: BTreeMap::new() }
    }

    /// `n` samples from index `first` of the array.
    fn samples(&mut self, array: &'a Array, first: u64, n: usize, out: &mut [u8]) -> Result<()> {
        let grid = array.head.grid();
        let (map, big_endian) = (&array.head.map, array.head.ty.big_endian);
        let mut limbs = vec![Vec::with_capacity(n); grid.n_limbs];
        for (limb, ints) in limbs.iter_mut().enumerate() {
            for index in first..first + n as u64 {
                ints.push(self.int(array, Spot::of(grid, limb, index))?);
            }
        }
        let limbs: Vec<&[i32]> = limbs.iter().map(Vec::as_slice).collect();
        map.from_ints(&limbs, big_endian, out)?;
        for i in 0..n {
            if let Some(bits) = self.masked(array, Spot::of(grid, 0, first + i as u64))? {
                map.put(out, big_endian, i, bits);
            }
        }
        Ok(())
    }

    /// The tile of a spot, and which of its ints it is.
    fn find(&mut self, array: &'a Array, spot: Spot) -> Result<(Arc<Decoded>, usize)> {
        let grid = array.head.grid();
        let Spot { plane, limb, phase, y, x } = spot;
        let (band, column) = (y / grid.tile_h, x / grid.tile_w);
        let place = grid.place(plane, band, limb, phase, column).expect("the int lies in the plane");
        let index = (y % grid.tile_h) * place.w + x % grid.tile_w;
        Ok((self.tile(array, &place)?, index))
    }

    fn int(&mut self, array: &'a Array, spot: Spot) -> Result<i32> {
        let (tile, index) = self.find(array, spot)?;
        Ok(tile.ints[index])
    }

    /// The bits of a sample that a mask hides.
    fn masked(&mut self, array: &'a Array, spot: Spot) -> Result<Option<u64>> {
        let (tile, index) = self.find(array, spot)?;
        let class = tile.mask.classes.get(index).map_or(0, |&class| usize::from(class));
        let marker = class.checked_sub(1).and_then(|class| array.head.map.markers().get(class).copied());
        let exact = || tile.mask.exact.iter().find(|(i, _)| *i == index).map(|(_, bits)| *bits);
        Ok(if class == 0 { None } else { marker.or_else(exact) })
    }

    pub fn tile(&mut self, array: &'a Array, place: &Place) -> Result<Arc<Decoded>> {
        if let Some(tile) = self.known.get(&(array.number, place.number)) {
            return Ok(tile.clone());
        }
        let refs = self.refs(array, place)?;
        let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
        let block = self.tiled(array).block(array, place);
        let code = self.archive.tile(array, place, block)?;
        self.decoded(array, place, &code, &refs)
    }

    /// The same of a tile whose code has been read, and what it is predicted from.
    pub fn decoded(&mut self, array: &'a Array, place: &Place, code: &Code, refs: &[&[i32]]) -> Result<Arc<Decoded>> {
        if let Some(tile) = self.known.get(&(array.number, place.number)) {
            return Ok(tile.clone());
        }
        let tile = self.tiled(array).coder.decode(code, place, refs);
        let tile = Arc::new(tile.map_err(|e| e.at(format!("tile {}", place.number)))?);
        self.known.insert((array.number, place.number), tile.clone());
        Ok(tile)
    }

    pub fn tiled(&mut self, array: &'a Array) -> Arc<Tiled<'a>> {
        let runtimes = &self.runtimes;
        self.coders.entry(array.number).or_insert_with(|| Arc::new(Tiled::new(&array.head, runtimes))).clone()
    }

    /// What a tile is predicted from.
    pub fn refs(&mut self, array: &'a Array, place: &Place) -> Result<Vec<Vec<i32>>> {
        let (head, grid) = (&array.head, array.head.grid());
        let phases = (0..place.phase).map(|phase| (place.plane, phase));
        let planes = (1..=head.n_previous_of(place.plane)).map(|back| (place.plane - back, place.phase));
        let seen: Vec<(usize, usize)> = phases.chain(planes).take(head.n_own_refs(place.plane, place.phase)).collect();
        let mut refs = Vec::new();
        for (plane, phase) in seen {
            let (h, w) = grid.size(phase);
            let mut ints = Vec::with_capacity(place.h * place.w);
            for y in 0..place.h {
                for x in 0..place.w {
                    let (y, x) = (place.band * grid.tile_h + y, place.column * grid.tile_w + x);
                    let (y, x) = (y.min(h - 1), x.min(w - 1));
                    ints.push(self.int(array, Spot { plane, limb: place.limb, phase, y, x })?);
                }
            }
            refs.push(ints);
        }
        let n_references = head.n_refs(place.plane, place.phase) - refs.len();
        for reference in head.references.iter().take(n_references) {
            refs.push(self.shown(array, place, reference)?);
        }
        Ok(refs)
    }

    /// What a tile sees of another array.
    fn shown(&mut self, array: &'a Array, place: &Place, reference: &Reference) -> Result<Vec<i32>> {
        let Array { number, head, .. } = array;
        let (grid, archive) = (head.grid(), self.archive);
        let seen = number.checked_sub(reference.back).and_then(|number| archive.array(number));
        let seen = seen.expect("an archive that is open has the arrays that others refer to");
        let mut ints = Vec::with_capacity(place.h * place.w);
        for i in 0..place.h * place.w {
            let (y, x) = (place.band * grid.tile_h + i / place.w, place.column * grid.tile_w + i % place.w);
            let (y, x) = match grid.n_phases {
                4 => (2 * y + place.phase / 2, 2 * x + place.phase % 2),
                _ => (y, x),
            };
            let row = reference.sample((grid.h, grid.w), place.plane, y).expect("it was held against its reference");
            let spot = Spot::of(seen.head.grid(), 0, row + x as u64);
            let masked = self.masked_at(seen, spot)?;
            ints.push(if masked { MASKED } else { self.int(seen, spot)? });
        }
        Ok(reference.show(ints, place.w))
    }

    fn masked_at(&mut self, array: &'a Array, spot: Spot) -> Result<bool> {
        let (tile, index) = self.find(array, spot)?;
        Ok(hides(&tile.mask.classes, index))
    }
}
