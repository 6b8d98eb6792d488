//! Bands in flight: which go together, their ints, and which are kept for later planes to look at
//!
//! Encoder and decoder walk through the same batches.

use crate::codec::fine;
use crate::codec::head::Head;
use crate::codec::memory::ints_of_band;
use crate::codec::plane::{Band, band_range};
use crate::codec::plans::Plans;
use crate::codec::tile::{Tile, for_painter, painter, put_painted};
use crate::codec::waves;
use crate::device::Device;
use crate::error::Result;
use crate::tile::{Grid, Place};
use rayon::prelude::*;
use std::collections::VecDeque;

/// Whole planes, newest first, band by band.
pub type Planes = VecDeque<Vec<Band>>;

/// Every band as (plane, band), in the order of the file.
pub fn bands(grid: &Grid) -> Vec<(usize, usize)> {
    (0..grid.n_planes).flat_map(|plane| (0..grid.n_bands()).map(move |band| (plane, band))).collect()
}

/// How many of the next bands go together: up to `most` ints, and no further than the plane where planes look at planes.
pub fn next<'a>(head: &Head, most: usize, rest: &mut &'a [(usize, usize)]) -> &'a [(usize, usize)] {
    let Some(first) = rest.first() else { return &[] };
    let n = (most / ints_of_band(head)).clamp(1, rest.len());
    let n = match head.n_previous {
        0 => n,
        _ => rest[..n].iter().take_while(|band| band.0 == first.0).count(),
    };
    let (now, later) = rest.split_at(n);
    *rest = later;
    now
}

/// Bands from their bytes. They are allocated here: threads that allocate what outlives them keep the most they ever held.
pub fn ints(
    head: &Head,
    plans: Option<&Plans>,
    now: &[(usize, usize)],
    mut raw: &[u8],
    spare: &mut Vec<Band>,
) -> Vec<Band> {
    let mut bands: Vec<Band> = now.iter().map(|&(plane, band)| Band::next(&head.grid, plane, band, spare)).collect();
    let with_bytes = bands.iter_mut().map(|band| {
        let (bytes, later) = raw.split_at(band_range(&head.ty, &head.grid, band.plane, band.band).1);
        raw = later;
        (band, bytes)
    });
    let with_bytes: Vec<(&mut Band, &[u8])> = with_bytes.collect();
    with_bytes.into_par_iter().for_each(|(band, bytes)| {
        band.fill(head, bytes);
        // what is painted is filled in row by row, whatever coding it asks for
        band.fill_in(head, plans.filter(|_| !head.is_painted()));
    });
    bands
}

/// Of an array whose tiles are painted: the tiles' payloads, and in the bands what decoding gives. None: of no other array.
pub fn settle(
    head: &Head,
    plans: Option<&Plans>,
    device: &Device,
    array: u64,
    bands: &mut [Band],
) -> Result<Option<Vec<Vec<u8>>>> {
    if !head.is_painted() {
        return Ok(None);
    }
    let places = bands.iter().enumerate().flat_map(|(i, b)| head.grid.band(b.plane, b.band).map(move |p| (i, p)));
    let places: Vec<(usize, Place)> = places.collect();
    let nothing = Planes::new();
    let tiles: Vec<Tile> = places.par_iter().map(|(_, place)| tile(head, bands, place, &nothing)).collect();
    let wanted: Vec<fine::Tile> = tiles.iter().map(|tile| for_painter(head, tile)).collect();
    let settled = match (head.waves, painter(head, plans)) {
        (Some(rows), _) => wanted.par_iter().map(|tile| waves::encode(*tile, rows)).collect(),
        (None, Some(painter)) => device.settle(painter, &wanted)?,
        (None, None) => return Ok(None),
    };
    for ((i, place), settled) in places.iter().zip(&settled) {
        bands[*i].ints[place.part][place.phase].paste(place.column * head.grid.tile_w, place.w, &settled.ints);
    }
    let payloads = tiles.iter().zip(&settled).map(|(tile, settled)| put_painted(head, array, tile, settled));
    Ok(Some(payloads.collect()))
}

/// The bytes that decoding gives for bands that follow each other.
pub fn bytes(head: &Head, bands: &[Band], out: &mut [u8]) -> Result<()> {
    let mut rest = out;
    let with_bytes = bands.iter().map(|band| {
        let len = band_range(&head.ty, &head.grid, band.plane, band.band).1;
        let (bytes, later) = std::mem::take(&mut rest).split_at_mut(len);
        rest = later;
        (band, bytes)
    });
    let with_bytes: Vec<(&Band, &mut [u8])> = with_bytes.collect();
    with_bytes.into_par_iter().try_for_each(|(band, bytes)| band.pour(head, bytes))
}

/// A tile of one of the bands that follow each other.
pub fn tile(head: &Head, bands: &[Band], place: &Place, previous: &Planes) -> Tile {
    let nth = |plane: usize, band: usize| plane * head.grid.n_bands() + band;
    let band = &bands[nth(place.plane, place.band) - nth(bands[0].plane, bands[0].band)];
    let seen = looked_at(head, band.plane, band.band, previous);
    let (ints, mask) = (band.tile(place, &head.grid), band.mask(place, &head.grid));
    Tile { place: *place, ints, mask, refs: band.refs(place, head, &seen) }
}

/// The same band of the planes that `plane` looks at, newest first.
pub fn looked_at<'a>(head: &Head, plane: usize, band: usize, previous: &'a Planes) -> Vec<&'a Band> {
    let n = head.n_previous_of(plane);
    let before = previous.iter().filter(|p| p[0].plane < plane).take(n);
    before.map(|p| &p[band]).collect()
}

/// Keeps the bands that later planes look at, and gives back those that none will.
pub fn remember(head: &Head, batch: Vec<Band>, previous: &mut Planes) -> Vec<Band> {
    if head.n_previous == 0 {
        return batch;
    }
    for band in batch {
        match previous.front_mut() {
            Some(newest) if newest[0].plane == band.plane => newest.push(band),
            _ => previous.push_front(vec![band]),
        }
    }
    previous.drain((head.n_previous + 1).min(previous.len())..).flatten().collect()
}
