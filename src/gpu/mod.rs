//! The kernels on a GPU: the only room that knows wgpu.
//!
//! ```text
//! op      the shaders, their bindings and parameters
//! spots   activations on the device, and the layers that look at them
//! tables  nets, predictors and plans as buffers
//! queue   buffers, dispatches, waiting; whatever goes wrong becomes an Error::device
//! encode  many tiles at once: fill, predict, settle, context, mixture, interval; the CPU packs the batch before
//! decode  many tiles in lock step over the steps of a plan
//! lifts   the ways of a flow as dispatches
//! meshes  many blocks through an autoencoder: find, choose, paint
//! flow    many tiles through a flow, there and back
//! waves   the tables of scales, whose phases go together
//! scales  many tiles at once of means and features: an encoder's net first; a decoder in two waves per scale
//! twin    one op over one run, with the signature of its plain kernel
//! verify  a device that differs from the plain kernels in one bit is refused
//! ```
//!
//! The bytes never depend on the device, the size of a batch or the order of tiles.

mod adapter;
mod decode;
mod encode;
mod flow;
mod lifts;
mod meshes;
mod op;
mod queue;
mod scales;
mod spots;
mod tables;
mod twin;
mod verify;
mod waves;

pub use adapter::{AdapterInfo, Backend, adapters};
pub use decode::TilePayload;
pub use encode::{Profile, TileInts};
pub use op::{Op, Shaders};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// A device with its pipelines. Open one and keep it: compiling shaders takes a while.
pub struct Gpu {
    pub info: AdapterInfo,
    /// Device memory that a batch of tiles may take; one tile is always taken.
    pub batch_bytes: u64,
    device: wgpu::Device,
    queue: wgpu::Queue,
    shaders: Shaders,
    /// By op and by words of `context`'s widest layer, 0 for the others.
    pipelines: Mutex<BTreeMap<(usize, u32), Arc<queue::Pipeline>>>,
    constants: wgpu::Buffer,
    /// The first thing that went wrong outside of a call.
    fault: Arc<Mutex<Option<String>>>,
    /// Digests of the models that this device was verified with.
    verified: Mutex<BTreeSet<[u8; 32]>>,
}
