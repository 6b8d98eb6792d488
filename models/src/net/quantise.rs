//! w ≈ w_int / 2^e, one e per output, |w_int| ≤ 127          h ≈ h_int / 32, 0 ≤ h_int ≤ 127
//!
//! Straight through: forward the rounded values, backward as if nothing had been rounded. Exported, a layer is
//!
//! y_int = round((bias + Σ w_int x_int) / 2^shift),      shift = e + 5 − log2(steps of y)
//!
//! where the steps of y are 1/32 in hidden layers, and those of the head in the last.

use crate::net::head::Head;
use crate::net::shape::{LOG2_STEPS, MIDDLE, Shape};
use burn::tensor::{Tensor, TensorData};
use collapsar::internals::error::Result;
use collapsar::internals::net::{Layer, Net, Spec};

/// A finer weight than this is finer than the features deserve.
const MAX_EXPONENT: i32 = 12;

/// The integers nearest to a layer's weights.
pub struct Grid {
    n_out: usize,
    /// [n_in, n_out], as the float weights.
    pub ints: Vec<i8>,
    /// One per output.
    pub exponents: Vec<i32>,
}

impl Grid {
    /// `units`: log2 of the steps per unit that each output has as an integer.
    pub fn with(weights: &[f32], n_out: usize, units: &dyn Fn(usize) -> i32) -> Grid {
        let largest = |o: usize| weights.iter().skip(o).step_by(n_out).fold(0.0f32, |max, w| max.max(w.abs()));
        let exponents: Vec<i32> = (0..n_out).map(|o| exponent(largest(o), units(o))).collect();
        let int = |(i, &w): (usize, &f32)| (w * (exponents[i % n_out] as f32).exp2()).round().clamp(-127.0, 127.0);
        let ints = weights.iter().enumerate().map(|w| int(w) as i8).collect();
        Grid { n_out, ints, exponents }
    }

    pub fn of(weight: &Tensor<2>, units: &dyn Fn(usize) -> i32) -> Grid {
        Grid::with(&floats(weight.clone()), weight.dims()[1], units)
    }

    /// The values of the integers, with the gradient of the weights.
    pub fn nearest(&self, weight: Tensor<2>) -> Tensor<2> {
        let value = |(i, &w): (usize, &i8)| f32::from(w) * (-self.exponents[i % self.n_out] as f32).exp2();
        let values: Vec<f32> = self.ints.iter().enumerate().map(value).collect();
        let rounded = Tensor::from_data(TensorData::new(values, weight.dims()), &weight.device());
        let error = rounded - weight.clone().detach();
        weight + error
    }
}

/// Activations in steps of 1/32, a half up, with the gradient of what they were.
pub fn to_grid(x: Tensor<2>) -> Tensor<2> {
    let rounded = round_32(x.clone().detach());
    x.clone() + (rounded - x.detach())
}

#[cfg(feature = "wgpu")]
fn round_32(x: Tensor<2>) -> Tensor<2> {
    (x * 32.0 + 0.5).floor() / 32.0
}

/// Floats as large as 2¹⁸ lie 1/32 apart, so the sum with one is rounded; 2⁻¹⁹ takes a half upwards. Floor by floor
/// this was an eighth of the training on a CPU; a GPU's compiler might take the sum and the difference for nothing.
#[cfg(not(feature = "wgpu"))]
fn round_32(x: Tensor<2>) -> Tensor<2> {
    let coarse = 18f32.exp2();
    x + (-19f32).exp2() + coarse - coarse
}

/// log2 of the steps per unit that an output of a layer has as an integer.
pub fn log2_units(last: bool, output: usize, head: Head) -> i32 {
    if last { head.log2_steps(output) as i32 } else { LOG2_STEPS }
}

/// The finest with |w · 2^e| ≤ 127 and a shift that is none to the left.
fn exponent(largest: f32, log2_units: i32) -> i32 {
    let finest = (127.0 / largest.max(1e-9)).log2().floor() as i32;
    finest.clamp(log2_units - LOG2_STEPS, MAX_EXPONENT)
}

