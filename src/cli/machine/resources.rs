//! Threads, memory and device: settled once, before any work.

use super::drivers;
use super::memory;
use crate::cli::args;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::device::{Device, Wish};
use collapsar::internals::gpu::Gpu;
use collapsar::internals::model::Model;
use collapsar::internals::{Decoding, Error, Memory, Resources, Result};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// More threads than so many per core gain nothing, and take memory.
const MOST_PER_CORE: usize = 4;
static DEVICE: OnceLock<Device> = OnceLock::new();
/// Whether the caller named it.
static ASKED_FOR: OnceLock<bool> = OnceLock::new();
/// Why the CPU does what a GPU that was found should have done.
static INSTEAD: OnceLock<String> = OnceLock::new();

pub fn apply(asked: &args::Resources, talk: &args::Talk) -> Result<()> {
    let talk = Talk::from(talk);
    if asked.threads > 0 {
        let threads = asked.threads.min(most_threads());
        if threads < asked.threads {
            talk.note(&format!(
                "-T {}: {threads} threads are used, {MOST_PER_CORE} per core are the most",
                asked.threads
            ));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Error::argument(format!("{threads} threads cannot be started: {e}")))?;
    }
    let wish = match (asked.device, asked.require_gpu) {
        (Wish::Cpu, true) => return Err(Error::argument("--require-gpu and --device cpu contradict each other")),
        (Wish::Auto, true) => Wish::Gpu(None),
        (wish, _) => wish,
    };
    let tell = Box::new(move |why: &str| {
        talk.note(&print::clean(why));
        INSTEAD.get_or_init(|| why.to_string());
    });
    let device = match wish {
        Wish::Auto => Device::auto(quietly(talk, Gpu::open_hardware), tell),
        Wish::Cpu => Device::Cpu,
        Wish::Gpu(_) => quietly(talk, || Device::open(wish, tell))?,
    };
    DEVICE.get_or_init(|| device);
    ASKED_FOR.get_or_init(|| wish != Wish::Auto);
    // behind the device: its driver is part of what has been taken
    asked.memory.map_or(Ok(()), memory::allow)
}

fn most_threads() -> usize {
    MOST_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from)
}

/// Opens devices; drivers are heard where more is to be said.
pub fn quietly<T>(talk: Talk, open: impl FnOnce() -> T) -> T {
    if talk.verbose { open() } else { drivers::hushed(open) }
}

/// The device of this run.
pub fn device() -> Device {
    DEVICE.get().cloned().unwrap_or_default()
}

/// What -M allows.
pub fn memory() -> Memory {
    memory::allowed()
}

pub fn all() -> Resources {
    Resources { device: device(), memory: memory() }
}

/// Decoding with what this run has.
pub fn decoding(models: &[Arc<Model>]) -> Decoding {
    Decoding { models: models.to_vec(), device: device(), memory: memory() }
}

/// What codes a file some of whose arrays a GPU may code, or none: its name, and why it is that one.
pub struct Used {
    pub name: String,
    pub is_gpu: bool,
    pub why: String,
}

pub fn used(on_gpus: bool) -> Used {
    let device = device();
    let is_gpu = on_gpus && INSTEAD.get().is_none() && !matches!(device, Device::Cpu);
    let why = match (on_gpus, ASKED_FOR.get(), INSTEAD.get()) {
        (false, ..) => "no array of this file is coded by a network that runs on a GPU",
        (_, Some(true), _) => "asked for",
        (_, _, Some(why)) => why,
        _ if is_gpu => "found",
        _ => "no GPU was found",
    };
    let name = if is_gpu { device.name() } else { Device::Cpu.name() };
    Used { name, is_gpu, why: why.to_string() }
}

pub fn on_cpu(why: &str) -> Used {
    Used { name: Device::Cpu.name(), is_gpu: false, why: why.to_string() }
}

impl Used {
    pub fn json(&self) -> Value {
        json!({"kind": if self.is_gpu { "gpu" } else { "cpu" }, "name": self.name, "why": self.why})
    }

    pub fn text(&self) -> String {
        format!("coded by {}: {}", self.name, self.why)
    }
}
