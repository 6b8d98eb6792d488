//! x = [A_s(cell + tap), …]          v = clamp(W x + c, ±127/32)          y = clamp(v + A_add, 0, 127/32)          heads = W x + c
//!
//! The engine's meshes in floats, on batches of blocks: activations are [blocks · side², width], block after block,
//! row by row. Beyond a grid there are zeros; a grid half as large as its source sees every other cell, one twice as
//! large every cell twice.

use crate::net::context::first_floats;
use crate::net::head::Head;
use crate::net::layers::{Layer, Layers};
use crate::net::quantise::{Grid, to_grid};
use crate::net::shape::{CEILING, LOG2_STEPS, Shape, n_floats};
use crate::random::Random;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use collapsar::internals::error::Result;
use collapsar::internals::net::{Input, Layer as Integers, Mesh, MeshLayer, Sheet, Tap};

/// A layer: its grid, what it sees, what is added, how many outputs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub side: usize,
    pub inputs: Vec<Input>,
    pub add: Option<usize>,
    pub n_out: usize,
}

#[derive(Clone, Debug)]
pub struct MeshPlan {
    pub sources: Vec<Sheet>,
    pub layers: Vec<Plan>,
    /// log2 of the steps per unit of its heads.
    pub log2_heads: i32,
}

impl MeshPlan {
    pub fn sheet(&self, i: usize) -> Sheet {
        match i.checked_sub(self.sources.len()) {
            None => self.sources[i],
            Some(l) => Sheet { side: self.layers[l].side, width: self.layers[l].n_out },
        }
    }

    pub fn shape(&self) -> Shape {
        let n_in = |plan: &Plan| plan.inputs.iter().map(|i| self.sheet(i.source).width).sum();
        self.layers.iter().map(|plan| [n_in(plan), plan.n_out]).collect()
    }

    pub fn n_floats(&self) -> usize {
        n_floats(&self.shape())
    }

    /// He's normals; heads begin around `middle`, and layers that add begin small.
    pub fn first(&self, random: &mut Random, (scale, middle): (f32, f32)) -> Vec<f32> {
        let shape = self.shape();
        // what `first_floats` says of heads is about mixtures
        let mut padded = shape.clone();
        let head = Head::Mixture { k: 1 };
        padded.push([1, head.n_outputs()]);
        let mut floats = first_floats(&padded, head, random);
        floats.truncate(n_floats(&shape));
        let mut at = 0;
        for (l, (&[n_in, n_out], plan)) in shape.iter().zip(&self.layers).enumerate() {
            let last = l + 1 == shape.len();
            let factor = if last {
                scale
            } else if plan.add.is_some() {
                0.3
            } else {
                1.0
            };
            floats[at..at + n_in * n_out].iter_mut().for_each(|w| *w *= factor);
            if last {
                floats[at + n_in * n_out..].fill(middle);
            }
            at += (n_in + 1) * n_out;
        }
        floats
    }

    fn units(&self, l: usize) -> impl Fn(usize) -> i32 + use<> {
        let units = if l + 1 == self.layers.len() { self.log2_heads } else { LOG2_STEPS };
        move |_| units
    }

    pub fn heads(&self, net: &Layers, sources: &[Tensor<2>], quantised: bool) -> Tensor<2> {
        let round = |x: Tensor<2>| if quantised { to_grid(x + CEILING) - CEILING } else { x };
        let mut all = sources.to_vec();
        for (l, (Layer { weight, bias }, plan)) in net.0.iter().zip(&self.layers).enumerate() {
            let seen = |i: &Input| sight(all[i.source].clone(), self.sheet(i.source).side, plan.side, i.tap);
            let x = Tensor::cat(plan.inputs.iter().map(seen).collect(), 1);
            let weight = match quantised {
                true => Grid::of(weight, &self.units(l)).nearest(weight.clone()),
                false => weight.clone(),
            };
            let v = x.matmul(weight) + bias.clone().unsqueeze();
            if l + 1 == self.layers.len() {
                return v;
            }
            let mut y = match plan.add {
                None => relu(v.clone()) - relu(v - CEILING),
                Some(_) => relu(v.clone() + CEILING) - relu(v - CEILING) - CEILING,
            };
            y = round(y);
            if let Some(source) = plan.add {
                let sum = y + all[source].clone();
                y = relu(sum.clone()) - relu(sum - CEILING);
            }
            all.push(y);
        }
        unreachable!("a mesh has a last layer")
    }

    /// The mesh in the engine's integers, or the loader's refusal of it.
    pub fn export(&self, floats: &[f32]) -> Result<Mesh> {
        let mut rest = floats;
        let shape = self.shape();
        let layers = shape.iter().zip(&self.layers).enumerate().map(|(l, (&[n_used, n_out], plan))| {
            let (weights, biases);
            (weights, rest) = rest.split_at(n_used * n_out);
            (biases, rest) = rest.split_at(n_out);
            let units = self.units(l);
            let grid = Grid::with(weights, n_out, &units);
            // where each input stands among the engine's
            let (mut columns, mut n_in) = (Vec::new(), 0);
            for input in &plan.inputs {
                let sheet = self.sheet(input.source);
                columns.extend(n_in..n_in + sheet.width);
                n_in += sheet.padded();
            }
            let mut layer = Integers { n_in, n_out, weights: vec![0; n_in * n_out], bias: vec![], shift: vec![] };
            for (o, (&e, &c)) in grid.exponents.iter().zip(biases).enumerate() {
                for (i, &column) in columns.iter().enumerate() {
                    layer.weights[o * n_in + column] = grid.ints[i * n_out + o];
                }
                layer.bias.push((c * ((e + LOG2_STEPS) as f32).exp2()).round() as i32);
                layer.shift.push((e + LOG2_STEPS - units(o)) as u8);
            }
            MeshLayer { side: plan.side, inputs: plan.inputs.clone(), add: plan.add, layer }
        });
        let layers = layers.collect();
        Mesh::new(self.sources.clone(), layers)
    }
}

