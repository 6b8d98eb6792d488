//! Every level of this machine against the plain kernels, op by op and for whole tiles: equality, not tolerance.

use collapsar::internals::kernel;
use collapsar::internals::kernel::context::{Heads, Hidden};
use collapsar::internals::kernel::fast::{Inverted, Kernels, Level, Scratch, room};
use collapsar::internals::kernel::interval::Distributions;
use collapsar::internals::kernel::mixture::{Mixtures, Window, mass};
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::kernel::rans::{Symbol, Words};
use collapsar::internals::kernel::table::{Choice, Choices, NONE, interval, is_end};
use collapsar::internals::kernel::{Arenas, MAX_INT, MAX_RESIDUAL, ONE, Offsets, PlaneStats, SLACK, Site};
use collapsar::internals::model::Family;
use collapsar::internals::net::{Head, Input, Layer, Mesh, Net, Pass, Spec, Wiring};
use collapsar::internals::synthetic::{self, LARGE, Lcg, MIDDLE, SMALL, Size};
use collapsar::internals::tile::cells::{decode, encode};
use collapsar::internals::tile::stream::PlaneContext;

/// Of the rows of a case.
const PITCH: usize = 200;
const LENGTHS: [usize; 11] = [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127];
const ODD: Size = Size { values: 23, residuals: 9, hidden: &[7], head: Head::Mixture { k: 1 } };
const WIDE: Size = Size { values: 33, residuals: 1, hidden: &[18, 5], head: Head::Mixture { k: 8 } };
const SHALLOW: Size = Size { values: 3, residuals: 2, hidden: &[], head: Head::Mixture { k: 5 } };

/// A run in arenas of synthetic ints and residuals.
struct Case {
    net: Net,
    linear: Linear,
    offsets: Offsets,
    values: Vec<i32>,
    residuals: Vec<i32>,
    refs: Vec<Vec<i32>>,
    at: usize,
    level: i32,
    max: i32,
    n: usize,
    stats: PlaneStats,
}

/// All that the kernels say of a run.
#[derive(Debug, PartialEq, Default)]
struct Outcome {
    b: Vec<i32>,
    s: Vec<i32>,
    heads: Vec<i32>,
    hidden: Vec<i32>,
    location: Vec<i32>,
    log2_scale: Vec<i32>,
    weight: Vec<i32>,
    start: Vec<u32>,
    width: Vec<u32>,
    cost: i64,
    inverted: Vec<(i32, u32, u32)>,
    residuals: Vec<i32>,
}

