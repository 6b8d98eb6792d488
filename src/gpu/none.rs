//! The room without the feature `gpu`: no adapter is found and none opens, so nobody has a `Gpu`.

mod interface;

pub use interface::{AdapterInfo, Backend, Profile, TileInts, TilePayload};

use crate::error::{Error, Result};
use crate::model::vqae::Vqae;
use crate::model::{Model, Plan};
use crate::tile::stream::PlaneContext;
use crate::tile::transform::vqae::Block;
use std::convert::Infallible;

pub struct Gpu {
    pub info: AdapterInfo,
    none: Infallible,
}

pub fn adapters() -> Vec<AdapterInfo> {
    Vec::new()
}

impl Gpu {
    pub fn open(_: Option<usize>) -> Result<Gpu> {
        Err(Error::device("this build has no GPU: it was made without the feature `gpu`"))
    }

    pub fn open_hardware() -> Result<Option<Gpu>> {
        Ok(None)
    }

    pub fn verify(&self, _: &Model) -> Result<()> {
        match self.none {}
    }

    pub fn encode(&self, _: PlaneContext, _: &Plan, _: &[TileInts]) -> Result<Vec<Vec<u8>>> {
        match self.none {}
    }

    pub fn decode(&self, _: PlaneContext, _: &Plan, _: &[TilePayload]) -> Result<Vec<Result<Vec<i32>>>> {
        match self.none {}
    }

    pub fn profile(&self, _: PlaneContext, _: &Plan, _: &[TileInts]) -> Result<Profile> {
        match self.none {}
    }

    pub fn encode_blocks(&self, _: &Vqae, _: &mut [&mut Block]) -> Result<Vec<Vec<i32>>> {
        match self.none {}
    }

    pub fn decode_blocks(&self, _: &Vqae, _: &[&Block]) -> Result<Vec<Vec<i32>>> {
        match self.none {}
    }
}