/// The shape that floats have for a net.
pub fn shape(net: &Net) -> Shape {
    let mut n_in = net.spec().n_features();
    net.layers().iter().map(|layer| [std::mem::replace(&mut n_in, layer.n_out), layer.n_out]).collect()
}

/// A net's floats in the engine's integers, or the loader's refusal of them.
pub fn export(floats: &[f32], shape: &Shape, spec: &Spec) -> Result<Net> {
    let (mut rest, head) = (floats, spec.head);
    let layers = shape.iter().enumerate().map(|(l, &[n_used, n_out])| {
        let last = l + 1 == shape.len();
        let (weights, biases);
        (weights, rest) = rest.split_at(n_used * n_out);
        (biases, rest) = rest.split_at(n_out);
        let grid = Grid::with(weights, n_out, &|o| log2_units(last, o, head));
        let n_in = n_used.next_multiple_of(4);
        let mut integer = Layer { n_in, n_out, weights: vec![0; n_in * n_out], bias: vec![], shift: vec![] };
        for (o, (&e, &c)) in grid.exponents.iter().zip(biases).enumerate() {
            let weights = &mut integer.weights[o * n_in..][..n_used];
            weights.iter_mut().enumerate().for_each(|(i, w)| *w = grid.ints[i * n_out + o]);
            let sum: i32 = weights.iter().map(|&w| i32::from(w)).sum();
            let offset = if l == 0 { MIDDLE * sum } else { 0 };
            // a bias beyond i32 saturates, and the loader's proof refuses the sum it makes
            let bias = (c * ((e + LOG2_STEPS) as f32).exp2()).round() as i32;
            integer.bias.push(bias.saturating_sub(offset));
            integer.shift.push((e + LOG2_STEPS - log2_units(last, o, head)) as u8);
        }
        integer
    });
    Net::new(spec.clone(), layers.collect())
}

