//! NUMERICS.md says what the code does: its worked example and its tables are compared with the kernels.

mod example;

use collapsar::internals::kernel::activation_cache::ActivationCache;
use collapsar::internals::kernel::causal_conv::{activations, n_planes};
use collapsar::internals::kernel::context::{Heads, features, mlp};
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::kernel::interval::{Distributions, intervals, invert};
use collapsar::internals::kernel::log2::log2;
use collapsar::internals::kernel::mixture::{Mixtures, Window, mass, mixture};
use collapsar::internals::kernel::predict::{Linear, predict, residual};
use collapsar::internals::kernel::table::{Choice, Choices, FIRST_PLACE, LOG2_PLACES, STEPS, choose, interval, symbol};
use collapsar::internals::kernel::{Arenas, ONE, tables};
use collapsar::internals::model::l3c::{Steps, pyramid};
use collapsar::internals::model::vdm::OFFSET;
use collapsar::internals::model::{Family, Model};
use collapsar::internals::tile::cells::encode;
use collapsar::internals::tile::diffusion::opened;
use collapsar::internals::tile::flow::meet;
use collapsar::internals::tile::pyramid::said;
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::tile::transform::Tile;
use collapsar::internals::tile::transform::vqae::{Autoencoder, blocks, smaller_of_both};
use collapsar::internals::tile::transform::wavelet::{self, lift};
use example::{H, INTS, MAX, STATS, W, linear, model, vqae};
use std::fmt::Write;

const NUMERICS: &str = include_str!("../NUMERICS.md");
/// The cell of the example.
const CELL: (usize, usize) = (2, 3);

#[test]
fn the_worked_example_is_what_the_kernels_compute() {
    let block = example();
    assert!(NUMERICS.contains(&block), "section 5.4 of NUMERICS.md should say:\n{block}");
}

/// What a net knows of the cell: values and residuals at its taps, the prediction, the local scale, features.
struct Seen {
    v: Vec<i32>,
    r: Vec<i32>,
    b: i32,
    s: i32,
    f: Vec<i32>,
}

/// Rows of the tile up to the one that holds the cell are known, as in raster order.
fn seen(model: &Model) -> Seen {
    let plan = model.plan_to_encode(H, W);
    let net = &model.nets[0].net;
    let offsets = &plan.offsets[0];
    let (mut values, mut residuals) = (plan.arena(INTS[0] * ONE), plan.arena(STATS.spread));
    plan.fill(&INTS, &mut values);
    let mut b = [0; W];
    for step in &plan.steps[..CELL.0 + 1] {
        let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats: STATS };
        let at = step.runs[0].at as usize;
        predict(&linear(), plan.site(arenas, step, step.runs[0]), MAX, &mut b);
        for (x, b) in b.iter().enumerate() {
            residuals[at + x] = residual(values[at + x], *b);
        }
        step.copy(&mut residuals);
    }

    let cell = plan.steps[CELL.0].runs[0].at as usize + CELL.1;
    let taps = |arena: &[i32]| offsets.taps.iter().map(|&o| arena[(cell as isize + o as isize) as usize]).collect();
    let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats: STATS };
    let b = b[CELL.1];
    let mut f = vec![0; net.n_in()];
    let row = &plan.steps[CELL.0];
    let s = features(net, plan.site(arenas, row, row.runs[0]).cell(CELL.1), b, &mut f);
    Seen { v: taps(&values), r: taps(&residuals), b, s, f }
}

fn example() -> String {
    let model = model(Family::Pixelcnn);
    let net = &model.nets[0].net;
    let Seen { v, r, b, s, f } = seen(&model);
    let (mut hidden, mut heads) = (Vec::new(), Vec::new());
    mlp(&net.layers()[..1], &f, &mut hidden);
    mlp(net.layers(), &f, &mut heads);
    // of a net's only layer the result is not cut to 0..=127
    hidden.iter_mut().for_each(|h| *h = (*h).clamp(0, 127));

    let mut m = Mixtures::new(2, 1);
    let window = Window { max: MAX };
    mixture(&[b], &Heads { stride: 1, s: vec![s], heads: heads.clone() }, mass(window.n_symbols()), &mut m);
    let int = INTS[CELL.0 * W + CELL.1];
    let (mut start, mut width) = ([0], [0]);
    let of = Distributions { mixtures: &m, window, b: &[b] };
    intervals(of, &[int], &mut start, &mut width);
    assert_eq!(invert(of, 0, start[0] + width[0] - 1), (int, start[0], width[0]));

    let mut out = String::new();
    let mut line = |name: &str, numbers: &[i32]| {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        writeln!(out, "{name:<10} {}", numbers.join(" ")).expect("a string grows");
    };
    line("v", &v);
    line("r", &r);
    line("b", &[b]);
    line("s", &[s]);
    line("f", &f);
    line("hidden", &hidden);
    line("heads", &heads);
    line("mass", &[mass(window.n_symbols())]);
    line("mu", &m.location);
    line("lambda", &m.log2_scale);
    line("w", &m.weight);
    line("start", &[start[0] as i32]);
    line("width", &[width[0] as i32]);
    out
}

