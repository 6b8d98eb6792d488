//! One file: blocks, arrays one after the other, and what is kept between them.

pub mod adapt;
pub mod archive;
pub mod blocks;
pub mod bytes;
pub mod costs;
pub mod cut;
pub mod decode;
pub mod encode;
mod filler;
pub mod learn;
pub mod lost;
mod lost_tiles;
pub mod options;
pub mod reference_store;
pub mod region;
pub mod report;
pub mod salvage;

use crate::error::Result;

/// Called with the bytes of the content that are done; an error from it stops the work.
pub type Progress<'a> = &'a (dyn Fn(u64) -> Result<()> + Sync);
