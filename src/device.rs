//! Where networks run: on the CPU, or on a GPU that has proved to give the same answer.
//!
//! The device is chosen once, above the batch, and never decides a byte. `auto` may fall back to the CPU before the first
//! tile, and says so; a GPU that was asked for, or that fails on the way, is an error.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, TileInts, TilePayload};
use crate::grid::Place;
use crate::model::Model;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Code, Decoded, Mode, Tile};
use crate::tile::mask::{Kind, Mask};
use crate::tile::transform::vqae::{self, Block, Opened, Painter};
use crate::tile::transform::{self, Settled};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

#[derive(Clone, Default)]
pub enum Device {
    #[default]
    Cpu,
    /// Asked for: it gives the right answer, or that is an error.
    Gpu(Arc<Gpu>),
    /// Found by `auto`: it gives the right answer, or the CPU does, and that is told.
    Found(Arc<Found>),
}

/// A GPU that nobody asked for.
pub struct Found {
    gpu: Arc<Gpu>,
    tell: Tell,
    /// Once it has been caught with a wrong answer it is not used again.
    refused: OnceLock<()>,
}

/// Takes the sentence that says why the CPU is used where there is a GPU.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

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
    /// The device for a wish. No GPU under `auto` is nothing to tell of; one that is there and cannot be used is.
    pub fn open(wish: Wish, tell: Tell) -> Result<Device> {
        match wish {
            Wish::Cpu => Ok(Device::Cpu),
            Wish::Gpu(index) => Ok(Device::Gpu(Arc::new(Gpu::open(index)?))),
            Wish::Auto => Ok(Device::auto(Gpu::open_hardware(), tell)),
        }
    }

    /// What `auto` makes of what it found.
    pub fn auto(hardware: Result<Option<Gpu>>, tell: Tell) -> Device {
        match hardware {
            Ok(None) => Device::Cpu,
            Ok(Some(gpu)) => Device::Found(Arc::new(Found { gpu: Arc::new(gpu), tell, refused: OnceLock::new() })),
            Err(e) => {
                tell(&instead(&e));
                Device::Cpu
            }
        }
    }

    pub fn name(&self) -> String {
        match self.gpu() {
            None => format!("CPU ({:?})", crate::kernel::fast::Level::detect()),
            Some(gpu) => format!("{} ({}, {})", gpu.info.name, gpu.info.backend.name(), gpu.info.driver),
        }
    }

    fn gpu(&self) -> Option<&Gpu> {
        match self {
            Device::Cpu => None,
            Device::Gpu(gpu) => Some(gpu),
            Device::Found(found) => Some(&found.gpu),
        }
    }

    /// The device for a model: one that gives the answer of the plain kernels for its nets.
    pub fn proved(&self, model: &Model) -> Result<Device> {
        match self {
            Device::Cpu => Ok(Device::Cpu),
            Device::Gpu(gpu) => gpu.verify(model).map(|()| self.clone()),
            Device::Found(found) if found.refused.get().is_some() => Ok(Device::Cpu),
            Device::Found(found) => match found.gpu.verify(model) {
                Ok(()) => Ok(Device::Gpu(found.gpu.clone())),
                Err(e) => {
                    // threads that were here at the same time tell it once
                    found.refused.get_or_init(|| (found.tell)(&instead(&e)));
                    Ok(Device::Cpu)
                }
            },
        }
    }

    /// The codes of the tiles at `places`, in their order. A tile is made where it is coded and goes when it is.
    pub fn encode(
        &self,
        coder: &ArrayCoder,
        places: &[Place],
        tile: &(dyn Fn(&Place) -> Tile + Sync),
    ) -> Result<Vec<Code>> {
        let (Some(gpu), Some(plans)) = (self.gpu(), coder.plans()) else {
            return Ok(places.par_iter().map(|place| coder.encode(&tile(place))).collect());
        };
        let tiles: Vec<Tile> = places.par_iter().map(tile).collect();
        // masked tiles are coded by the CPU
        let on_device = |tile: &Tile| !tile.is_constant() && tile.mask.is_empty();
        let mut codes: Vec<Option<Vec<u8>>> = vec![None; tiles.len()];
        for (_, group) in alike(coder, tiles.iter().map(|t| &t.place), |i| on_device(&tiles[i])) {
            let place = tiles[group[0]].place;
            let Some(context) = coder.context(&place) else { continue };
            let refs: Vec<Vec<&[i32]>> = group.iter().map(|&i| tiles[i].refs()).collect();
            let ints = group.iter().zip(&refs).map(|(&i, refs)| TileInts { ints: &tiles[i].ints, refs });
            let batch: Vec<TileInts> = ints.collect();
            let coded = gpu.encode(context, &plans.get(place.h, place.w), &batch)?;
            group.iter().zip(coded).for_each(|(&i, code)| codes[i] = Some(code));
        }
        let settled = tiles.par_iter().zip(codes).map(|(t, code)| match code {
            None => coder.encode(t),
            code => coder.pick_smaller(t, code),
        });
        Ok(settled.collect())
    }

    /// Tiles of an autoencoder's array, in their order.
    pub fn settle(&self, painter: Painter, tiles: &[transform::Tile]) -> Result<Vec<Settled>> {
        let Some(gpu) = self.gpu() else {
            return Ok(tiles.par_iter().map(|tile| vqae::encode(painter, *tile)).collect());
        };
        let mut blocks: Vec<Vec<Block>> = tiles.par_iter().map(|tile| vqae::blocks(*tile)).collect();
        let mut coded: Vec<&mut Block> = blocks.iter_mut().flatten().filter(|block| block.is_coded()).collect();
        let mut painted = gpu.find(painter.vqae, &mut coded)?.into_iter();
        let heads = heads(&blocks, &mut painted);
        let tiles = tiles.par_iter().zip(blocks).zip(heads);
        Ok(tiles.map(|((tile, blocks), heads)| vqae::settle(painter, *tile, blocks, &heads)).collect())
    }

    /// The ints of tiles of an autoencoder's array, by a GPU.
    fn paint(
        &self,
        (gpu, painter, coder): (&Gpu, Painter, &ArrayCoder),
        tiles: &[Coded],
        take: &(dyn Fn(usize, Decoded) + Sync),
    ) -> Result<Vec<Result<()>>> {
        let open = |t: &Coded| {
            let code = t.code.as_ref().map_err(Error::clone)?;
            coder.open_vqae(painter, code, &t.place)
        };
        let mut opened: Vec<Result<(Mask, Opened)>> = tiles.par_iter().map(open).collect();
        let blocks = opened.iter().map(|tile| match tile {
            Ok((_, Opened::Painted { blocks, .. })) => blocks.as_slice(),
            _ => &[],
        });
        let blocks: Vec<&[Block]> = blocks.collect();
        let coded: Vec<&Block> = blocks.iter().copied().flatten().filter(|block| block.is_coded()).collect();
        let mut painted = gpu.paint(painter.vqae, &coded)?.into_iter();
        let heads = heads(&blocks, &mut painted);
        let each = opened.par_drain(..).zip(heads).zip(tiles).enumerate();
        let close = |t: &Coded, opened: Result<(Mask, Opened)>, heads: &[Vec<i32>]| -> Result<Decoded> {
            let (mask, opened) = opened?;
            let ints = opened.close(heads, &mask.classes, (t.place.h, t.place.w), coder.max(&t.place))?;
            Ok(Decoded { ints, mask })
        };
        Ok(each.map(|(i, ((opened, heads), t))| close(t, opened, &heads).map(|tile| take(i, tile))).collect())
    }

    /// The ints of so many tiles, to `take` in any order; one that cannot be decoded fails alone. What is needed for a tile
    /// is gathered where it is decoded and goes when it is.
    pub fn decode(
        &self,
        coder: &ArrayCoder,
        n_tiles: usize,
        coded: &(dyn Fn(usize) -> Coded + Sync),
        take: &(dyn Fn(usize, Decoded) + Sync),
    ) -> Result<Vec<Result<()>>> {
        let one = |t: &Coded| {
            let refs: Vec<&[i32]> = t.refs.iter().map(Vec::as_slice).collect();
            let code = t.code.as_ref().map_err(Error::clone)?;
            coder.decode(code, &t.place, &refs)
        };
        let (Some(gpu), Some(plans)) = (self.gpu(), coder.plans()) else {
            let each = (0..n_tiles).into_par_iter().map(|i| one(&coded(i)).map(|tile| take(i, tile)));
            return Ok(each.collect());
        };
        let tiles: Vec<Coded> = (0..n_tiles).into_par_iter().map(coded).collect();
        if let Some(painter) = coder.painter() {
            return self.paint((gpu, painter, coder), &tiles, take);
        }
        let by_network = |i: usize| matches!(tiles[i].code, Ok(Code { mode: Mode::Network, mask: Kind::None, .. }));
        let mut decoded: Vec<Option<Result<Decoded>>> = tiles.iter().map(|_| None).collect();
        for (_, group) in alike(coder, tiles.iter().map(|t| &t.place), by_network) {
            let place = tiles[group[0]].place;
            let Some(context) = coder.context(&place) else { continue };
            let refs: Vec<Vec<&[i32]>> =
                group.iter().map(|&i| tiles[i].refs.iter().map(Vec::as_slice).collect()).collect();
            let payload = |i: usize| tiles[i].code.as_ref().map_or(&[][..], |code| &code.bytes);
            let payloads = group.iter().zip(&refs).map(|(&i, refs)| TilePayload { payload: payload(i), refs });
            let batch: Vec<TilePayload> = payloads.collect();
            let ints = gpu.decode(context, &plans.get(place.h, place.w), &batch)?;
            let whole = |ints: Vec<i32>| Decoded { ints, mask: Mask::default() };
            group.iter().zip(ints).for_each(|(&i, ints)| decoded[i] = Some(ints.map(whole)));
        }
        let each = tiles.par_iter().zip(decoded).enumerate();
        Ok(each.map(|(i, (t, ints))| ints.unwrap_or_else(|| one(t)).map(|tile| take(i, tile))).collect())
    }
}

