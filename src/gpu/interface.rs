//! What a GPU is given and what is known of it: the same names where the library is built without one.

use std::time::Duration;

/// What is behind a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterInfo {
    pub name: String,
    pub backend: Backend,
    pub driver: String,
    pub driver_info: String,
    /// "discrete", "integrated", "virtual", "cpu" or "other".
    pub device_type: &'static str,
    pub vendor_id: u32,
    pub device_id: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Vulkan,
    Metal,
    Dx12,
    Gl,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Backend::Vulkan => "vulkan",
            Backend::Metal => "metal",
            Backend::Dx12 => "dx12",
            Backend::Gl => "gl",
        }
    }
}

/// The ints of a tile, and of the same tile of its reference planes; row-major.
#[derive(Clone, Copy, Debug)]
pub struct TileInts<'a> {
    pub ints: &'a [i32],
    pub refs: &'a [&'a [i32]],
}

/// A coded tile, and the ints of the same tile of its reference planes.
#[derive(Clone, Copy, Debug)]
pub struct TilePayload<'a> {
    pub payload: &'a [u8],
    pub refs: &'a [&'a [i32]],
}

/// Where the time of a batch goes, op by op.
pub type Profile = Vec<(&'static str, Duration)>;