#[test]
fn the_worked_example_of_layers_that_look_around_is_what_the_kernels_compute() {
    let block = example_around();
    assert!(NUMERICS.contains(&block), "section 3.7 of NUMERICS.md should say:\n{block}");
}

/// Cells in the order of the encoder, row by row.
fn example_around() -> String {
    let model = model(Family::PixelcnnDeep);
    let plan = model.plan_to_encode(H, W);
    let (net, offsets) = (&model.nets[0].net, &plan.offsets[0]);
    let (mut values, mut residuals) = (plan.arena(INTS[0] * ONE), plan.arena(STATS.spread));
    plan.fill(&INTS, &mut values);
    let mut cache = ActivationCache::default();
    let span = offsets.around.iter().map(|o| -o).max().unwrap_or(0);
    cache.begin(n_planes(net), span as usize, W);
    let mut all = Vec::new();
    for step in &plan.steps {
        let (mut b, at) = ([0; W], step.runs[0].at as usize);
        let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats: STATS };
        predict(&linear(), plan.site(arenas, step, step.runs[0]), MAX, &mut b);
        for (x, b) in b.iter().enumerate() {
            residuals[at + x] = residual(values[at + x], *b);
        }
        let site =
            plan.site(Arenas { values: &values, residuals: &residuals, refs: &[], stats: STATS }, step, step.runs[0]);
        cache.reach(at, W);
        all.extend((0..W).map(|x| activations(net, site.cell(x), b[x], &mut cache).1));
        step.copy(&mut residuals);
    }
    let of = |y: usize, x: usize, source: usize| &all[y * W + x][source];
    let mut heads = Vec::new();
    mlp(&net.layers()[2..], of(2, 2, 2), &mut heads);
    let mut out = String::new();
    for (name, numbers) in [
        ("here", of(2, 2, 1)),
        ("left", of(2, 1, 1)),
        ("above", of(1, 3, 1)),
        ("second", of(2, 2, 2)),
        ("heads", &heads),
        ("at the edge", of(2, 3, 2)),
    ] {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        writeln!(out, "{name:<11} {}", numbers.join(" ")).expect("a string grows");
    }
    out.push_str(&line("deep", &payload(&model, &[linear()])));
    out
}

fn payload(model: &Model, linears: &[Linear]) -> Vec<u8> {
    let kernels = model.kernels(Level::Plain);
    let context = PlaneContext { model, kernels: &kernels, linears, stats: STATS, max: MAX };
    encode(context, &model.plan_to_encode(H, W), &INTS, &[])
}

/// A payload as the documents show it.
fn line(name: &str, payload: &[u8]) -> String {
    let words = payload[2..].chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    format!("{name:<10} {:02x} {:02x} {}\n", payload[0], payload[1], words.collect::<Vec<_>>().join(" "))
}

#[test]
fn the_worked_example_of_a_flow_is_what_the_kernels_compute() {
    let model = model(Family::Idf);
    let (linears, kernels) = (vec![linear(); 6], model.kernels(Level::Plain));
    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats: STATS, max: MAX };
    let mut all = [0; H * W];
    meet(context, &model.plan_to_encode(H, W), &INTS, &[], &mut |meeting| {
        if !meeting.details.is_empty() {
            all.copy_from_slice(meeting.details);
        }
    });
    let rows = all.chunks(W).map(|row| row.iter().map(|int| format!("{int:>5}")).collect::<String>());
    let block = rows.collect::<Vec<_>>().join("\n") + "\n" + &line("flow", &payload(&model, &linears));
    assert!(NUMERICS.contains(&block), "section 5.6 of NUMERICS.md should say:\n{block}");
}

#[test]
fn the_worked_example_of_scales_is_what_the_code_computes() {
    let block = example_scales();
    assert!(NUMERICS.contains(&block), "section 5.7 of NUMERICS.md should say:\n{block}");
}

/// The means of all scales, what a decoder finds in the payload, and the payload.
fn example_scales() -> String {
    let model = model(Family::L3c);
    let (plan, steps) = (model.plan_to_encode(H, W), Steps::of(STATS));
    let all = pyramid(&plan, &INTS, MAX, steps);
    let kernels = model.kernels(Level::Plain);
    let linears = vec![linear(); model.n_sets()];
    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats: STATS, max: MAX };
    let payload = encode(context, &plan, &INTS, &[]);
    let features = said(context, &plan, &INTS);
    let mut out = String::new();
    for s in [2, 1] {
        let scale = plan.scales[s];
        for (name, list, first) in [("I", &all, scale.ints), ("F", &features, scale.features)] {
            let numbers: Vec<String> = list[first..][..scale.h * scale.w].iter().map(i32::to_string).collect();
            writeln!(out, "{name}{s:<9} {}", numbers.join(" ")).expect("a string grows");
        }
    }
    out.push_str(&line("l3c", &payload));
    out
}

