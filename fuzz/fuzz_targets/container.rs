//! Any bytes as a `.clps` file: opened, decompressed, cut out of, salvaged.
#![no_main]

use collapsar::internals::synthetic;
use collapsar::internals::model::{Family, Model};
use collapsar_fuzz::{bounded::Bounded, inputs, read_everything, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

#[global_allocator]
static MEMORY: Bounded = Bounded::new(768 << 20);
static MODELS: LazyLock<Vec<Arc<Model>>> = LazyLock::new(|| Family::OF_CELLS.map(synthetic::loaded).to_vec());

fuzz_target!(init: seeds::offer(inputs::files), |bytes: &[u8]| read_everything(bytes, &MODELS));
