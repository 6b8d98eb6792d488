use super::strip::{Shown, bits, learn, outputs};
use super::*;
use crate::kernel::ONE;
use crate::kernel::context::mlp;
use crate::net::{Head, Pass};
use crate::synthetic::{Lcg, Size as Sized, part};

const HIDDEN: &[usize] = &[12, 8];

fn net(head: Head) -> Net {
    let size = Sized { values: 12, residuals: 6, hidden: HIDDEN, head };
    part(Pass::Raster, 0, size, &mut Lcg(3)).net
}

/// Cells of which the int lies where the first features say, in the mean.
fn cells(net: &Net, n: usize, seed: u32) -> Cells {
    let (mut random, mut out) = (Lcg(seed), Cells::new(net.n_in(), 999));
    for _ in 0..n {
        let features: Vec<u8> = (0..net.n_in()).map(|_| random.below(128) as u8).collect();
        let s = 64 << random.below(3);
        let b = 64 * 500 + random.within(3000);
        let known = (i32::from(features[0]) + i32::from(features[5]) - 128) * s / 64;
        let int = (b + known + random.bell(s / 2) + ONE / 2) / ONE;
        out.push_bytes(features.into_iter(), s, b, int);
    }
    out
}

fn layers(net: &Net) -> Vec<Rounded> {
    rounded(&import(net), &sizes(net), net.head)
}

const HEADS: [Head; 2] = [Head::Mixture { k: 2 }, Head::Table];

#[test]
fn floats_of_a_net_become_the_same_net() {
    for head in HEADS {
        let net = net(head);
        let again = export(&import(&net), &net).unwrap();
        // once as fine as integers can be it stays what it is
        assert_eq!(export(&import(&again), &again).unwrap(), again);
        let mut floats = import(&net);
        *floats.last_mut().unwrap() = f32::INFINITY;
        assert!(export(&floats, &net).is_none(), "a sum that overflows");
    }
}

#[test]
fn the_forward_pass_is_that_of_the_engine() {
    for head in HEADS {
        let net = net(head);
        let cells = [cells(&net, 160, 1)];
        let order = Order::new(&cells, 0);
        let exported = export(&import(&net), &net).unwrap();
        let (mut y, mut n_alike) = (Vec::new(), 0);
        for place in order.evenly(10) {
            let heads = outputs(&layers(&net), head, Shown::new(&cells, &order), place);
            for (c, at) in order.cells(place, &cells).into_iter().enumerate() {
                let features = &cells[0].hidden[at * cells[0].n_in..][..cells[0].n_in];
                mlp(exported.layers(), &features.iter().map(|&f| i32::from(f)).collect::<Vec<_>>(), &mut y);
                for (o, &y) in y.iter().enumerate() {
                    let float = f64::from(heads[o][c]) * f64::from(1u32 << head.log2_steps(o));
                    assert_eq!((float + 0.5).floor() as i32, y, "output {o}: {float}");
                    n_alike += 1;
                }
            }
        }
        assert_eq!(n_alike, 160 * head.n_outputs());
    }
}

#[test]
fn slopes_are_what_small_steps_show() {
    let head = Head::Mixture { k: 2 };
    let net = net(head);
    let cells = [cells(&net, 64, 5)];
    let order = Order::new(&cells, 0);
    let shown = Shown::new(&cells, &order);
    let places = order.evenly(4);
    let mut floats = import(&net);
    // a last layer that says much, so that the layers before it matter
    let last = sizes(&net)[2];
    let at = floats.len() - last.n_floats();
    floats[at..][..last.n_in * last.n_out].iter_mut().for_each(|w| *w *= 16.0);
    // nothing is rounded here: a staircase has no slope
    let as_they_are = |floats: &[f32]| floats::unrounded(floats, &sizes(&net));
    let slopes = learn(&as_they_are(&floats), head, shown.unrounded(), &places).slopes;
    assert_eq!(slopes.len(), floats.len());
    let (step, mut n_moved) = (1.0 / 1024.0, 0);
    for i in 0..floats.len() {
        let at = |by: f32| {
            let mut moved = floats.clone();
            moved[i] += by;
            bits(&as_they_are(&moved), head, shown.unrounded(), &places) * std::f64::consts::LN_2
        };
        let (more, less, middle) = (at(step), at(-step), at(0.0));
        let (seen, slope) = ((more - less) / f64::from(2.0 * step), f64::from(slopes[i]));
        // where a cell's activation is clamped within the step, the two sides differ
        let bend = (more + less - 2.0 * middle).abs() / f64::from(step);
        assert!((seen - slope).abs() < 0.02 * (1.0 + seen.abs()) + bend, "float {i}: {seen}, not {slope}");
        n_moved += usize::from(slope.abs() > 0.1);
    }
    assert!(n_moved > floats.len() / 4, "{n_moved} slopes that are something");
}

/// Trained for so many steps.
fn trained(net: &Net, cells: &[Cells], held_out: &[Cells], seed: u64, n_steps: u64) -> (Net, Told) {
    let mut last = None;
    let mut pace = |told: Told| {
        last = Some(told);
        Way(told.step as f64 / n_steps as f64)
    };
    let net = train(net, cells, held_out, seed, &mut pace).unwrap();
    (net, last.unwrap())
}

#[test]
fn a_training_takes_bits_off_cells_that_it_never_saw() {
    for head in HEADS {
        let net = net(head);
        let (learnt, held_out) = ([cells(&net, 20_000, 1), cells(&net, 5_000, 2)], [cells(&net, 4_000, 3)]);
        let (after, told) = trained(&net, &learnt, &held_out, 0, 150);
        assert!(told.best < 0.9 * told.before, "{head:?}: {} bits, {} before", told.best, told.before);
        // what is told is what the integers give
        let (order, places) = (Order::new(&held_out, 0), Order::new(&held_out, 0).evenly(250));
        let shown = Shown::new(&held_out, &order);
        let of_integers = bits(&layers(&after), head, shown, &places) / 4000.0;
        assert!((of_integers - told.best).abs() < 1e-6, "{of_integers}, {} told", told.best);
    }
}

#[test]
fn the_same_cells_and_seed_give_the_same_net_on_any_number_of_threads() {
    let net = net(Head::Table);
    let (learnt, held_out) = ([cells(&net, 20_000, 1)], [cells(&net, 2_000, 3)]);
    let on = |n: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| trained(&net, &learnt, &held_out, seed, 20).0)
    };
    let one = on(1, 7);
    assert_eq!(one, on(3, 7));
    assert_ne!(one, on(3, 8));
    assert_ne!(one, net);
}

#[test]
fn what_gets_worse_stays_as_it_was() {
    let net = net(Head::Table);
    let (learnt, held_out) = ([cells(&net, 20_000, 1)], [cells(&net, 2_000, 3)]);
    // ints that lie elsewhere: whatever is learnt from them makes the others worse
    let mut wrong = cells(&net, 20_000, 4);
    wrong.int.iter_mut().zip(&wrong.s).for_each(|(int, s)| *int += 6 * s / ONE);
    // judged in the end only
    let mut pace = |told: Told| Way(f64::from(u8::from(told.step == 100)));
    assert!(train(&net, &[wrong], &held_out, 0, &mut pace).unwrap() == net);
    assert!(train(&net, &learnt, &held_out, 0, &mut pace).unwrap() != net);
    let too_few = [cells(&net, 15, 4)];
    assert!(train(&net, &too_few, &held_out, 0, &mut |_| Way(1.0)).is_none());
    assert!(train(&net, &learnt, &too_few, 0, &mut |_| Way(1.0)).is_none());
}
