//! A valid file, a few edits of its blocks, and all sums made right again: what lies behind the checksums.
//!
//! input = file u8 · (block u8 · how u8 · edit)*
#![no_main]

use collapsar::internals::synthetic;
use collapsar::internals::container::Writer;
use collapsar::internals::model::{Family, Model};
use collapsar_fuzz::{bounded::Bounded, inputs, read_everything, script::Script, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

#[global_allocator]
static MEMORY: Bounded = Bounded::new(768 << 20);
static MODELS: LazyLock<Vec<Arc<Model>>> = LazyLock::new(|| Family::OF_CELLS.map(synthetic::loaded).to_vec());

type Block = (u8, Vec<u8>);

static FILES: LazyLock<Vec<Vec<Block>>> =
    LazyLock::new(|| inputs::files().iter().map(|f| inputs::blocks(f)).collect());

fn begin() -> Vec<Vec<u8>> {
    let untouched = (0..FILES.len()).map(|i| vec![i as u8]);
    let a_head_edited = (0..FILES.len()).map(|i| vec![i as u8, 1, 0, 5, 8, 40, 0]);
    untouched.chain(a_head_edited).collect()
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    let mut blocks = FILES[script.below(FILES.len())].clone();
    for _ in 0..16 {
        if script.is_over() || blocks.is_empty() {
            break;
        }
        let at = script.below(blocks.len());
        match script.byte() % 16 {
            0 => {
                let again = blocks[at].clone();
                blocks.insert(at, again);
            }
            1 => _ = blocks.remove(at),
            2 => {
                let other = script.below(blocks.len());
                blocks.swap(at, other);
            }
            3 => blocks[at].0 = 1 + script.byte() % 7,
            _ => script.edit(&mut blocks[at].1),
        }
    }
    let mut writer = Writer::new(Vec::new()).expect("memory can be written");
    for (kind, payload) in &blocks {
        writer.block(*kind, payload).expect("few and small blocks are no trouble");
    }
    let (file, _) = writer.finish(1000, [7; 32]).expect("memory can be written");
    read_everything(&file, &MODELS);
});
