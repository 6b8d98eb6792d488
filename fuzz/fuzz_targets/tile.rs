//! Any bytes as the code of a tile, classic or of a network, in arrays of several shapes: no panic, and no int that its
//! map does not know.
//!
//! input = shape u8 · mode u8 · what precedes the code in the tile's payload · code
#![no_main]

use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::tile::classic;
use collapsar::internals::codec::array::head::Spec;
use collapsar::internals::tile::coder::{CellCoder, Coder, Fitted};
use collapsar::internals::tile::counts::Counts;
use collapsar::internals::container::Writer;
use collapsar::internals::kernel::{MAX_INT, PlaneStats};
use collapsar::internals::model::{Family, Model};
use collapsar::internals::net::Head;
use collapsar::internals::sample::{Map, Stats};
use collapsar::internals::grid::{Layout, MAX_REFS};
use collapsar_fuzz::{bounded::Bounded, inputs, script::Script, script::varint, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

#[global_allocator]
static MEMORY: Bounded = Bounded::new(512 << 20);
static MODELS: LazyLock<Vec<Arc<Model>>> = LazyLock::new(|| {
    let tables = [Family::Pixelcnn, Family::Lattice].map(|family| synthetic::tiny_with(family, 7, Head::Table));
    let painted = tables.into_iter().chain([synthetic::ladder(7)]).map(|model| synthetic::stored(&model));
    Family::OF_CELLS.map(synthetic::loaded).into_iter().chain(painted).collect()
});
/// Planes of h × w, with a largest int, phases, and planes looked at.
const SHAPES: [(usize, usize, usize, u32, usize, usize); 10] = [
    (1, 16, 16, 4000, 1, 0),
    (1, 7, 33, 1, 1, 0),
    (1, 1, 40, 65535, 1, 0),
    (1, 40, 1, 65536, 1, 0),
    (1, 12, 13, 1 << 22, 1, 0),
    (1, 9, 9, u32::MAX, 1, 0),
    (3, 6, 7, 300, 1, 2),
    (1, 13, 12, 5000, 4, 0),
    (2, 8, 8, 1 << 22, 4, 1),
    (1, 1, 1, 77, 1, 0),
];
static HEADS: LazyLock<Vec<Spec>> = LazyLock::new(|| {
    let of = |model: &Arc<Model>| SHAPES.map(|shape| head(model, shape));
    MODELS.iter().flat_map(of).chain(SHAPES.into_iter().filter_map(counted)).collect()
});

/// Arrays with a table of counts.
fn counted(shape: (usize, usize, usize, u32, usize, usize)) -> Option<Spec> {
    let (_, _, _, max, n_phases, n_previous) = shape;
    let plain = n_phases == 1 && n_previous == 0 && max <= MAX_INT as u32;
    let widths = (0..max.min(70) as u16 + 1).map(|i| i * 3 % 50).collect();
    let counts = Arc::new(Counts::new(max.saturating_sub(70) / 2, widths).expect("widths of few values"));
    plain.then(|| Spec { coder: Coder::Counts(counts), ..head(&MODELS[0], shape) })
}

fn head(model: &Arc<Model>, (n, h, w, max, n_phases, n_previous): (usize, usize, usize, u32, usize, usize)) -> Spec {
    let mut stats = Stats::new(Dtype::U32);
    stats.update(&[0, max / 3, max / 7, max].map(u32::to_be_bytes).concat(), true);
    stats.update(&[1 & max, max].map(u32::to_be_bytes).concat(), true);
    let fitted = |phase: usize, n: usize| Fitted {
        linears: model.linears((phase + n).min(MAX_REFS)),
        stats: PlaneStats { median: 64 * 100, spread: 200 },
    };
    let fits = (0..n_phases).map(|phase| (0..=n_previous).map(|n| fitted(phase, n)).collect()).collect();
    Spec {
        ty: ArrayType { dtype: Dtype::U32, big_endian: true, shape: vec![n as u64, h as u64, w as u64] },
        label: "synthetic".into(),
        map: Map::candidates(&stats)[0].clone(),
        layout: Layout::usual(n, h, w, 1, n_phases),
        common: Vec::new(),
        n_previous,
        key_interval: 8 * n_previous.min(1),
        references: Vec::new(),
        coder: Coder::Cells(CellCoder { model: model.clone(), refits: Vec::new(), fits }),
    }
}

/// A file of one array, every tile of which has the same code: bytes of the input.
fn file(head: &Spec, mode: u8, code: &[u8]) -> Vec<u8> {
    let n_bytes = head.ty.n_bytes().expect("the array is small");
    let mut writer = Writer::new(Vec::new()).expect("memory can be written");
    let mut block = |kind: u8, parts: &[&[u8]]| writer.block(kind, &parts.concat()).expect("few and small blocks");
    block(1, &[&[3], &varint(n_bytes)]);
    let mut bytes = vec![0, 0];
    head.write(&mut bytes);
    block(5, &[&bytes]);
    let grid = &head.layout;
    for place in (0..grid.n_planes).flat_map(|p| (0..grid.n_bands()).flat_map(move |b| grid.band(p, b))) {
        block(6, &[&varint(0), &varint(place.number), &[mode], code]);
    }
    writer.finish(n_bytes, [7; 32]).expect("memory can be written").0
}

/// Codes that are right, for the ones that go wrong to begin with.
fn begin() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (i, head) in HEADS.iter().enumerate() {
        let (h, w, max) = (head.layout.h, head.layout.w, head.map.max_int(0));
        let mut random = Lcg(9);
        let mut array = |bits: u32| -> Vec<u8> {
            let v = |j: usize| (j as u32 % 31 + random.bits(bits)).min(max);
            (0..h * w).map(v).flat_map(u32::to_be_bytes).collect()
        };
        for bits in [1, 4, 9] {
            if let Coder::Counts(counts) = &head.coder {
                let int = |v: &[u8]| i32::from_be_bytes([v[0], v[1], v[2], v[3]]);
                let ints: Vec<i32> = array(bits).chunks_exact(4).map(int).collect();
                seeds.push([&[i as u8, 1][..], &counts.encode(&ints, max)].concat());
                continue;
            }
            let model = &MODELS[i / SHAPES.len()];
            let choice = collapsar::internals::Choice::These(vec![model.clone()]);
            let options = inputs::options(choice, Dtype::U32, true, &[h as u64, w as u64]);
            let packed = collapsar::internals::compress(&array(bits), &options).expect("a synthetic array is compressed");
            let tile = inputs::blocks(&packed).pop().expect("there is a tile").1;
            seeds.push([&[i as u8], &tile[2.min(tile.len())..]].concat());
        }
    }
    seeds
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    let head = &HEADS[script.below(HEADS.len())];
    let mode = script.byte() & 1;
    let code = script.0;
    let grid = &head.layout;
    if mode == 0 {
        let (h, w, max) = (grid.tile_h, grid.tile_w, head.map.max_int(0));
        let mut ints = vec![0; h * w];
        if classic::decode(code, h, w, max, &mut ints).is_ok() {
            assert!(ints.iter().all(|&int| int as u32 <= max), "an int beyond {max}");
            let mut back = vec![0; h * w];
            classic::decode(&classic::encode(&ints, h, w, max), h, w, max, &mut back).expect("our own code is read");
            assert_eq!(ints, back);
        }
    }
    let file = file(head, mode, code);
    let mut sink = collapsar_fuzz::Sink::default();
    let _ = collapsar::internals::decompress_to(&file, &mut sink, &collapsar_fuzz::known(&MODELS), &|_| Ok(()));
});
