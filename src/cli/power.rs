//! Threads, memory and device: settled once, before any work.

use super::args::{self, Power};
use super::memory;
use super::say::{self, Talk};
use collapsar::device::{Device, Wish};
use collapsar::model::Model;
use collapsar::{Decoding, Error, Memory, Resources, Result};
use std::sync::{Arc, OnceLock};

/// More threads than so many per core gain nothing, and take memory.
const MOST_PER_CORE: usize = 4;
static DEVICE: OnceLock<Device> = OnceLock::new();

pub fn apply(power: &Power, talk: &args::Talk) -> Result<()> {
    let talk = Talk::from(talk);
    if power.threads > 0 {
        let threads = power.threads.min(most_threads());
        if threads < power.threads {
            talk.note(&format!(
                "-T {}: {threads} threads are used, {MOST_PER_CORE} per core are the most",
                power.threads
            ));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Error::argument(format!("{threads} threads cannot be started: {e}")))?;
    }
    let wish = match (power.device, power.require_gpu) {
        (Wish::Cpu, true) => return Err(Error::argument("--require-gpu and --device cpu contradict each other")),
        (Wish::Auto, true) => Wish::Gpu(None),
        (wish, _) => wish,
    };
    let device = Device::open(wish, Box::new(move |why| talk.note(&say::clean(why))))?;
    DEVICE.get_or_init(|| device);
    // behind the device: its driver is part of what has been taken
    power.memory.map_or(Ok(()), memory::allow)
}

fn most_threads() -> usize {
    MOST_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from)
}

/// The device of this run.
pub fn device() -> Device {
    DEVICE.get().cloned().unwrap_or_default()
}

/// What -M allows.
pub fn memory() -> Memory {
    memory::allowed()
}

pub fn resources() -> Resources {
    Resources { device: device(), memory: memory() }
}

/// Decoding with what this run has.
pub fn decoding(models: &[Arc<Model>]) -> Decoding {
    Decoding { models: models.to_vec(), device: device(), memory: memory() }
}
