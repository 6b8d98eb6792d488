//! x = [Aₛ(cell + tap), …]          v = clamp(W x + c, ±127/32)          γ = clamp(Wᵍ x + cᵍ, 0, 127/128)
//!
//! y = clamp(v · γ + Aₛ(cell), 0, 127/32)          (a, m, l) = W h + c          A₀ = (f − 64) / 32
//!
//! The engine's nets whose layers read other cells, in floats, on patches of side × side cells. Beyond its patch a cell
//! sees zeros, as beyond a tile; which cells see zeros where a tile has more is `margin`.

use crate::net::batch::Batch;
use crate::net::context::first_floats;
use crate::net::head::FloatHead;
use crate::net::layers::{Layers, gradients};
use crate::net::quantise::{Grid, log2_units, to_grid};
use crate::net::shape::{CEILING, LOG2_STEPS, MIDDLE, Shape};
use crate::random::Random;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use collapsar::internals::error::Result;
use collapsar::internals::net::{Input, Layer, Net, Spec, Tap, Wiring};

/// Gates are held in steps of 1/128.
const LOG2_GATE: i32 = 7;
/// What every block reads: the four nearest cells and the cell itself.
const AROUND: [Tap; 5] = [(0, 0), (0, -1), (-1, -1), (-1, 0), (-1, 1)];

/// Sizes and wiring of a net's layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub spec: Spec,
    pub shape: Shape,
    pub wiring: Vec<Wiring>,
}

impl Plan {
    /// A layer of features, `n_blocks` gated residual blocks, the heads.
    pub fn blocks(spec: Spec, width: usize, n_blocks: usize) -> Plan {
        let block =
            |l: usize| Wiring { inputs: AROUND.map(|tap| Input { source: l, tap }).to_vec(), gate: true, add: Some(l) };
        let mut wiring = vec![Wiring::plain(0)];
        wiring.extend((1..=n_blocks).map(block));
        wiring.push(Wiring::plain(n_blocks + 1));
        let mut shape = vec![[spec.n_features(), width]];
        shape.extend((0..n_blocks).map(|_| [AROUND.len() * width, 2 * width]));
        shape.push([width, spec.head.n_outputs()]);
        Plan { spec, shape, wiring }
    }

    /// Cells at the top, left and right of a patch whose receptive field leaves it.
    pub fn margin(&self) -> usize {
        let reach = |w: &Wiring| w.inputs.iter().map(|i| i.tap.0.abs().max(i.tap.1.abs())).max().unwrap_or(0) as usize;
        self.wiring.iter().map(reach).sum()
    }

    /// Blocks begin as nearly nothing, with gates half open.
    pub fn first(&self, random: &mut Random) -> Vec<f32> {
        let mut floats = first_floats(&self.shape, self.spec.head, random);
        let mut at = 0;
        for (&[n_in, n_out], wiring) in self.shape.iter().zip(&self.wiring) {
            let (weights, rest) = floats[at..].split_at_mut(n_in * n_out);
            for (o, w) in weights.iter_mut().enumerate().map(|(i, w)| (i % n_out, w)).filter(|_| wiring.gate) {
                *w *= if o < n_out / 2 { 0.5 } else { 0.2 };
            }
            if wiring.gate {
                rest[n_out / 2..n_out].fill(0.5);
            }
            at += (n_in + 1) * n_out;
        }
        floats
    }

    /// The net in the engine's integers, or the loader's refusal of it.
    pub fn export(&self, floats: &[f32]) -> Result<Net> {
        let (mut rest, mut widths) = (floats, vec![self.spec.n_features()]);
        let layers = self.shape.iter().zip(&self.wiring).enumerate().map(|(l, (&[n_used, n_out], wiring))| {
            let (weights, biases);
            (weights, rest) = rest.split_at(n_used * n_out);
            (biases, rest) = rest.split_at(n_out);
            let units = self.units(l);
            let grid = Grid::with(weights, n_out, &units);
            // where each input stands among the engine's, and whether it is a feature
            let mut columns = Vec::new();
            let mut n_in = 0;
            for input in &wiring.inputs {
                columns.extend((n_in..n_in + widths[input.source]).map(|column| (column, input.source == 0)));
                n_in += widths[input.source].next_multiple_of(4);
            }
            let mut integer = Layer { n_in, n_out, weights: vec![0; n_in * n_out], bias: vec![], shift: vec![] };
            for (o, (&e, &c)) in grid.exponents.iter().zip(biases).enumerate() {
                let mut offset = 0;
                for (i, &(column, is_feature)) in columns.iter().enumerate() {
                    let w = grid.ints[i * n_out + o];
                    integer.weights[o * n_in + column] = w;
                    offset += if is_feature { MIDDLE * i32::from(w) } else { 0 };
                }
                let bias = (c * ((e + LOG2_STEPS) as f32).exp2()).round() as i32;
                integer.bias.push(bias.saturating_sub(offset));
                integer.shift.push((e + LOG2_STEPS - units(o)) as u8);
            }
            widths.push(wiring.width(&integer));
            integer
        });
        let layers = layers.collect();
        Net::wired(self.spec.clone(), layers, self.wiring.clone())
    }