fn outcome(kernels: &Kernels, case: &Case) -> Outcome {
    let Case { net, linear, offsets, values, at, n, max, .. } = case;
    let (at, n, max) = (*at, *n, *max);
    let k = net.spec().head.k();
    let refs: Vec<&[i32]> = case.refs.iter().map(Vec::as_slice).collect();
    let arenas = Arenas { values, residuals: &case.residuals, refs: &refs, stats: case.stats };
    let run = Site { arenas, offsets, at, n, level: case.level };
    let window = Window { max };

    let (mut b, mut scratch) = (vec![0; room(n)], Scratch::default());
    let (mut heads, mut mixtures) = (Heads::new(3 * k, room(n)), Mixtures::new(k, room(n)));
    scratch.fit(kernels);
    scratch.begin(kernels, 0, offsets, n);
    kernels.predict(linear, run, max, &mut b);
    // rows whose activations a net may see
    let rows = [2, 1].iter().map(|i| Site { at: at - i * PITCH, level: 0, ..run });
    let rows: Vec<Site> = rows.filter(|_| !net.is_plain()).collect();
    rows.iter().for_each(|&row| kernels.context(0, row, &b, &mut scratch, &mut heads));
    kernels.context(0, run, &b, &mut scratch, &mut heads);
    let mut hidden = Hidden::new(net.layers().last().unwrap().n_in, room(n));
    if net.layers().len() > 1 {
        scratch.begin(kernels, 0, offsets, n);
        rows.iter().for_each(|&row| kernels.hidden(0, row, &b, &mut scratch, &mut hidden));
        kernels.hidden(0, run, &b, &mut scratch, &mut hidden);
        assert_eq!(hidden.s[..n], heads.s[..n]);
    }
    kernels.mixture(n, &b, &heads, mass(window.n_symbols()), &mut mixtures);
    let ints: Vec<i32> = (0..room(n)).map(|i| values[at + i] / ONE).collect();
    let (mut start, mut width) = (vec![0; room(n)], vec![0; room(n)]);
    let of = Distributions { mixtures: &mixtures, window, b: &b };
    kernels.intervals(of, n, &ints, &mut start, &mut width);
    let cost = kernels.cost(n, &width);
    let mut residuals = case.residuals.clone();
    kernels.update_residuals(values, at, n, &b, &mut residuals);

    let mut inverted = Vec::new();
    let mut random = Lcg(9);
    for (i, group) in (0..n).step_by(16).map(|i| (i, 16.min(n - i))) {
        for edge in 0..4 {
            let mut quantiles = [0; 16];
            for (j, q) in quantiles[..group].iter_mut().enumerate() {
                *q = match edge {
                    0 => start[i + j],
                    1 => start[i + j] + width[i + j] - 1,
                    2 => random.below(1 << 24),
                    _ => [0, 1, (1 << 24) - 1][j % 3],
                };
            }
            let mut out = Inverted::default();
            kernels.invert(of, i, group, &quantiles, &mut out);
            inverted.extend((0..group).map(|j| (out.ints[j], out.start[j], out.width[j])));
        }
    }
    let of_run = |from: &[i32]| from.chunks(room(n)).flat_map(|part| &part[..n]).copied().collect::<Vec<i32>>();
    Outcome {
        s: of_run(&heads.s),
        heads: of_run(&heads.heads),
        hidden: of_run(&hidden.words),
        location: of_run(&mixtures.location),
        log2_scale: of_run(&mixtures.log2_scale),
        weight: of_run(&mixtures.weight),
        b: b[..n].to_vec(),
        start: start[..n].to_vec(),
        width: width[..n].to_vec(),
        cost,
        inverted,
        residuals,
    }
}

#[derive(Clone, Copy, Debug)]
enum Pattern {
    Zero,
    Most,
    Alternating,
    Random,
    Smooth,
}
const PATTERNS: [Pattern; 5] = [Pattern::Zero, Pattern::Most, Pattern::Alternating, Pattern::Random, Pattern::Smooth];

fn int_of(pattern: Pattern, max: i32, i: usize, random: &mut Lcg) -> i32 {
    match pattern {
        Pattern::Zero => 0,
        Pattern::Most => max,
        Pattern::Alternating => [0, max][i & 1],
        Pattern::Random => random.below(max as u32 + 1) as i32,
        Pattern::Smooth => (i as i32 / 3 + random.within(5)).clamp(0, max),
    }
}

fn case(size: Size, n_refs: usize, shift: u32, max: i32, ints: Pattern, n: usize) -> Case {
    let random = Lcg(n as u32 + 77 * shift + max as u32);
    let spec = Spec { feature_shift: shift, ..synthetic::spec(Pass::Raster, n_refs, size) };
    let layers = synthetic::layers(spec.n_features(), size, &mut Lcg(n as u32));
    case_of(Net::new(spec, layers).unwrap(), max, ints, n, random)
}

/// A net of causal convolutions, in a case like the others.
fn deep_case(size: Size, seed: u32, max: i32, ints: Pattern, n: usize) -> Case {
    let mut random = Lcg(seed);
    let places = synthetic::places(1 + seed as usize % 6, &mut random);
    let net = synthetic::deep(seed as usize % 3, size, &places, &mut random);
    case_of(net, max, ints, n, random)
}

