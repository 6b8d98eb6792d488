//! The ints of a band: the rows of a plane that one row of tiles covers, by limb and phase; and what tiles see of others.

use crate::array::ArrayType;
use crate::codec::array::head::Head;
use crate::codec::array::reference::LOST;
use crate::error::Result;
use crate::grid::{Grid, Place};
use crate::sample::phase;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::mask::Mask;

/// A rectangle of ints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ints {
    pub h: usize,
    pub w: usize,
    pub ints: Vec<i32>,
}

impl Ints {
    /// The tile at a column, `h` × `w`; what lies outside shows the nearest int.
    pub fn crop(&self, x0: usize, h: usize, w: usize) -> Vec<i32> {
        let mut out = Vec::with_capacity(h * w);
        for y in 0..h {
            let row = &self.ints[y.min(self.h - 1) * self.w..][..self.w];
            let whole = w.min(self.w.saturating_sub(x0));
            out.extend_from_slice(&row[x0.min(self.w)..][..whole]);
            out.extend(std::iter::repeat_n(row[self.w - 1], w - whole));
        }
        out
    }

    /// The inverse of `crop`.
    pub fn paste(&mut self, x0: usize, w: usize, tile: &[i32]) {
        for (y, from) in tile.chunks_exact(w).enumerate() {
            self.ints[y * self.w + x0..][..w].copy_from_slice(from);
        }
    }
}

/// One band of one plane: `ints[limb][phase]`, `masks[phase]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Band {
    pub plane: usize,
    pub band: usize,
    pub ints: Vec<Vec<Ints>>,
    pub masks: Vec<Mask>,
    /// What it sees of other arrays: `references[reference][phase]`, as `references::fetch` gave it.
    pub references: Vec<Vec<Ints>>,
}

impl Band {
    /// A band without ints yet.
    pub fn empty(grid: &Grid, plane: usize, band: usize) -> Band {
        Band::next(grid, plane, band, &mut Vec::new())
    }

    /// A band whose ints mean nothing yet, in the memory of a spare one if there is one.
    pub fn next(grid: &Grid, plane: usize, band: usize, spare: &mut Vec<Band>) -> Band {
        let mut ints = spare.pop().unwrap_or_default().ints;
        ints.resize_with(grid.n_limbs, Vec::new);
        for phases in &mut ints {
            phases.resize_with(grid.n_phases, Ints::default);
            for (phase, ints) in phases.iter_mut().enumerate() {
                let (h, w) = grid.size(phase);
                (ints.h, ints.w) = (h.saturating_sub(band * grid.tile_h).min(grid.tile_h), w);
                ints.ints.resize(ints.h * ints.w, 0);
            }
        }
        Band { plane, band, ints, masks: vec![Mask::default(); grid.n_phases], references: Vec::new() }
    }

    /// From the bytes of its rows. The ints stay where the caller allocated them: threads that allocate what outlives
    /// them each keep the most that they ever held.
    pub fn fill(&mut self, head: &Head, bytes: &[u8]) {
        let (grid, (_, rows)) = (head.grid(), head.grid().rows(self.band));
        if head.map.exception().is_some() {
            return self.fill_masked(head, bytes);
        }
        if grid.n_phases == 1 {
            let mut limbs: Vec<&mut [i32]> = self.ints.iter_mut().map(|phases| phases[0].ints.as_mut_slice()).collect();
            return head.map.to_ints(bytes, head.ty.big_endian, &mut limbs);
        }
        let mut whole: Vec<Vec<i32>> = vec![vec![0; rows * grid.w]; grid.n_limbs];
        let mut limbs: Vec<&mut [i32]> = whole.iter_mut().map(Vec::as_mut_slice).collect();
        head.map.to_ints(bytes, head.ty.big_endian, &mut limbs);
        for (phases, whole) in self.ints.iter_mut().zip(&whole) {
            for (i, phase) in phases.iter_mut().enumerate() {
                phase::pick(i, whole, rows, grid.w, &mut phase.ints);
            }
        }
    }

    /// The same where samples may be masked.
    fn fill_masked(&mut self, head: &Head, bytes: &[u8]) {
        let (grid, (_, rows)) = (head.grid(), head.grid().rows(self.band));
        let (map, big_endian) = (&head.map, head.ty.big_endian);
        let exception = map.exception().unwrap_or_default();
        let mut classes = vec![0; rows * grid.w];
        if grid.n_phases == 1 {
            map.to_classes(bytes, big_endian, &mut self.ints[0][0].ints, &mut classes);
            self.masks[0] = Mask::new(classes, exception, |i| map.bits(bytes, big_endian, i));
            return;
        }
        let mut whole = vec![0; rows * grid.w];
        map.to_classes(bytes, big_endian, &mut whole, &mut classes);
        for (phase, (ints, mask)) in self.ints[0].iter_mut().zip(&mut self.masks).enumerate() {
            phase::pick(phase, &whole, rows, grid.w, &mut ints.ints);
            let mut of_phase = vec![0; ints.ints.len()];
            phase::pick(phase, &classes, rows, grid.w, &mut of_phase);
            let at = |i: usize| (2 * (i / ints.w) + phase / 2) * grid.w + 2 * (i % ints.w) + phase % 2;
            *mask = Mask::new(of_phase, exception, |i| map.bits(bytes, big_endian, at(i)));
        }
    }