/// What cells of grids of `to` × `to` see at a tap of grids of `from` × `from`.
fn sight(x: Tensor<2>, from: usize, to: usize, tap: Tap) -> Tensor<2> {
    let c = x.dims()[1];
    let n = x.dims()[0] / (from * from);
    let x = moved(x, from, tap);
    if from == 2 * to {
        let x = x.reshape([n, to, 2, to, 2, c]);
        return x.slice([0..n, 0..to, 0..1, 0..to, 0..1, 0..c]).reshape([n * to * to, c]);
    }
    if from < to {
        let k = to / from;
        let x = x.reshape([n, from, 1, from, 1, c]).repeat_dim(2, k).repeat_dim(4, k);
        return x.reshape([n * to * to, c]);
    }
    assert_eq!(from, to, "a grid of {to} does not fit one of {from}");
    x
}

/// What stands at a tap of every cell.
fn moved(x: Tensor<2>, side: usize, (dy, dx): Tap) -> Tensor<2> {
    let ([rows, c], device) = (x.dims(), x.device());
    if (dy, dx) == (0, 0) {
        return x;
    }
    let n = rows / (side * side);
    let mut x = x.reshape([n, side, side, c]);
    let far = (dy.unsigned_abs() as usize).min(side);
    if far > 0 {
        let zeros = Tensor::zeros([n, far, side, c], &device);
        let first = if dy < 0 { 0 } else { far };
        let known = x.slice([0..n, first..first + side - far, 0..side, 0..c]);
        x = Tensor::cat(if dy < 0 { vec![zeros, known] } else { vec![known, zeros] }, 1);
    }
    let far = (dx.unsigned_abs() as usize).min(side);
    if far > 0 {
        let zeros = Tensor::zeros([n, side, far, c], &device);
        let first = if dx < 0 { 0 } else { far };
        let known = x.slice([0..n, 0..side, first..first + side - far, 0..c]);
        x = Tensor::cat(if dx < 0 { vec![zeros, known] } else { vec![known, zeros] }, 2);
    }
    x.reshape([rows, c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use collapsar::internals::kernel::mesh::mesh;

    fn input(source: usize, dy: i32, dx: i32) -> Input {
        Input { source, tap: (dy, dx) }
    }

    /// Activations are the same numbers on both sides, and so are heads but for the rounding of biases and of the
    /// last sum.
    #[test]
    fn the_engine_and_the_rounded_floats_have_the_same_heads() {
        let plan = MeshPlan {
            sources: vec![Sheet { side: 8, width: 6 }, Sheet { side: 4, width: 3 }, Sheet { side: 1, width: 2 }],
            layers: vec![
                Plan {
                    side: 8,
                    inputs: vec![input(0, 0, 0), input(0, -1, 2), input(1, 1, 0), input(2, 0, 0)],
                    add: None,
                    n_out: 7,
                },
                Plan { side: 8, inputs: vec![input(3, 1, -1), input(3, 0, 0)], add: Some(3), n_out: 7 },
                Plan { side: 4, inputs: vec![input(4, 0, 1), input(4, 1, 0), input(1, 0, 0)], add: None, n_out: 5 },
                Plan { side: 4, inputs: vec![input(5, 0, 0)], add: None, n_out: 4 },
            ],
            log2_heads: 9,
        };
        let mut random = Random::new(3);
        let floats = plan.first(&mut random, (1.0, 0.25));
        let sources: Vec<Vec<i32>> = plan
            .sources
            .iter()
            .map(|s| (0..2 * s.n_cells() * s.width).map(|_| random.below(128) as i32).collect())
            .collect();
        let device = Device::flex();
        let tensors: Vec<Tensor<2>> = sources
            .iter()
            .zip(&plan.sources)
            .map(|(ints, s)| {
                let floats: Vec<f32> = ints.iter().map(|&x| x as f32 / 32.0).collect();
                Tensor::from_data(TensorData::new(floats, [2 * s.n_cells(), s.width]), &device)
            })
            .collect();
        let net = Layers::new(&floats, &plan.shape(), &device);
        let heads = plan.heads(&net, &tensors, true).into_data().try_into_vec::<f32>().unwrap();
        let exported = plan.export(&floats).unwrap();
        let mut n_apart = 0;
        for block in 0..2 {
            let part = |i: usize| &sources[i][block * sources[i].len() / 2..][..sources[i].len() / 2];
            let ints = mesh(&exported, &[part(0), part(1), part(2)]);
            for (a, b) in ints.iter().zip(&heads[block * 64..]) {
                // one step for the sum, and a bias half a step off may turn an activation
                assert!((*a as f32 - b * 512.0).abs() <= 40.0, "{a} {}", b * 512.0);
                n_apart += usize::from((*a as f32 - b * 512.0).abs() > 1.0);
            }
        }
        assert!(n_apart <= 12, "{n_apart} of 128 heads differ");
    }
}