fn case_of(net: Net, max: i32, ints: Pattern, n: usize, mut random: Lcg) -> Case {
    let (spec, pitch) = (net.spec(), PITCH as i32);
    let n_refs = spec.n_refs;
    let offset = |&(dy, dx): &(i32, i32)| dy * pitch + dx;
    let offsets = Offsets {
        taps: spec.taps.iter().map(offset).collect(),
        ref_taps: spec.ref_taps.iter().map(offset).collect(),
        around: net.around().iter().map(offset).collect(),
        // not where taps look: a net that took one for the other would be caught
        hints: spec.taps[..spec.n_hints].iter().map(|tap| offset(tap) - 5).collect(),
    };
    let at = 12 * pitch as usize;
    let n_below = if spec.pass == Pass::Finer { 12 } else { 2 };
    let n_arena = at + n + n_below * pitch as usize + SLACK;
    let arena = |random: &mut Lcg| (0..n_arena).map(|i| int_of(ints, max, i, random) * ONE).collect::<Vec<i32>>();
    let values = arena(&mut random);
    let refs = (0..n_refs).map(|_| arena(&mut random)).collect();
    let most = [MAX_RESIDUAL, 300, 1 << 15, 0][n % 4];
    let residuals = (0..n_arena).map(|i| match ints {
        Pattern::Alternating => [MAX_RESIDUAL, -MAX_RESIDUAL][i % 2],
        _ => random.within(most),
    });
    let residuals = residuals.collect();
    let own = (0..spec.n_linear - 1).map(|_| random.within(1000) as i16).collect();
    let of_refs = (0..n_refs).map(|_| (1..spec.ref_taps.len()).map(|_| random.within(600) as i16).collect()).collect();
    let linear = Linear::new(own, of_refs).unwrap();
    let stats = PlaneStats {
        median: random.below(max as u32 + 1) as i32 * ONE,
        spread: [1, 64, 1 + random.below(1 << 20) as i32, MAX_RESIDUAL][n % 4],
    };
    Case { net, linear, offsets, values, residuals, refs, at, level: n as i32 % 10, max, n, stats }
}

#[test]
fn every_level_says_what_the_plain_kernels_say() {
    let maxima = [0, 100, 4095, 65535, 65536, MAX_INT];
    let mut i = 0;
    for size in [ODD, WIDE, SHALLOW, SMALL, MIDDLE, LARGE] {
        for n in LENGTHS {
            for pattern in PATTERNS {
                i += 1;
                let case = case(size, i % 3, 3 + (i / 3 % 3) as u32, maxima[i % maxima.len()], pattern, n);
                let plain = outcome(&Kernels::new(Level::Plain, [&case.net]), &case);
                for level in Level::available() {
                    let kernels = outcome(&Kernels::new(level, [&case.net]), &case);
                    assert!(kernels == plain, "{level:?} differs for {size:?}, {n} cells, {pattern:?}, {}", case.max);
                }
            }
        }
    }
}

#[test]
fn every_level_convolves_as_the_plain_kernel_does() {
    let mut seed = 0;
    for size in [ODD, WIDE, SHALLOW, SMALL, MIDDLE] {
        for n in LENGTHS {
            for pattern in [Pattern::Random, Pattern::Smooth] {
                seed += 1;
                let case = deep_case(size, seed, [100, 4095, 65536, MAX_INT][seed as usize % 4], pattern, n);
                let plain = outcome(&Kernels::new(Level::Plain, [&case.net]), &case);
                for level in Level::available() {
                    let kernels = outcome(&Kernels::new(level, [&case.net]), &case);
                    assert!(kernels == plain, "{level:?} differs for {size:?}, seed {seed}, {n} cells, {pattern:?}");
                }
            }
        }
    }
}

#[test]
fn every_level_sees_transmitted_features_as_the_plain_kernel_does() {
    let (mut seed, mut n_seen) = (0, 0);
    for size in [ODD, WIDE, SHALLOW, SMALL, MIDDLE] {
        for (n, n_hints) in LENGTHS.into_iter().zip([1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 25]) {
            for (pattern, max) in [(Pattern::Random, 31), (Pattern::Smooth, 24), (Pattern::Alternating, MAX_INT)] {
                seed += 1;
                let mut random = Lcg(seed);
                let spec = Spec { n_hints, ..synthetic::spec(Pass::Finer, 0, size) };
                let layers = synthetic::layers(spec.n_features(), size, &mut random);
                let case = case_of(Net::new(spec, layers).unwrap(), max, pattern, n, random);
                let plain = outcome(&Kernels::new(Level::Plain, [&case.net]), &case);
                for level in Level::available() {
                    let kernels = outcome(&Kernels::new(level, [&case.net]), &case);
                    assert!(
                        kernels == plain,
                        "{level:?} differs for {size:?}, {n} cells, {n_hints} hints, {pattern:?}"
                    );
                }
                let mut blind = case;
                blind.offsets.hints.iter_mut().for_each(|hint| *hint += 3);
                n_seen += u32::from(outcome(&Kernels::new(Level::Plain, [&blind.net]), &blind) != plain);
            }
        }
    }
    assert!(n_seen > seed / 3, "of {seed} cases {n_seen} would show a hint from elsewhere");
}