#[test]
fn the_worked_example_of_a_ladder_is_what_the_code_computes() {
    let block = example_ladder();
    assert!(NUMERICS.contains(&block), "section 10.5 of NUMERICS.md should say:\n{block}");
}

/// What a decoder finds: levels, the images above the tile, and the payload.
fn example_ladder() -> String {
    let (model, h, w) = (model(Family::Vdm), 16, 4);
    let (plan, linears, kernels) =
        (model.plan_to_encode(h, w), [linear(), linear(), linear()], model.kernels(Level::Plain));
    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats: STATS, max: MAX };
    let ints: Vec<i32> = (0..64).map(|i| 1000 + 5 * (i % 4) + (7 * (i % 4) + 3 * (i / 4) * (i / 4)) % 11).collect();
    let payload = encode(context, &plan, &ints, &[]);
    let (levels, all) = opened(context, &plan, &payload).unwrap();
    let mut out = String::new();
    let mut row = |name: &str, numbers: &[i32]| {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        writeln!(out, "{name:<10} {}", numbers.join(" ")).expect("a string grows");
    };
    row("levels", &levels.levels.iter().map(|&level| i32::from(level)).collect::<Vec<_>>());
    for t in [1, 2] {
        let scale = plan.scales[t];
        let image: Vec<i32> = all[scale.ints..][..scale.h * scale.w].iter().map(|z| z - OFFSET).collect();
        row(&format!("z{t}"), &image);
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    // kind, bytes of the strip, levels, words
    let at = 3 + 4 * usize::from(payload[2]);
    out += &format!("{:<10} {} {} {}\n", "vdm", hex(&payload[..1]), hex(&payload[1..2]), hex(&payload[2..at]));
    for line in payload[at..].chunks(32) {
        out += &format!("{:<10} {}\n", "", line.chunks(4).map(hex).collect::<Vec<_>>().join(" "));
    }
    out
}

#[test]
fn the_worked_example_of_waves_is_what_the_code_computes() {
    let row = |name: &str, row: &[i32]| {
        format!("{name:<10} {}\n", row.iter().map(i32::to_string).collect::<Vec<_>>().join(" "))
    };
    let mut one = [800, 816, 848, 880, 928, 960, 976, 1024, 400, 400, 416];
    let mut block = row("line", &one);
    lift::forward(&mut one, [1, 1, 11]);
    block += &row("forward", &one);
    let (n, h, w) = (8, 8, 16);
    let int = |i: i32| {
        let (z, y, x) = (i / (h * w), i / w % h, i % w);
        3000 + 60 * x - 25 * y + 90 * z + x * y * (z + 1) % 7
    };
    let ints: Vec<i32> = (0..n * h * w).map(int).collect();
    let tile = Tile { ints: &ints, classes: &[], h: (n * h) as usize, w: w as usize, max: 6000 };
    let settled = wavelet::encode(tile, h as usize);
    assert_eq!(settled.code[0], 2, "waves were to be shown");
    block += &(row("ints", &settled.ints[..16]) + &row("", &settled.ints[16..32]));
    // kind, quantum, base in two bytes, number of words
    let (head, words) = settled.code.split_at(5);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let head = [&head[..1], &head[1..2], &head[2..4], &head[4..]].map(hex).join(" ");
    block += &format!("wavelet    {head}\n");
    for line in words.chunks(8 * 4) {
        block += &format!("           {}\n", line.chunks(4).map(hex).collect::<Vec<_>>().join(" "));
    }
    assert!(NUMERICS.contains(&block), "section 8.4 of NUMERICS.md should say:\n{block}");
}

