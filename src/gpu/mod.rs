//! The kernels on a GPU: the only room that knows wgpu.
//!
//! ```text
//! op              the shaders, their buffers and parameters (params)
//! program         buffers, and a list of commands over them; a batch of tiles that runs it
//! queue           device buffers, pipelines, waiting; whatever goes wrong becomes an Error::device
//! builder         a program on its way: the buffers and ops that all walks have
//! tables          nets and predictors as buffers; activation_grid: those of causal convolutions
//! run             many tiles at once: the device runs a family's program, the CPU packs and pops (walk)
//! autoregressive  the program of raster and lattice; stages: what it shares with
//! pyramid         that of means and features, scale by scale
//! flow            that of an integer lifting, forward and inverse (lifting)
//! autoencoder     blocks through meshes: encode, nearest codes, decode
//! twin            one op over one run, with the signature of its plain kernel
//! interface       what a GPU is given and what is known of it; none: the room where there is no wgpu
//! verify          a device that differs from the plain kernels in one bit is refused
//! ```
//!
//! The bytes never depend on the device, the size of a batch or the order of tiles.

mod activation_grid;
mod adapter;
mod autoencoder;
mod autoregressive;
mod builder;
mod flow;
mod interface;
mod lifting;
mod op;
mod params;
mod program;
mod pyramid;
mod queue;
mod run;
mod stages;
mod tables;
mod twin;
mod verify;
mod walk;

pub use adapter::adapters;
pub use interface::{AdapterInfo, Backend, Profile, TileInts, TilePayload};
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
    pipelines: Mutex<BTreeMap<(Op, u32), Arc<queue::Pipeline>>>,
    constants: wgpu::Buffer,
    /// The first thing that went wrong outside of a call.
    fault: Arc<Mutex<Option<String>>>,
    /// Digests of the models that this device was verified with.
    verified: Mutex<BTreeSet<[u8; 32]>>,
}