#[test]
fn every_level_quantises_and_coarsens_as_the_plain_kernels_do() {
    let mut random = Lcg(11);
    for n in LENGTHS {
        let stride = room(n);
        let heads: Vec<i32> = (0..3 * stride).map(|i| [-32768, 32767, -128, 127, random.within(8000)][i % 5]).collect();
        let heads = Heads { stride, s: vec![1; stride], heads };
        let b: Vec<i32> = (0..stride).map(|i| [0, ONE * MAX_INT, random.below(1 << 28) as i32][i % 3]).collect();
        let s: Vec<i32> =
            (0..stride).map(|i| [1, MAX_RESIDUAL + 65536, random.below(1 << 20) as i32 + 1][i % 3]).collect();
        let say = |level: Level, log2_step: u32, most: i32| {
            let kernels = Kernels::new(level, []);
            let (mut q, mut s, mut coarse) = (vec![0; stride], s.clone(), vec![0; stride]);
            kernels.quantise(n, &heads, most, &mut q);
            kernels.coarsen(n, log2_step, &b, &mut s, &mut coarse);
            [q[..n].to_vec(), s[..n].to_vec(), coarse[..n].to_vec()]
        };
        for (log2_step, most) in [(0, 24), (1, 1), (7, 0), (15, 24)] {
            let plain = say(Level::Plain, log2_step, most);
            for level in Level::available() {
                assert_eq!(say(level, log2_step, most), plain, "{level:?}, {n} cells in steps of 2^{log2_step}");
                assert!(n < 15 || say(level, log2_step + 1, most)[2] != plain[2], "another step is seen");
            }
        }
    }
}

/// The comparison would notice a mistake in any of the things a layer is told.
#[test]
fn a_wrong_causal_convolution_is_caught() {
    let at = |source, dy, dx| Input { source, tap: (dy, dx) };
    let wiring = vec![
        Wiring::plain(0),
        Wiring { inputs: vec![at(1, 0, 0), at(1, -1, 2), at(1, 0, -1), at(0, -2, 0)], gate: true, add: Some(1) },
        Wiring { inputs: vec![at(2, 0, -3), at(1, 0, 0), at(2, 0, 0)], gate: false, add: Some(2) },
        Wiring::plain(3),
    ];
    let changes: [fn(&mut [Wiring]); 8] = [
        |w| w[1].inputs[1].tap = (-1, 1),
        |w| w[1].inputs[2].tap = (0, 0),
        |w| w[1].inputs.swap(0, 1),
        |w| w[1].add = None,
        |w| w[2].add = Some(1),
        |w| w[2].add = None,
        |w| w[2].inputs[1].source = 2,
        |w| w[2].inputs[0].source = 1,
    ];
    let size = Size { hidden: &[18, 18, 18], ..SMALL };
    let case = |wiring: Vec<Wiring>| {
        let (mut random, spec) = (Lcg(5), synthetic::spec(Pass::Raster, 0, size));
        let mut widths = vec![spec.n_features()];
        let mut layers = Vec::new();
        for (l, (wiring, n_out)) in wiring.iter().zip([18, 36, 18, 9]).enumerate() {
            let n_in: usize = wiring.inputs.iter().map(|i| widths[i.source].next_multiple_of(4)).sum();
            let shift = if l == 3 { 7 } else { 9 };
            layers.push(Layer {
                n_in,
                n_out,
                weights: (0..n_in * n_out).map(|_| random.within(if l == 3 { 15 } else { 127 }) as i8).collect(),
                bias: (0..n_out).map(|_| random.within(9000)).collect(),
                shift: vec![shift; n_out],
            });
            widths.push(wiring.width(&layers[l]));
        }
        case_of(Net::wired(spec, layers, wiring).unwrap(), 65535, Pattern::Smooth, 65, random)
    };
    for level in Level::available() {
        let say = |case: &Case| outcome(&Kernels::new(level, [&case.net]), case);
        let right = say(&case(wiring.clone()));
        for (i, change) in changes.iter().enumerate() {
            let mut wrong = wiring.clone();
            change(&mut wrong);
            assert!(say(&case(wrong)).heads != right.heads, "change {i}, {level:?}");
        }
        let mut ungated = case(wiring.clone());
        let mut layers = ungated.net.layers().to_vec();
        layers[1].weights[18 * 4..].fill(0); // gates that say nothing of the cell
        ungated.net = Net::wired(ungated.net.spec(), layers, wiring.clone()).unwrap();
        assert!(say(&ungated).heads != right.heads, "gates, {level:?}");
        let mut moved = case(wiring.clone());
        moved.offsets.around[0] += 1;
        assert!(say(&moved).heads != right.heads, "an offset, {level:?}");
    }
}