    /// Fills in the ints that are masked, tile by tile, as a decoder will.
    pub fn fill_in(&mut self, coder: &ArrayCoder) {
        if self.masks.iter().all(Mask::is_empty) {
            return;
        }
        for place in coder.grid.band(self.plane, self.band) {
            let x0 = place.column * coder.grid.tile_w;
            let ints = &mut self.ints[place.limb][place.phase];
            let mask = self.masks[place.phase].crop(ints.w, x0, place.w);
            if mask.is_empty() {
                continue;
            }
            let mut tile = ints.crop(x0, place.h, place.w);
            coder.fill_in(&place, &mask.classes, &mut tile);
            ints.paste(x0, place.w, &tile);
        }
    }

    /// The bytes of its rows.
    pub fn pour(&self, head: &Head, out: &mut [u8]) -> Result<()> {
        let grid = head.grid();
        let (_, rows) = grid.rows(self.band);
        let joined: Vec<Vec<i32>> = self.ints.iter().map(|phases| join(phases, rows, grid.w)).collect();
        let limbs: Vec<&[i32]> = match grid.n_phases {
            1 => self.ints.iter().map(|phases| phases[0].ints.as_slice()).collect(),
            _ => joined.iter().map(Vec::as_slice).collect(),
        };
        head.map.from_ints(&limbs, head.ty.big_endian, out)?;
        self.show(head, out);
        Ok(())
    }

    /// Puts the samples that are masked in their places.
    fn show(&self, head: &Head, out: &mut [u8]) {
        let (markers, big_endian) = (head.map.markers(), head.ty.big_endian);
        for (phase, mask) in self.masks.iter().enumerate().filter(|(_, mask)| !mask.is_empty()) {
            let w = self.ints[0][phase].w;
            let at = |i: usize| match head.grid().n_phases {
                1 => i,
                _ => (2 * (i / w) + phase / 2) * head.grid().w + 2 * (i % w) + phase % 2,
            };
            for (i, class) in mask.classes.iter().enumerate() {
                if let Some(&bits) = usize::from(*class).checked_sub(1).and_then(|class| markers.get(class)) {
                    head.map.put(out, big_endian, at(i), bits);
                }
            }
            for &(i, bits) in &mask.exact {
                head.map.put(out, big_endian, at(i), bits);
            }
        }
    }

    /// Puts the same bits in the place of every sample of a tile of it.
    pub fn blot(head: &Head, place: &Place, bits: u64, out: &mut [u8]) {
        let grid = head.grid();
        let (step, first) = if grid.n_phases == 4 { (2, (place.phase / 2, place.phase % 2)) } else { (1, (0, 0)) };
        for y in 0..place.h {
            let row = (step * y + first.0) * grid.w + first.1;
            let at = |x: usize| row + step * (place.column * grid.tile_w + x);
            (0..place.w).for_each(|x| head.map.put(out, head.ty.big_endian, at(x), bits));
        }
    }

    pub fn tile(&self, place: &Place, grid: &Grid) -> Vec<i32> {
        self.ints[place.limb][place.phase].crop(place.column * grid.tile_w, place.h, place.w)
    }

    pub fn mask(&self, place: &Place, grid: &Grid) -> Mask {
        let w = self.ints[place.limb][place.phase].w;
        self.masks[place.phase].crop(w, place.column * grid.tile_w, place.w)
    }

    /// What the tile at `place` sees of its reference planes: earlier phases of this band, then `previous` bands, newest first, then
    /// references.
    pub fn refs(&self, place: &Place, head: &Head, previous: &[&Band]) -> Vec<Vec<i32>> {
        let x0 = place.column * head.grid().tile_w;
        let phases = (0..place.phase).map(|phase| &self.ints[place.limb][phase]);
        let planes = previous.iter().map(|band| &band.ints[place.limb][place.phase]);
        let n_refs = head.n_refs(place.plane, place.phase);
        let known = phases.chain(planes).map(|ints| ints.crop(x0, place.h, place.w));
        let references = self.references.iter().zip(&head.references);
        let references = references
            .map(|(phases, reference)| reference.show(phases[place.phase].crop(x0, place.h, place.w), place.w));
        known.chain(references).take(n_refs).collect()
    }

    /// Whether the tile at `place` would see what is lost of another array.
    pub fn sees_lost(&self, place: &Place, head: &Head) -> bool {
        let x0 = place.column * head.grid().tile_w;
        let n_seen = head.n_refs(place.plane, place.phase) - head.n_own_refs(place.plane, place.phase);
        let mut seen = self.references.iter().take(n_seen);
        seen.any(|phases| phases[place.phase].crop(x0, place.h, place.w).contains(&LOST))
    }
}

fn join(phases: &[Ints], rows: usize, w: usize) -> Vec<i32> {
    let [a, b, c, d] = phases else { return Vec::new() };
    let mut out = vec![0; rows * w];
    phase::join([&a.ints, &b.ints, &c.ints, &d.ints], rows, w, &mut out);
    out
}

/// Bytes of a band, and where in the array they begin.
pub fn band_range(ty: &ArrayType, grid: &Grid, plane: usize, band: usize) -> (u64, usize) {
    let (first, rows) = grid.rows(band);
    let row_bytes = grid.w * ty.dtype.n_bytes();
    ((plane * grid.h + first) as u64 * row_bytes as u64, rows * row_bytes)
}