    /// log2 of the steps per unit of the outputs of layer `l`.
    fn units(&self, l: usize) -> impl Fn(usize) -> i32 + use<> {
        let (n_out, last, gate) = (self.shape[l][1], l + 1 == self.shape.len(), self.wiring[l].gate);
        let head = self.spec.head;
        move |o| if gate && o >= n_out / 2 { LOG2_GATE } else { log2_units(last, o, head) }
    }
}

pub struct DeepNet<'a> {
    pub plan: &'a Plan,
    pub layers: Layers,
}

impl<'a> DeepNet<'a> {
    pub fn new(plan: &'a Plan, floats: &[f32], device: &Device) -> DeepNet<'a> {
        DeepNet { plan, layers: Layers::new(floats, &plan.shape, device) }
    }

    /// A net that a loss can be followed back to; its device has autodiff.
    pub fn tracked(self) -> DeepNet<'a> {
        DeepNet { layers: self.layers.tracked(), ..self }
    }

    /// Of a loss, in the order of the floats.
    pub fn gradients(&self, loss: &Tensor<1>) -> Vec<f32> {
        gradients([&self.layers], loss)
    }

    /// −log2 P of each cell's int, [n, 1]; the cells are those of patches, one after the other, each row by row.
    pub fn bits(&self, batch: &Batch, side: usize, quantised: bool) -> Tensor<2> {
        self.plan.spec.head.bits(batch, self.outputs(batch, side, quantised), quantised)
    }

    fn outputs(&self, batch: &Batch, side: usize, quantised: bool) -> Tensor<2> {
        let round = |x: Tensor<2>| if quantised { to_grid(x + CEILING) - CEILING } else { x };
        let mut all = vec![batch.features.clone()];
        for (l, (layer, wiring)) in self.layers.0.iter().zip(&self.plan.wiring).enumerate() {
            let [n_in, n_out] = self.plan.shape[l];
            debug_assert_eq!(layer.weight.dims(), [n_in, n_out]);
            let weight = layer.weight.clone();
            let weight = if quantised { Grid::of(&weight, &self.plan.units(l)).nearest(weight) } else { weight };
            let blocks = wiring.inputs.iter().map(|i| shifted(all[i.source].clone(), i.tap, side));
            let x = Tensor::cat(blocks.collect(), 1);
            let n = x.dims()[0];
            let z = x.matmul(weight) + layer.bias.clone().unsqueeze();
            if l + 1 == self.plan.shape.len() {
                return z;
            }
            let width = if wiring.gate { n_out / 2 } else { n_out };
            let mut y = round(between(z.clone().slice([0..n, 0..width]), -CEILING, CEILING));
            if wiring.gate {
                let gate = between(z.slice([0..n, width..n_out]), 0.0, 127.0 / 128.0);
                y = round(y * if quantised { to_grid(gate * 4.0) / 4.0 } else { gate });
            }
            if let Some(source) = wiring.add {
                y = y + all[source].clone();
            }
            all.push(between(y, 0.0, CEILING));
        }
        unreachable!("a net has a last layer")
    }
}

/// clamp(x, low, high), which burn does three times as fast in this form.
fn between(x: Tensor<2>, low: f32, high: f32) -> Tensor<2> {
    relu(x.clone() - low) - relu(x - high) + low
}

