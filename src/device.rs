//! Where networks run: on the CPU, or on a GPU that has proved to give the same answer.
//!
//! The device is chosen once, above the batch, and never decides a byte. `auto` may fall back to the CPU before the first
//! tile, and says so; a GPU that was asked for, or that fails on the way, is an error.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, TileInts, TilePayload};
use crate::grid::Place;
use crate::model::Model;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Code, Coded, Decoded, Mode, Tile};
use crate::tile::mask::{Kind, Mask};
use crate::tile::transform::vqae::{self, Autoencoder, Block, Opened};
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

    /// The device for an array.
    pub fn for_coder(&self, coder: &ArrayCoder) -> Result<Device> {
        match coder.coder.model() {
            None => Ok(Device::Cpu),
            Some(runtime) if !runtime.model().family.runs_on_gpus() => Ok(Device::Cpu),
            Some(runtime) => self.proved(runtime.model()),
        }
    }

    /// The codes of the tiles at `places`, in their order. A tile is made where it is coded and goes when it is.
    pub fn encode(
        &self,
        coder: &ArrayCoder,
        places: &[Place],
        tile: &(dyn Fn(&Place) -> Tile + Sync),
    ) -> Result<Vec<Coded>> {
        let Some(gpu) = self.gpu() else {
            let coded = |place: &Place| coder.known.get(place).cloned().unwrap_or_else(|| coder.encode(&tile(place)));
            return Ok(places.par_iter().map(coded).collect());
        };
        let tiles: Vec<Tile> = places.par_iter().map(tile).collect();
        match coder.blocks() {
            Some(autoencoder) => encode_blocks(gpu, autoencoder, coder, &tiles),
            None => encode_cells(gpu, coder, &tiles),
        }
    }

    /// The ints of so many tiles, to `take` in any order; one that cannot be decoded fails alone. What is needed for a tile
    /// is gathered where it is decoded and goes when it is.
    pub fn decode(
        &self,
        coder: &ArrayCoder,
        n_tiles: usize,
        tile: &(dyn Fn(usize) -> ToDecode + Sync),
        take: Take,
    ) -> Result<Vec<Result<()>>> {
        let Some(gpu) = self.gpu() else {
            let each = (0..n_tiles).into_par_iter().map(|i| tile(i).on_cpu(coder).map(|tile| take(i, tile)));
            return Ok(each.collect());
        };
        let tiles: Vec<ToDecode> = (0..n_tiles).into_par_iter().map(tile).collect();
        match coder.blocks() {
            Some(autoencoder) => decode_blocks((gpu, autoencoder, coder), &tiles, take),
            None => decode_cells(gpu, coder, &tiles, take),
        }
    }
}

/// Takes a tile by its number.
type Take<'a> = &'a (dyn Fn(usize, Decoded) + Sync);

/// A tile to decode: its mode and code, if its block could be read, and what it sees.
pub struct ToDecode {
    pub place: Place,
    pub code: Result<Code>,
    pub refs: Vec<Vec<i32>>,
}

impl ToDecode {
    fn on_cpu(&self, coder: &ArrayCoder) -> Result<Decoded> {
        let code = self.code.as_ref().map_err(Error::clone)?;
        coder.decode(code, &self.place, &self.refs())
    }

    fn refs(&self) -> Vec<&[i32]> {
        self.refs.iter().map(Vec::as_slice).collect()
    }
}

/// Tiles of one value and masked ones are coded by the CPU.
fn encode_cells(gpu: &Gpu, coder: &ArrayCoder, tiles: &[Tile]) -> Result<Vec<Coded>> {
    let on_device = |tile: &Tile| !tile.is_constant() && tile.mask.is_empty();
    let mut codes: Vec<Option<Vec<u8>>> = vec![None; tiles.len()];
    for (_, group) in alike(coder, tiles.iter().map(|t| &t.place), |i| on_device(&tiles[i])) {
        let place = tiles[group[0]].place;
        let Some((runtime, context)) = coder.cells(&place) else { continue };
        let refs: Vec<Vec<&[i32]>> = group.iter().map(|&i| tiles[i].refs()).collect();
        let ints = group.iter().zip(&refs).map(|(&i, refs)| TileInts { ints: &tiles[i].ints, refs });
        let batch: Vec<TileInts> = ints.collect();
        let coded = gpu.encode(context, &runtime.plan_to_encode(place.h, place.w), &batch)?;
        group.iter().zip(coded).for_each(|(&i, code)| codes[i] = Some(code));
    }
    let coded = tiles.par_iter().zip(codes).map(|(tile, code)| match code {
        None => coder.encode(tile),
        code => coder.pick_smaller(tile, code),
    });
    Ok(coded.collect())
}

