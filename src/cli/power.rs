//! Threads, memory and device: settled once, before any work.

use super::args::{self, Power};
use super::memory;
use super::say::{self, Talk};
use collapsar::device::{Device, Wish};
use collapsar::model::Model;
use collapsar::{Decoding, Error, Result};
use std::sync::{Arc, OnceLock};

static DEVICE: OnceLock<Device> = OnceLock::new();

pub fn apply(power: &Power, talk: &args::Talk) -> Result<()> {
    if power.threads > 0 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(power.threads).build_global();
        pool.map_err(|e| Error::argument(format!("{} threads cannot be started: {e}", power.threads)))?;
    }
    if let Some(most) = power.memory {
        memory::check(most, rayon::current_num_threads())?;
    }
    let wish = match (power.device, power.require_gpu) {
        (Wish::Cpu, true) => return Err(Error::argument("--require-gpu and --device cpu contradict each other")),
        (Wish::Auto, true) => Wish::Gpu(None),
        (wish, _) => wish,
    };
    let talk = Talk::from(talk);
    let device = Device::open(wish, Box::new(move |why| talk.note(&say::clean(why))))?;
    DEVICE.get_or_init(|| device);
    Ok(())
}

/// The device of this run.
pub fn device() -> Device {
    DEVICE.get().cloned().unwrap_or_default()
}

/// Decoding on the device of this run.
pub fn decoding(models: &[Arc<Model>]) -> Decoding {
    Decoding { models: models.to_vec(), device: device() }
}