/// What was painted of the blocks that have codes, and nothing of the others, tile by tile.
fn heads<T: AsRef<[Block]>>(blocks: &[T], painted: &mut impl Iterator<Item = Vec<i32>>) -> Vec<Vec<Vec<i32>>> {
    let mut of_block = |block: &Block| if block.is_coded() { painted.next().unwrap_or_default() } else { Vec::new() };
    let of_tile = |blocks: &T| blocks.as_ref().iter().map(&mut of_block).collect();
    blocks.iter().map(of_tile).collect()
}

fn instead(error: &Error) -> String {
    format!("{error}: the CPU is used instead")
}

/// A tile to decode: its mode and code, if its block could be read, and what it looks at.
pub struct Coded {
    pub place: Place,
    pub code: Result<Code>,
    pub refs: Vec<Vec<i32>>,
}

/// Tiles of one size and one fit, which share a plan and a context: a batch for the GPU.
fn alike<'a>(
    coder: &ArrayCoder,
    places: impl Iterator<Item = &'a Place>,
    wanted: impl Fn(usize) -> bool,
) -> BTreeMap<(usize, usize, usize, usize, usize), Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, p) in places.enumerate().filter(|(i, _)| wanted(*i)) {
        groups.entry((p.h, p.w, p.part, p.phase, coder.previous.of(p.plane))).or_default().push(i);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_gpu_that_does_not_open_is_told_of_and_none_at_all_is_not() {
        let said = |hardware| {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let into = heard.clone();
            let device = Device::auto(hardware, Box::new(move |why| into.lock().unwrap().push(why.to_string())));
            assert!(matches!(device, Device::Cpu));
            drop(device);
            Arc::into_inner(heard).unwrap().into_inner().unwrap()
        };
        assert_eq!(said(Ok(None)), Vec::<String>::new());
        assert_eq!(said(Err(Error::device("out of memory").at("X1"))), ["X1: out of memory: the CPU is used instead"]);
    }
}