/// The floats that an integer net stands for: where training goes on from.
pub fn import(net: &Net) -> Vec<f32> {
    let mut floats = Vec::new();
    let (shape, head) = (shape(net), net.spec().head);
    for (l, (layer, &[n_used, n_out])) in net.layers().iter().zip(&shape).enumerate() {
        let (mut weights, mut biases) = (vec![0.0; n_used * n_out], vec![0.0; n_out]);
        for o in 0..n_out {
            let e = i32::from(layer.shift[o]) - LOG2_STEPS + log2_units(l + 1 == shape.len(), o, head);
            let ints = &layer.weights[o * layer.n_in..][..n_used];
            for (i, &w) in ints.iter().enumerate() {
                weights[i * n_out + o] = f32::from(w) * (-e as f32).exp2();
            }
            let offset = if l == 0 { MIDDLE * ints.iter().map(|&w| i32::from(w)).sum::<i32>() } else { 0 };
            biases[o] = (layer.bias[o] + offset) as f32 * (-(e + LOG2_STEPS) as f32).exp2();
        }
        floats.extend(weights);
        floats.extend(biases);
    }
    floats
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("a parameter is made of f32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cells::{bits, gather};
    use crate::data::sample::{Cells, Shared};
    use crate::net::batch::Batch;
    use crate::net::context::{ContextNet, first_floats};
    use crate::net::preset::Preset;
    use crate::random::Random;
    use burn::tensor::Device;
    use collapsar::internals::fit::Sample;
    use collapsar::internals::kernel::PlaneStats;
    use collapsar::internals::kernel::predict::Linear;
    use collapsar::internals::model::{Family, Model, PassNet};

    fn shape_of(preset: Preset, spec: &Spec) -> Shape {
        let mut n_in = spec.n_features();
        preset.widths(spec.pass).into_iter().map(|n_out| [std::mem::replace(&mut n_in, n_out), n_out]).collect()
    }

    #[test]
    fn an_exported_net_comes_back_as_it_is() {
        let preset = Preset::from_name("fast").unwrap();
        for spec in preset.specs(Family::Lattice) {
            let shape = shape_of(preset, &spec);
            let net = export(&first_floats(&shape, spec.head, &mut Random::new(0)), &shape, &spec).unwrap();
            assert_eq!(super::shape(&net), shape);
            assert_eq!(export(&import(&net), &shape, &spec).unwrap(), net);
        }
    }

    #[test]
    fn floats_that_the_loader_would_refuse_are_not_exported() {
        let preset = Preset::from_name("fast").unwrap();
        let spec = preset.specs(Family::Pixelcnn).remove(0);
        let shape = shape_of(preset, &spec);
        let floats = first_floats(&shape, spec.head, &mut Random::new(0));
        assert!(export(&floats, &shape, &spec).is_ok());
        let bias = shape[0][0] * shape[0][1];
        for bad in [1e9, -1e9, f32::INFINITY] {
            let mut floats = floats.clone();
            floats[bias] = bad;
            assert!(export(&floats, &shape, &spec).is_err(), "a bias of {bad}");
        }
    }

    #[test]
    fn the_engine_and_the_rounded_floats_give_the_same_bits() {
        let device = Device::flex();
        let preset = Preset::from_name("default").unwrap();
        let specs = preset.specs(Family::Lattice);
        let shapes: Vec<Shape> = specs.iter().map(|s| shape_of(preset, s)).collect();
        let nets: Vec<_> =
            shapes.iter().zip(&specs).map(|(s, spec)| first_floats(s, spec.head, &mut Random::new(1))).collect();
        let parts = nets.iter().zip(&shapes).zip(&specs).map(|((net, shape), spec)| {
            let linear = Linear::new(vec![340; spec.n_linear - 1], Vec::new()).unwrap();
            PassNet { net: export(net, shape, spec).unwrap(), linear }
        });
        let model = Model::new("painted", Family::Lattice, parts.collect(), [0; 32]).unwrap();
        let mut random = Random::new(3);
        let ints: Vec<i32> = (0..64 * 64).map(|i| i / 64 + random.below(20) as i32).collect();
        let linears = model.linears(0);
        let shared =
            Shared { model: &model, linears: &linears, stats: PlaneStats { median: 6400, spread: 300 }, max: 83 };
        for (part, net) in nets.iter().enumerate() {
            let mut cells = Cells::new(model.nets[part].net.n_in());
            let sample = Sample { plan: &model.plan_to_encode(64, 64), ints: &ints, refs: &[] };
            gather(shared, part, &sample, 0, &mut || true, &mut cells);
            let places: Vec<usize> = (0..cells.len()).collect();
            let batch = Batch::new(&cells, &places, specs[part].n_features(), &device);
            let net = ContextNet::new(net, &shapes[part], specs[part].head, &device);
            let float = floats(net.bits(&batch, true));
            let integer = bits(&model.nets[part].net, &cells);
            // heads in steps, tables and 24-bit widths on one side, f32 on the other. Half a step of a scale, 1/512
            // octave, is 0.14 % of the distance to a far int, and so of its bits; on the whole there is far less
            for (float, integer) in float.iter().zip(&integer) {
                assert!((f64::from(*float) - integer).abs() < 0.02 + 0.004 * integer, "{float} against {integer}");
            }
            let (float, integer) = (float.iter().sum::<f32>(), integer.iter().sum::<f64>());
            assert!((f64::from(float) / integer - 1.0).abs() < 1e-3, "{float} against {integer}");
        }
    }

    #[test]
    fn activations_are_rounded_to_the_grid_and_a_half_goes_up() {
        let steps = [0.0f32, 0.49, 0.5, 1.5, 2.5, 63.4999, 63.5, 126.5, 126.99, 127.0];
        let tensor =
            Tensor::<2>::from_data(TensorData::new(steps.map(|x| x / 32.0).to_vec(), [1, 10]), &Device::flex());
        let expected = [0.0, 0.0, 1.0, 2.0, 3.0, 63.0, 64.0, 127.0, 127.0, 127.0];
        assert_eq!(floats(to_grid(tensor)), expected.map(|x| x / 32.0));
    }

    #[test]
    fn exponents_use_seven_bits_and_never_shift_left() {
        assert_eq!(exponent(127.0, 5), 0);
        assert_eq!(exponent(1.0, 5), 6);
        assert_eq!(exponent(0.99, 5), 7);
        assert_eq!(exponent(100.0, 8), 3);
        assert_eq!(exponent(0.0, 8), MAX_EXPONENT);
    }
}