fn decode_cells(gpu: &Gpu, coder: &ArrayCoder, tiles: &[ToDecode], take: Take) -> Result<Vec<Result<()>>> {
    let by_network = |i: usize| matches!(tiles[i].code, Ok(Code { mode: Mode::Network, mask: Kind::None, .. }));
    let mut decoded: Vec<Option<Result<Decoded>>> = tiles.iter().map(|_| None).collect();
    for (_, group) in alike(coder, tiles.iter().map(|t| &t.place), by_network) {
        let place = tiles[group[0]].place;
        let Some((runtime, context)) = coder.cells(&place) else { continue };
        let refs: Vec<Vec<&[i32]>> = group.iter().map(|&i| tiles[i].refs()).collect();
        let payload = |i: usize| tiles[i].code.as_ref().map_or(&[][..], |code| &code.bytes);
        let payloads = group.iter().zip(&refs).map(|(&i, refs)| TilePayload { payload: payload(i), refs });
        let batch: Vec<TilePayload> = payloads.collect();
        let ints = gpu.decode(context, &runtime.plan_to_decode(place.h, place.w), &batch)?;
        let whole = |ints: Vec<i32>| Decoded { ints, mask: Mask::default() };
        group.iter().zip(ints).for_each(|(&i, ints)| decoded[i] = Some(ints.map(whole)));
    }
    let each = tiles.par_iter().zip(decoded).enumerate();
    let ints = |(i, (tile, ints)): (usize, (&ToDecode, Option<Result<Decoded>>))| {
        ints.unwrap_or_else(|| tile.on_cpu(coder)).map(|tile| take(i, tile))
    };
    Ok(each.map(ints).collect())
}

fn encode_blocks(gpu: &Gpu, autoencoder: Autoencoder, coder: &ArrayCoder, tiles: &[Tile]) -> Result<Vec<Coded>> {
    let mut blocks: Vec<Vec<Block>> = tiles.par_iter().map(|tile| vqae::blocks(coder.to_transform(tile))).collect();
    let mut coded: Vec<&mut Block> = blocks.iter_mut().flatten().filter(|block| block.is_coded()).collect();
    let mut decoded = gpu.encode_blocks(autoencoder.vqae, &mut coded)?.into_iter();
    let heads = heads(&blocks, &mut decoded);
    let one = |((tile, blocks), heads): ((&Tile, Vec<Block>), Vec<Vec<i32>>)| {
        coder.transformed(tile, vqae::smaller_of_both(autoencoder, coder.to_transform(tile), blocks, &heads))
    };
    Ok(tiles.par_iter().zip(blocks).zip(heads).map(one).collect())
}

fn decode_blocks(
    (gpu, autoencoder, coder): (&Gpu, Autoencoder, &ArrayCoder),
    tiles: &[ToDecode],
    take: Take,
) -> Result<Vec<Result<()>>> {
    let open = |t: &ToDecode| {
        let code = t.code.as_ref().map_err(Error::clone)?;
        coder.open(autoencoder, code, &t.place)
    };
    let mut opened: Vec<Result<(Mask, Opened)>> = tiles.par_iter().map(open).collect();
    let blocks = opened.iter().map(|tile| match tile {
        Ok((_, Opened::Blocks { blocks, .. })) => blocks.as_slice(),
        _ => &[],
    });
    let blocks: Vec<&[Block]> = blocks.collect();
    let coded: Vec<&Block> = blocks.iter().copied().flatten().filter(|block| block.is_coded()).collect();
    let mut decoded = gpu.decode_blocks(autoencoder.vqae, &coded)?.into_iter();
    let heads = heads(&blocks, &mut decoded);
    let each = opened.par_drain(..).zip(heads).zip(tiles).enumerate();
    Ok(each.map(|(i, ((opened, heads), t))| coder.close(opened?, &heads, &t.place).map(|tile| take(i, tile))).collect())
}

/// The heads of the blocks that have codes, and nothing of the others, tile by tile.
fn heads<T: AsRef<[Block]>>(blocks: &[T], decoded: &mut impl Iterator<Item = Vec<i32>>) -> Vec<Vec<Vec<i32>>> {
    let mut of_block = |block: &Block| if block.is_coded() { decoded.next().unwrap_or_default() } else { Vec::new() };
    let of_tile = |blocks: &T| blocks.as_ref().iter().map(&mut of_block).collect();
    blocks.iter().map(of_tile).collect()
}

fn instead(error: &Error) -> String {
    format!("{error}: the CPU is used instead")
}

/// Tiles of one size and one fit, which share a plan and a context: a batch for the GPU.
fn alike<'a>(
    coder: &ArrayCoder,
    places: impl Iterator<Item = &'a Place>,
    wanted: impl Fn(usize) -> bool,
) -> BTreeMap<(usize, usize, usize, usize, usize), Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, p) in places.enumerate().filter(|(i, _)| wanted(*i)) {
        groups.entry((p.h, p.w, p.limb, p.phase, coder.previous.of(p.plane))).or_default().push(i);
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