/// The comparison above would notice: each of these changes is about as small as a mistake can be.
#[test]
fn a_wrong_kernel_is_caught() {
    let case = case(MIDDLE, 1, 4, 65535, Pattern::Smooth, 65);
    let changes: [fn(&mut [Layer]); 5] = [
        |layers| {
            let n_in = layers[0].n_in;
            layers[0].weights.chunks_exact_mut(n_in).for_each(|row| row.swap(0, 1));
        },
        |layers| layers[1].weights.iter_mut().step_by(64).for_each(|w| *w /= 2),
        |layers| layers[1].shift.iter_mut().for_each(|shift| *shift ^= 1),
        |layers| layers[3].bias[0] += 1 << layers[3].shift[0],
        |layers| layers[3].weights[..64].reverse(),
    ];
    for level in Level::available() {
        let right = outcome(&Kernels::new(level, [&case.net]), &case);
        for (i, change) in changes.iter().enumerate() {
            let mut layers = case.net.layers().to_vec();
            change(&mut layers);
            let wrong = Net::new(case.net.spec(), layers).unwrap();
            assert!(outcome(&Kernels::new(level, [&wrong]), &case) != right, "change {i}, {level:?}");
        }
    }
}

#[test]
fn payloads_are_equal_between_levels_and_readable_by_each() {
    let (h, w) = (67, 75);
    for family in Family::OF_CELLS {
        for (size, max) in [(SMALL, 4095), (MIDDLE, 65535), (LARGE, 100_000), (WIDE, MAX_INT)] {
            let model = synthetic::model(family, size);
            let linears = model.linears(0);
            let mut ints = synthetic::tile(h, w, max);
            (ints[1], ints[h * w / 2], ints[h * w - 1]) = (max, max, 0);
            let (to_encode, to_decode) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
            let fasts: Vec<Kernels> = Level::available().into_iter().map(|level| model.kernels(level)).collect();
            let context = |kernels| PlaneContext {
                model: &model,
                kernels,
                linears: &linears,
                stats: PlaneStats { median: 64 * 1000, spread: 400 },
                max,
            };
            let plain = encode(context(&fasts[0]), &to_encode, &ints, &[]);
            for kernels in &fasts {
                assert!(
                    encode(context(kernels), &to_encode, &ints, &[]) == plain,
                    "{:?} writes other bytes",
                    kernels.level()
                );
                let mut back = vec![0; h * w];
                decode(context(kernels), &to_decode, &plain, &[], &mut back).unwrap();
                assert!(back == ints, "{:?} reads other ints", kernels.level());
            }
        }
    }
}

