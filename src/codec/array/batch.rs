//! Bands in flight: which go together, their ints, and which are kept because later planes are predicted from them
//!
//! Encoder and decoder walk through the same batches.

use crate::codec::array::band::{Band, band_range};
use crate::codec::array::head::Head;
use crate::codec::array::memory::ints_of_band;
use crate::device::Device;
use crate::error::Result;
use crate::grid::{Grid, Place};
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Coded, Tile};
use crate::tile::coder::Domain;
use rayon::prelude::*;
use std::collections::VecDeque;

/// Whole planes, newest first, band by band.
pub type Planes = VecDeque<Vec<Band>>;

/// Every band as (plane, band), in the order of the file.
pub fn bands(grid: &Grid) -> Vec<(usize, usize)> {
    (0..grid.n_planes).flat_map(|plane| (0..grid.n_bands()).map(move |band| (plane, band))).collect()
}

/// How many of the next bands go together: up to `most` ints, and no further than the plane where planes are predicted from planes.
pub fn next<'a>(head: &Head, most: usize, rest: &mut &'a [(usize, usize)]) -> &'a [(usize, usize)] {
    let Some(first) = rest.first() else { return &[] };
    let n = (most / ints_of_band(head)).clamp(1, rest.len());
    let n = match head.previous().n() {
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
    coder: &ArrayCoder,
    now: &[(usize, usize)],
    mut raw: &[u8],
    spare: &mut Vec<Band>,
) -> Vec<Band> {
    let mut bands: Vec<Band> = now.iter().map(|&(plane, band)| Band::next(head.grid(), plane, band, spare)).collect();
    let with_bytes = bands.iter_mut().map(|band| {
        let (bytes, later) = raw.split_at(band_range(&head.ty, head.grid(), band.plane, band.band).1);
        raw = later;
        (band, bytes)
    });
    let with_bytes: Vec<(&mut Band, &[u8])> = with_bytes.collect();
    with_bytes.into_par_iter().for_each(|(band, bytes)| {
        band.fill(head, bytes);
        band.fill_in(coder);
    });
    bands
}

/// Codes tiles of oversampled ints, and puts what decoding gives in the place of their ints; other arrays are coded later.
pub fn transform(head: &Head, coder: &ArrayCoder, device: &Device, bands: &mut [Band]) -> Result<Option<Vec<Coded>>> {
    if coder.domain() == Domain::Ints {
        return Ok(None);
    }
    let places = bands.iter().enumerate().flat_map(|(i, b)| head.grid().band(b.plane, b.band).map(move |p| (i, p)));
    let (of_band, places): (Vec<usize>, Vec<Place>) = places.unzip();
    let nothing = Planes::new();
    let coded = device.encode(coder, &places, &|place| tile(head, bands, place, &nothing))?;
    for ((i, place), coded) in of_band.into_iter().zip(&places).zip(&coded) {
        let ints = &mut bands[i].ints[place.limb][place.phase];
        let reconstruction = coded.reconstruction.iter();
        reconstruction.for_each(|tile| ints.paste(place.column * head.grid().tile_w, place.w, tile));
    }
    Ok(Some(coded))
}

/// The tiles of bands, in the order of the file.
pub fn places(head: &Head, now: &[(usize, usize)]) -> Vec<Place> {
    now.iter().flat_map(|&(plane, band)| head.grid().band(plane, band)).collect()
}

/// The bytes that decoding gives for bands that follow each other.
pub fn bytes(head: &Head, bands: &[Band], out: &mut [u8]) -> Result<()> {
    let mut rest = out;
    let with_bytes = bands.iter().map(|band| {
        let len = band_range(&head.ty, head.grid(), band.plane, band.band).1;
        let (bytes, later) = std::mem::take(&mut rest).split_at_mut(len);
        rest = later;
        (band, bytes)
    });
    let with_bytes: Vec<(&Band, &mut [u8])> = with_bytes.collect();
    with_bytes.into_par_iter().try_for_each(|(band, bytes)| band.pour(head, bytes))
}

/// A tile of one of the bands that follow each other.
pub fn tile(head: &Head, bands: &[Band], place: &Place, previous: &Planes) -> Tile {
    let nth = |plane: usize, band: usize| plane * head.grid().n_bands() + band;
    let band = &bands[nth(place.plane, place.band) - nth(bands[0].plane, bands[0].band)];
    let seen = predicted_from(head, band.plane, band.band, previous);
    let (ints, mask) = (band.tile(place, head.grid()), band.mask(place, head.grid()));
    Tile { place: *place, ints, mask, refs: band.refs(place, head, &seen) }
}

/// The same band of the planes that `plane` is predicted from, newest first.
pub fn predicted_from<'a>(head: &Head, plane: usize, band: usize, previous: &'a Planes) -> Vec<&'a Band> {
    let n = head.n_previous_of(plane);
    let before = previous.iter().filter(|p| p[0].plane < plane).take(n);
    before.map(|p| &p[band]).collect()
}

/// Keeps the bands that later planes are predicted from, and gives back those that none will.
pub fn remember(head: &Head, batch: Vec<Band>, previous: &mut Planes) -> Vec<Band> {
    if head.previous().n() == 0 {
        return batch;
    }
    for band in batch {
        match previous.front_mut() {
            Some(newest) if newest[0].plane == band.plane => newest.push(band),
            _ => previous.push_front(vec![band]),
        }
    }
    previous.drain((head.previous().n() + 1).min(previous.len())..).flatten().collect()
}
