//! What a training makes smaller: the loss of a batch with its gradients, and a loss of what is held out. One per
//! family.

use crate::data::pool::Past;
use crate::random::Random;
use collapsar::internals::error::Result;
use serde_json::{Map, Value};

pub trait Objective {
    /// Takes its place: at the beginning where `memory` is empty, else where it says; None where it says nothing
    /// sensible.
    fn begin(&mut self, memory: &Memory) -> Option<()>;

    /// What it must be given back after an interruption, beside the weights.
    fn memory(&self) -> Memory;

    /// The loss of the batch of a step. `random` goes on through the whole training.
    fn batch_loss(&mut self, weights: &[f32], step: Step, random: &mut Random) -> BatchLoss;

    /// None where nothing is held out.
    fn held_out_loss(&self, floats: &[f32], progress: f64) -> Option<HeldOut>;

    /// Whether the weights themselves may be kept, or only their average.
    fn judges_weights(&self) -> bool {
        false
    }

    /// A last line for the log.
    fn summary(&self, _kept: &Kept) -> Result<Option<Value>> {
        Ok(None)
    }
}

/// A step of a training.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub number: u64,
    /// Of the training, 0 to 1.
    pub progress: f64,
    /// Whether weights and activations are those that integers can have.
    pub rounded: bool,
}

pub struct BatchLoss {
    /// By name, for the log: the loss itself or its parts, the most telling first.
    pub values: Vec<(&'static str, f32)>,
    pub gradients: Vec<f32>,
    pub n_cells: usize,
}

pub struct HeldOut {
    pub loss: f64,
    /// The objective is not yet what it will be: the next judgement is better, whatever it says.
    pub provisional: bool,
    /// What else there is to say.
    pub line: Map<String, Value>,
}

/// An objective's own numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub numbers: Vec<u64>,
    pub lists: Vec<Vec<f32>>,
}

/// What is kept of a training: weights, and the lists of the objective that belong to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub floats: Vec<f32>,
    pub lists: Vec<Vec<f32>>,
}

impl Memory {
    /// Of an objective that remembers nothing but the draws of its pool.
    pub fn of_pool(Past { rounds, n_draws }: Past) -> Memory {
        Memory { numbers: vec![rounds[0], rounds[1], n_draws], lists: Vec::new() }
    }

    pub fn past(&self) -> Option<Past> {
        match self.numbers[..] {
            [] => Some(Past::default()),
            [a, b, n_draws] if a <= b && b <= n_draws => Some(Past { rounds: [a, b], n_draws }),
            _ => None,
        }
    }
}