#[test]
fn the_worked_example_of_an_autoencoder_is_what_the_kernels_compute() {
    let (h, w, vqae) = (16, 32, vqae());
    let autoencoder = Autoencoder { vqae: &vqae, kernels: &Kernels::new(Level::Plain, []).with(vqae.meshes()) };
    let int = |y: i32, x: i32| 90 * ((5 * (x / 8) + 3 * (y / 8)) % 8) + 15 * ((5 * x + 3 * y) % 8);
    let ints: Vec<i32> = (0..(h * w) as i32).map(|i| int(i / w as i32, i % w as i32)).collect();
    let tile = Tile { ints: &ints, classes: &[], h, w, max: 1000 };
    let mut all = blocks(tile);
    all[0].encode(autoencoder);
    let heads = vec![all[0].decode(autoencoder)];
    let (base, size, codes) = (all[0].base, all[0].size, all[0].codes);
    let settled = smaller_of_both(autoencoder, tile, all, &heads);
    let row = |name: &str, row: &[i32]| {
        format!("{name:<10} {}\n", row.iter().map(i32::to_string).collect::<Vec<_>>().join(" "))
    };
    let live = |n: usize, codes: &[u8]| codes[..n].iter().map(|&i| i32::from(i)).collect::<Vec<i32>>();
    let mut block = row("offset, scale", &[base, size]) + &row("top", &live(2, &codes.top));
    block += &row("bottom", &[live(4, &codes.bottom), live(4, &codes.bottom[8..])].concat());
    block += &(row("heads", &heads[0][..8]) + &row("ints", &settled.ints[..8]) + &line("vqae", &settled.code));
    assert!(NUMERICS.contains(&block), "section 7.4 of NUMERICS.md should say:\n{block}");
}

#[test]
fn the_tables_are_those_of_the_code() {
    for (name, table) in [
        ("SIGMOID_VALUE", &tables::SIGMOID_VALUE[..]),
        ("SIGMOID_SLOPE", &tables::SIGMOID_SLOPE),
        ("SIGMOID_CURVE", &tables::SIGMOID_CURVE),
        ("EXP2_4096", &tables::EXP2_4096),
        ("EXP2_8192", &tables::EXP2_8192),
    ] {
        let (_, after) = NUMERICS.split_once(&format!("\n{name}\n")).expect("every table has its name on a line");
        let (block, _) = after.split_once("```").expect("a table ends");
        let numbers: Vec<i32> = block.split_whitespace().map_while(|n| n.parse().ok()).collect();
        assert_eq!(numbers, table, "{name}");
    }
    assert_eq!([tables::RECIPROCAL[0], tables::RECIPROCAL[127]], [32513, 16384]);
}

#[test]
fn the_worked_example_of_tables_is_what_the_kernels_compute() {
    let block = example_table();
    assert!(NUMERICS.contains(&block), "section 9.5 of NUMERICS.md should say:\n{block}");
}

fn example_table() -> String {
    let model = example::table_model();
    let Seen { b, s, f, .. } = seen(&model);
    let mut heads = Vec::new();
    mlp(model.nets[0].net.layers(), &f, &mut heads);
    let mut choices = Choices::new(1);
    choose(&[b], &Heads { stride: 1, s: vec![s], heads: heads.clone() }, MAX, &mut choices);
    let (choice, middle, int) = (Choice(choices.choice[0]), choices.middle[0], INTS[CELL.0 * W + CELL.1]);
    let j = symbol((int >> choice.shift()) - middle);
    let (start, width) = interval(choice, j as usize);
    let location = b + ((s * heads[0].clamp(-1024, 1024) + 64) >> 7);
    let q = (log2(s) + heads[1] + 16) >> 5;
    let ends = choice.ends();
    let rounded = |x: i32, log2: u32| (x + (1 << log2 >> 1)) >> log2;
    let mut out = String::new();
    for (name, numbers) in [
        ("outputs", heads.clone()),
        ("rounded", vec![location, q, rounded(heads[2], 5).clamp(0, 7), rounded(heads[3], 6).clamp(-2, 2)]),
        ("table", vec![choice.shift() as i32, middle, choice.number() as i32, ends.0 as i32, ends.1 as i32]),
        ("symbol", vec![j, start as i32, width as i32]),
    ] {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        writeln!(out, "{name:<10} {}", numbers.join(" ")).expect("a string grows");
    }
    out.push_str(&line("tile", &payload(&model, &[linear()])));
    out
}

/// The rule that the document gives for the lowest step of a symbol.
#[test]
fn symbols_begin_where_the_document_says() {
    let below = [(1..=2, 32, -178), (3..=4, 16, -130), (5..=6, 8, -90), (7..=8, 4, -62), (9..=11, 2, -44)];
    let above = [(53..=55, 2, -84), (56..=57, 4, -194), (58..=59, 8, -422), (60..=61, 16, -894), (62..=63, 32, -1870)];
    let rules = below.into_iter().chain([(12..=52, 1, -32)]).chain(above);
    for (symbols, times, plus) in rules {
        for j in symbols {
            assert_eq!(STEPS[j as usize].0, times * j + plus, "symbol {j}");
        }
    }
    for (i, table) in [LOG2_PLACES, FIRST_PLACE].iter().enumerate() {
        let numbers: Vec<String> = table[..7].iter().map(i32::to_string).collect();
        let row = format!("| {} | {} |", ["LOG2_PLACES", "FIRST_PLACE"][i], numbers.join(" | "));
        assert!(NUMERICS.contains(&row), "section 9.1 should say {row}");
    }
}
