//! Where networks run: on the CPU, or on a GPU that has proved to give the same answer.
//!
//! The device is chosen once, above the batch. It never decides a byte: a GPU that fails on the way is an error, not a quiet
//! change of device.

use crate::codec::head::Head;
use crate::codec::plans::Plans;
use crate::codec::tile::{self, Mode, Tile, context};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, TileInts, TilePayload};
use crate::model::Model;
use crate::tile::Place;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Default)]
pub enum Device {
    #[default]
    Cpu,
    Gpu(Arc<Gpu>),
}

/// What the caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// A hardware GPU if there is one; software renderers are slower than the CPU kernels and must be asked for.
    #[default]
    Auto,
    Cpu,
    Gpu(Option<usize>),
}

impl Device {
    /// The device for a wish, and a sentence where it is not what was hoped for.
    pub fn open(wish: Wish) -> Result<(Device, Option<String>)> {
        let gpu = match wish {
            Wish::Cpu => return Ok((Device::Cpu, None)),
            Wish::Gpu(index) => Some(Gpu::open(index)?),
            Wish::Auto => match Gpu::open_hardware() {
                Ok(gpu) => gpu,
                Err(e) => return Ok((Device::Cpu, Some(format!("{e}: the CPU kernels are used")))),
            },
        };
        Ok(match gpu {
            Some(gpu) => (Device::Gpu(Arc::new(gpu)), None),
            None => (Device::Cpu, Some("no hardware GPU was found: the CPU kernels are used".into())),
        })
    }

    pub fn name(&self) -> String {
        match self {
            Device::Cpu => format!("CPU ({:?})", crate::kernel::fast::Level::detect()),
            Device::Gpu(gpu) => format!("{} ({}, {})", gpu.info.name, gpu.info.backend.name(), gpu.info.driver),
        }
    }

    /// Refuses a device that does not give the answer of the plain kernels for the nets of a model.
    pub fn verify(&self, model: &Model) -> Result<()> {
        match self {
            Device::Cpu => Ok(()),
            Device::Gpu(gpu) => gpu.verify(model),
        }
    }

    /// The payloads of a batch of tiles, in their order.
    pub fn encode(&self, head: &Head, plans: Option<&Plans>, array: u64, tiles: &[Tile]) -> Result<Vec<Vec<u8>>> {
        let (Device::Gpu(gpu), Some(plans)) = (self, plans) else {
            return Ok(tiles.par_iter().map(|t| tile::encode(head, plans, array, t)).collect());
        };
        let mut codes: Vec<Option<Vec<u8>>> = vec![None; tiles.len()];
        for (_, group) in alike(head, tiles.iter().map(|t| &t.place), |i| !tiles[i].is_constant()) {
            let place = tiles[group[0]].place;
            let Some(context) = context(head, plans, &place) else { continue };
            let refs: Vec<Vec<&[i32]>> = group.iter().map(|&i| tiles[i].refs()).collect();
            let ints = group.iter().zip(&refs).map(|(&i, refs)| TileInts { ints: &tiles[i].ints, refs });
            let batch: Vec<TileInts> = ints.collect();
            let coded = gpu.encode(context, &plans.get(place.h, place.w), &batch)?;
            group.iter().zip(coded).for_each(|(&i, code)| codes[i] = Some(code));
        }
        let settled = tiles.par_iter().zip(codes).map(|(t, code)| tile::settle(head, array, t, code));
        Ok(settled.collect())
    }

    /// The ints of a batch of tiles, in their order; one that cannot be decoded fails alone.
    pub fn decode(&self, head: &Head, plans: Option<&Plans>, tiles: &[Coded]) -> Result<Vec<Result<Vec<i32>>>> {
        let one = |t: &Coded| {
            let refs: Vec<&[i32]> = t.refs.iter().map(Vec::as_slice).collect();
            let (mode, code) = t.code.as_ref().map_err(Error::clone)?;
            tile::decode(head, plans, *mode, code, &t.place, &refs)
        };
        let (Device::Gpu(gpu), Some(plans)) = (self, plans) else {
            return Ok(tiles.par_iter().map(one).collect());
        };
        let by_network = |i: usize| matches!(tiles[i].code, Ok((Mode::Network, _)));
        let mut decoded: Vec<Option<Result<Vec<i32>>>> = tiles.iter().map(|_| None).collect();
        for (_, group) in alike(head, tiles.iter().map(|t| &t.place), by_network) {
            let place = tiles[group[0]].place;
            let Some(context) = context(head, plans, &place) else { continue };
            let refs: Vec<Vec<&[i32]>> =
                group.iter().map(|&i| tiles[i].refs.iter().map(Vec::as_slice).collect()).collect();
            let payload = |i: usize| tiles[i].code.as_ref().map_or(&[][..], |(_, code)| code);
            let payloads = group.iter().zip(&refs).map(|(&i, refs)| TilePayload { payload: payload(i), refs });
            let batch: Vec<TilePayload> = payloads.collect();
            let ints = gpu.decode(context, &plans.get(place.h, place.w), &batch)?;
            group.iter().zip(ints).for_each(|(&i, ints)| decoded[i] = Some(ints));
        }
        Ok(tiles.par_iter().zip(decoded).map(|(t, ints)| ints.unwrap_or_else(|| one(t))).collect())
    }
}

/// A tile to decode: its mode and code, if its block could be read, and what it looks at.
pub struct Coded {
    pub place: Place,
    pub code: Result<(Mode, Vec<u8>)>,
    pub refs: Vec<Vec<i32>>,
}

/// Tiles of one size and one fit, which share a plan and a context: a batch for the GPU.
fn alike<'a>(
    head: &Head,
    places: impl Iterator<Item = &'a Place>,
    wanted: impl Fn(usize) -> bool,
) -> BTreeMap<(usize, usize, usize, usize, usize), Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, p) in places.enumerate().filter(|(i, _)| wanted(*i)) {
        groups.entry((p.h, p.w, p.part, p.phase, head.n_previous_of(p.plane))).or_default().push(i);
    }
    groups
}