/// What stands at a tap of every cell of its patch.
fn shifted(x: Tensor<2>, (dy, dx): Tap, side: usize) -> Tensor<2> {
    let ([n, c], device) = (x.dims(), x.device());
    if (dy, dx) == (0, 0) {
        return x;
    }
    let m = n / (side * side);
    let mut x = x.reshape([m, side, side, c]);
    let up = dy.unsigned_abs() as usize;
    if up > 0 {
        let known = x.slice([0..m, 0..side - up, 0..side, 0..c]);
        x = Tensor::cat(vec![Tensor::zeros([m, up, side, c], &device), known], 1);
    }
    let far = dx.unsigned_abs() as usize;
    let nothing = || Tensor::zeros([m, side, far, c], &device);
    if dx < 0 {
        let known = x.slice([0..m, 0..side, 0..side - far, 0..c]);
        x = Tensor::cat(vec![nothing(), known], 2);
    } else if dx > 0 {
        let known = x.slice([0..m, 0..side, far..side, 0..c]);
        x = Tensor::cat(vec![known, nothing()], 2);
    }
    x.reshape([n, c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cells::gather;
    use crate::data::sample::{Cells, Shared};
    use crate::net::preset::Preset;
    use burn::tensor::TensorData;
    use collapsar::internals::fit::Sample;
    use collapsar::internals::kernel::activation_cache::ActivationCache;
    use collapsar::internals::kernel::causal_conv::{causal_conv, n_planes};
    use collapsar::internals::kernel::context::Heads;
    use collapsar::internals::kernel::predict::{Linear, predict, residual};
    use collapsar::internals::kernel::{Arenas, ONE, PlaneStats};
    use collapsar::internals::model::{Family, Model, PassNet};

    #[test]
    fn a_tap_shows_the_cell_it_names_and_nothing_beyond_the_patch() {
        let (side, device) = (3, Device::flex());
        let numbers: Vec<f32> = (0..18).map(|i| i as f32 + 1.0).collect();
        let x = Tensor::<2>::from_data(TensorData::new(numbers, [18, 1]), &device);
        let seen = |tap| shifted(x.clone(), tap, side).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(seen((0, -1))[..9], [0.0, 1.0, 2.0, 0.0, 4.0, 5.0, 0.0, 7.0, 8.0]);
        assert_eq!(seen((-1, 1))[9..], [0.0, 0.0, 0.0, 11.0, 12.0, 0.0, 14.0, 15.0, 0.0]);
        assert_eq!(seen((-2, 0))[..9], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
    }

    /// A patch as large as its tile has the same edges. Activations are the same numbers on both sides, and so are
    /// heads but for the rounding of biases and of the last sum.
    #[test]
    fn the_engine_and_the_rounded_floats_have_the_same_heads() {
        let (side, device) = (32, Device::flex());
        let spec = Preset::from_name("fast").unwrap().specs(Family::PixelcnnDeep).remove(0);
        let plan = Plan::blocks(spec, 12, 2);
        let mut floats = plan.first(&mut Random::new(3));
        let n_last = (plan.shape[3][0] + 1) * plan.shape[3][1];
        let at = floats.len() - n_last;
        floats[at..].iter_mut().for_each(|w| *w *= 6.0);
        let linear = Linear::new(vec![200; plan.spec.n_linear - 1], Vec::new()).unwrap();
        let part = PassNet { net: plan.export(&floats).unwrap(), linear };
        let model = Model::new("painted", Family::PixelcnnDeep, vec![part], [0; 32]).unwrap();
        let mut random = Random::new(3);
        let ints: Vec<i32> = (0..side * side).map(|i| (i / side + random.below(20)) as i32).collect();
        let (linears, stats, max) = (model.linears(0), PlaneStats { median: 640, spread: 300 }, 60);
        let shared = Shared { model: &model, linears: &linears, stats, max };
        let encoding = model.plan_to_encode(side, side);
        let mut cells = Cells::new(model.nets[0].net.n_in());
        gather(shared, 0, &Sample { plan: &encoding, ints: &ints, refs: &[] }, 0, &mut || true, &mut cells);
        let places: Vec<usize> = (0..cells.len()).collect();
        let batch = Batch::new(&cells, &places, plan.spec.n_features(), &device);
        let heads = |floats: &[f32]| {
            let heads = DeepNet::new(&plan, floats, &device).outputs(&batch, side, true);
            heads.into_data().try_into_vec::<f32>().unwrap()
        };
        let engine = engine_heads(shared, &ints, side);
        let far = |floats: &[f32]| {
            let units = plan.units(3);
            let wide = heads(floats).into_iter().enumerate().map(|(i, h)| h * (units(i % 9) as f32).exp2());
            wide.zip(&engine).filter(|(float, int)| (float - **int as f32).abs() > 1.0).count()
        };
        assert_eq!(far(&floats), 0);
        // and a block that is another would be seen
        let begin = (plan.shape[0][0] + 1) * plan.shape[0][1];
        for at in [begin, begin + 24 * 12, begin + 12, begin + 24 * 48 + 3] {
            let mut other = floats.clone();
            (0..12).for_each(|i| other[at + 24 * i] += 0.3);
            assert!(far(&other) > side * side, "weights from {at} on count for nothing: {} heads", far(&other));
        }
    }

    /// Heads of all cells, those of a cell together.
    fn engine_heads(shared: Shared, ints: &[i32], side: usize) -> Vec<i32> {
        let (net, plan) = (&shared.model.nets[0].net, shared.model.plan_to_encode(side, side));
        let offsets = &plan.offsets[0];
        let (mut values, mut residuals) = (plan.arena(ints[0] * ONE), plan.arena(shared.stats.spread));
        plan.fill(ints, &mut values);
        let mut cache = ActivationCache::default();
        cache.begin(n_planes(net), offsets.around.iter().map(|o| o.unsigned_abs()).max().unwrap() as usize, side);
        let (mut b, mut all) = (vec![0; side], Vec::new());
        for step in &plan.steps {
            let at = step.runs[0].at as usize;
            let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats: shared.stats };
            predict(&shared.linears[0], plan.site(arenas, step, step.runs[0]), shared.max, &mut b);
            for (i, &b) in b.iter().enumerate() {
                residuals[at + i] = residual(values[at + i], b);
            }
            let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats: shared.stats };
            let mut heads = Heads::new(9, side);
            causal_conv(net, plan.site(arenas, step, step.runs[0]), &b, &mut cache, &mut heads);
            all.extend((0..side * 9).map(|i| heads.heads[i % 9 * side + i / 9]));
            step.copy(&mut residuals);
        }
        all
    }
}
