//! Where tensors live: the CPU, or with the feature `wgpu` the default GPU. With autodiff.

use burn::tensor::Device;
use collapsar::internals::error::Result;

#[cfg(feature = "wgpu")]
pub fn device() -> Result<Device> {
    let no_gpu = |e| collapsar::internals::error::Error::argument(format!("no GPU can be used: {e}"));
    Ok(Device::wgpu_options().init().map_err(no_gpu)?.autodiff())
}

#[cfg(not(feature = "wgpu"))]
pub fn device() -> Result<Device> {
    Ok(Device::flex().autodiff())
}
