//! What the engine shows a net: for each cell of a pass its features, s and b, and the int that came.
//!
//! The walk is the encoder's, on the encoder's kernels; there is no second definition of a feature.

use crate::data::sample::{Cells, Shared};
use crate::data::{flow, ladder};
use collapsar::internals::fit::Sample;
use collapsar::internals::kernel::context::{Heads, features, mlp};
use collapsar::internals::kernel::interval::{Distributions, intervals};
use collapsar::internals::kernel::mixture::{Mixtures, Window, mass, mixture};
use collapsar::internals::kernel::predict::{predict, residual};
use collapsar::internals::kernel::table::{Choice, Choices, PRECISION, choose, interval, symbol};
use collapsar::internals::kernel::table_symbol::Rest;
use collapsar::internals::kernel::{Arenas, ONE};
use collapsar::internals::model::{Family, Plan};
use collapsar::internals::net::{Head, Net, Pass};

/// How many cells of a tile the net of a pass meets.
pub fn n_cells(plan: &Plan, pass: Pass) -> usize {
    if let Pass::PredictDiagonal | Pass::PredictRest | Pass::UpdateDiagonal | Pass::UpdateRest = pass {
        return flow::n_cells(plan, pass);
    }
    let runs = plan.steps.iter().filter(|s| s.pass == pass).flat_map(|s| &s.runs);
    runs.map(|r| r.n as usize).sum()
}

/// Appends those cells of a tile that are of part `part` of the model and that `keep` wants.
pub fn gather(
    shared: Shared,
    part: usize,
    sample: &Sample,
    class: u8,
    keep: &mut dyn FnMut() -> bool,
    out: &mut Cells,
) {
    if shared.model.family == Family::Idf {
        return flow::gather(shared, part, sample, class, keep, out);
    }
    if shared.model.family == Family::Vdm {
        return ladder::gather(shared, sample, class, keep, out);
    }
    let net = &shared.model.nets[part].net;
    let pass = net.spec().pass;
    let Sample { plan, ints, refs } = *sample;
    let refs: Vec<Vec<i32>> = refs.iter().map(|ints| plan.mirror(ints)).collect();
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut values = plan.arena(ints[0] * ONE);
    let mut residuals = plan.arena(shared.stats.spread);
    plan.fill(ints, &mut values);
    let (mut b, mut f) = (Vec::new(), vec![0; net.n_in()]);
    for step in &plan.steps {
        for &run in &step.runs {
            let at = run.at as usize;
            b.resize(run.n as usize, 0);
            let arenas = Arenas { values: &values, residuals: &residuals, refs: &refs, stats: shared.stats };
            predict(&shared.linears[step.set], plan.site(arenas, step, run), shared.max, &mut b);
            for (i, &b) in b.iter().enumerate() {
                residuals[at + i] = residual(values[at + i], b);
            }
            if step.pass != pass {
                continue;
            }
            let arenas = Arenas { values: &values, residuals: &residuals, refs: &refs, stats: shared.stats };
            let site = plan.site(arenas, step, run);
            for (i, &b) in b.iter().enumerate().filter(|_| keep()) {
                out.s.push(features(net, site.cell(i), b, &mut f));
                out.features.extend(f.iter().map(|&f| f as u8));
                out.b.push(b);
                out.int.push(values[at + i] / ONE);
                out.max.push(shared.max);
                out.class.push(class);
            }
        }
        step.copy(&mut residuals);
    }
}

/// −log2 of the width that the engine gives to each cell's int.
pub fn bits(net: &Net, cells: &Cells) -> Vec<f64> {
    let head = net.spec().head;
    let mut heads = Heads::new(head.n_outputs(), 1);
    let mut bits = |i: usize| {
        let f: Vec<i32> = cells.features[i * cells.n_in..][..cells.n_in].iter().map(|&f| i32::from(f)).collect();
        mlp(net.layers(), &f, &mut heads.heads);
        heads.s[0] = cells.s[i];
        let cell = Cell { b: cells.b[i], int: cells.int[i], max: cells.max[i] };
        match head {
            Head::Mixture { k } => bits_by_mixture(k, &heads, cell),
            Head::Table => bits_by_table(&heads, cell),
        }
    };
    (0..cells.len()).map(&mut bits).collect()
}

/// What a head is asked of one cell.
#[derive(Clone, Copy)]
struct Cell {
    b: i32,
    int: i32,
    max: i32,
}

fn bits_by_mixture(k: usize, heads: &Heads, Cell { b, int, max }: Cell) -> f64 {
    let (window, mut mixtures, mut start, mut width) = (Window { max }, Mixtures::new(k, 1), [0], [0]);
    mixture(&[b], heads, mass(window.n_symbols()), &mut mixtures);
    let of = Distributions { mixtures: &mixtures, window, b: &[b] };
    intervals(of, &[int], &mut start, &mut width);
    24.0 - f64::from(width[0]).log2()
}

fn bits_by_table(heads: &Heads, Cell { b, int, max }: Cell) -> f64 {
    let mut choices = Choices::new(1);
    choose(&[b], heads, max, &mut choices);
    let (choice, middle) = (Choice(choices.choice[0]), choices.middle[0]);
    let j = symbol((int >> choice.shift()) - middle) as usize;
    let (_, width) = interval(choice, j);
    f64::from(PRECISION + Rest::of(choice, middle, j, int).n_bits()) - f64::from(width).log2()
}