#[test]
fn models_of_causal_convolutions_code_tiles_of_any_size() {
    let sizes = [(1, 1), (1, 2), (2, 1), (1, 99), (99, 1), (2, 40), (40, 2), (9, 33), (33, 31), (8, 130)];
    for (seed, &(h, w)) in (1..).zip(&sizes) {
        for (size, max) in [(SMALL, 4095), (ODD, MAX_INT)] {
            let model = synthetic::deep_model(size, seed);
            let linears = model.linears(1);
            let (ints, seen) = (synthetic::tile(h, w, max), synthetic::tile(h, w, max / 2));
            let (to_encode, to_decode) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
            let stats = PlaneStats { median: 64 * 1000, spread: 400 };
            for refs in [&[][..], &[seen.as_slice()]] {
                let mut plain: Option<Vec<u8>> = None;
                for level in Level::available() {
                    let kernels = model.kernels(level);
                    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max };
                    let payload = encode(context, &to_encode, &ints, refs);
                    // an encoder may walk the decoder's plan, too
                    assert!(encode(context, &to_decode, &ints, refs) == payload, "{h}×{w}, plans, {level:?}");
                    let mut back = vec![0; h * w];
                    decode(context, &to_decode, &payload, refs, &mut back).unwrap();
                    assert!(back == ints, "{h}×{w}, {level:?}");
                    assert!(*plain.get_or_insert_with(|| payload.clone()) == payload, "{h}×{w}, {level:?}");
                }
            }
        }
    }
}

/// Meshes with every kind of input, sheets of every side, widths that are no multiples of four.
#[test]
fn every_level_has_the_heads_of_the_plain_meshes() {
    let vqae = synthetic::vqae();
    let mut random = Lcg(17);
    let mut meshes: Vec<Mesh> = vqae.meshes().into_iter().cloned().collect();
    meshes.extend((0..12).map(|_| synthetic::mesh(&mut random)));
    let plain = Kernels::new(Level::Plain, []).with(&meshes);
    for level in Level::available() {
        let kernels = Kernels::new(level, []).with(&meshes);
        for (i, mesh) in meshes.iter().enumerate() {
            let sheet = |n: usize| (0..n).map(|_| random.below(128) as i32).collect::<Vec<i32>>();
            let sources: Vec<Vec<i32>> = mesh.sources().iter().map(|s| s.n_cells() * s.width).map(sheet).collect();
            let sources: Vec<&[i32]> = sources.iter().map(Vec::as_slice).collect();
            assert_eq!(kernels.mesh(i, &sources), plain.mesh(i, &sources), "{level:?}, mesh {i}");
        }
    }
}

/// What foresees a code cell by cell says what it says of all at once.
#[test]
fn a_causal_mesh_says_of_a_cell_what_it_says_of_all() {
    let vqae = synthetic::vqae();
    let mut random = Lcg(18);
    for mesh in [&vqae.prior_top, &vqae.prior_bottom] {
        let mut sheet = |n: usize| (0..n).map(|_| random.below(128) as i32).collect::<Vec<i32>>();
        let sources: Vec<Vec<i32>> = mesh.sources().iter().map(|s| sheet(s.n_cells() * s.width)).collect();
        let sources: Vec<&[i32]> = sources.iter().map(Vec::as_slice).collect();
        let all = kernel::mesh::mesh(mesh, &sources);
        for (i, heads) in all.chunks_exact(mesh.out().width).enumerate() {
            // what comes later, and the cell itself, is not seen
            let mut cut = sources[0].to_vec();
            cut[i * mesh.sources()[0].width..].fill(0);
            let known: Vec<&[i32]> = std::iter::once(&cut[..]).chain(sources[1..].iter().copied()).collect();
            assert_eq!(kernel::mesh::cell(mesh, &known, i), heads, "cell {i}");
        }
    }
}

/// Sixteen states take symbols and give them back, whatever pushes and pops.
#[test]
fn states_move_alike() {
    let mut random = Lcg(21);
    for _ in 0..2000 {
        let mut symbols = [Symbol::CERTAIN; 16];
        let mut states = [0u64; 16];
        for (symbol, state) in symbols.iter_mut().zip(&mut states) {
            let octave = random.below(17);
            let width = 1 + random.below(1 << octave);
            let (start, n) = (random.below(65_537 - width), random.below(21));
            let plain = random.below(1 << n);
            *symbol = Symbol::new((start | (width - 1) << 16) as i32, (plain | n << 24) as i32);
            let (high, low) = (u64::from(random.below(u32::MAX)), u64::from(random.below(u32::MAX)));
            *state = (high << 32 | low) >> random.below(64);
        }
        let (start, width) = (symbols.map(Symbol::start), symbols.map(Symbol::width));
        let n = symbols.map(Symbol::n_plain);
        let outcome = |level: Level| {
            let (kernels, mut states) = (Kernels::new(level, []), states);
            let given = kernels.push(&mut states, &symbols);
            let pushed = states;
            let take_back = |words: &Words, states: &mut [u64; 16]| {
                for i in (0..16).filter(|&i| words.is_given[i] == 1) {
                    states[i] = states[i] << 32 | u64::from(words.words[i]);
                }
            };
            let mut plain = [0; 16];
            let short = kernels.pop(&mut states, &start, &width);
            take_back(&given[1], &mut states);
            let short = [short, kernels.pop_plain(&mut states, &n, &mut plain)];
            take_back(&given[0], &mut states);
            (given, pushed, short, plain, states)
        };
        let all = outcome(Level::Plain);
        assert_eq!((all.3, all.4), (symbols.map(Symbol::plain), states), "what was pushed is popped");
        for level in Level::available() {
            assert!(outcome(level) == all, "{level:?}");
        }
    }
}

/// Which tables cells name, the symbols of their ints, and those of any quantile.
#[test]
fn tables_are_chosen_told_and_found_alike() {
    let mut random = Lcg(11);
    for (max, n) in [(0, 1), (1, 15), (255, 33), (65_535, 127), (MAX_INT, 64)] {
        for _ in 0..20 {
            let mut heads = Heads::new(Head::Table.n_outputs(), room(n));
            let (mut b, mut ints) = (vec![0; room(n)], vec![0; room(n)]);
            for i in 0..n {
                let octave = random.below(23);
                heads.s[i] = 1 + random.below(2 << octave) as i32;
                b[i] = random.below(64 * (max as u32 + 1)) as i32;
                let reach = 1 << random.below(12);
                let near = (b[i] >> 6) + random.within(reach);
                ints[i] = near.clamp(0, max);
                for (h, most) in [2000, 3000, 400, 400].into_iter().enumerate() {
                    heads.heads[h * heads.stride + i] = random.within(most);
                }
            }
            let outcome = |level: Level| {
                let kernels = Kernels::new(level, []);
                let (mut choices, mut intervals, mut rests) =
                    (Choices::new(room(n)), vec![0; room(n)], vec![0; room(n)]);
                kernels.choose(n, &b, &heads, max, &mut choices);
                let told = kernels.tell(n, &choices, &ints, &mut intervals, &mut rests);
                let mut found = Vec::new();
                let mut random = Lcg(5);
                for at in (0..n).step_by(16) {
                    let quantiles =
                        std::array::from_fn(|_| [0, u16::MAX, random.below(1 << 16) as u16][random.below(3) as usize]);
                    let mut all = ([NONE.0; 16], [0; 16]);
                    let n = 16.min(n - at);
                    for i in 0..n {
                        (all.0[i], all.1[i]) = (choices.choice[at + i], choices.middle[at + i]);
                    }
                    found.push(kernels.find(n, &all.0, &all.1, &quantiles));
                }
                [&mut choices.middle, &mut intervals, &mut rests].into_iter().for_each(|of_run| of_run.truncate(n));
                choices.choice.truncate(n);
                (choices, intervals, rests, told, found)
            };
            let plain = outcome(Level::Plain);
            for (i, &int) in ints[..n].iter().enumerate() {
                let (choice, middle) = (Choice(plain.0.choice[i]), plain.0.middle[i]);
                let symbol = Symbol::new(plain.1[i], plain.2[i]);
                let (j, (first, last)) = (choice.symbol(middle, int), choice.ends());
                assert!((first..=last).contains(&j), "{j} of {first}..={last}");
                assert_eq!((symbol.start(), symbol.width()), interval(choice, j));
                assert_eq!(symbol.is_beyond(), is_end(j));
            }
            for level in Level::available() {
                assert!(outcome(level) == plain, "{level:?}, max {max}, {n} cells");
            }
        }
    }
}
