//! Where a training stands: length of the header (u64) ‖ header (JSON) ‖ f32 lists. A safetensors file, like the
//! weights.
//!
//! The identity says which training it is: what was set and which data. A training is only taken up by its like. The
//! file comes to its name whole, whenever the machine goes down.

use crate::random::Random;
use crate::train::adam::Adam;
use crate::train::objective::{Kept, Memory};
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

const KEY: &str = "collapsar_training";
/// No net is nearly as large.
const MAX_FILE_BYTES: u64 = 1 << 30;

#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub identity: Map<String, Value>,
    /// What stages that are over gave.
    pub done: Vec<Kept>,
    /// The stage that is being trained; none between two and behind the last.
    pub state: Option<State>,
}

/// Where one stage stands.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub step: u64,
    pub seconds: f64,
    pub weights: Vec<f32>,
    /// Of the weights over the last steps.
    pub average: Vec<f32>,
    pub adam: Adam,
    pub random: Random,
    pub best: Option<Best>,
    /// The objective's own.
    pub memory: Memory,
}

/// What did best on what is held out so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    pub loss: f64,
    /// It was judged before the objective was what it will be.
    pub provisional: bool,
    pub step: u64,
    pub kept: Kept,
}

impl State {
    pub fn new((weights, random): (Vec<f32>, Random)) -> State {
        let (adam, average) = (Adam::new(weights.len()), weights.clone());
        State { step: 0, seconds: 0.0, weights, average, adam, random, best: None, memory: Memory::default() }
    }
}

impl Checkpoint {
    /// Whether there are as many floats as each stage has.
    pub fn fits(&self, lengths: &[usize]) -> bool {
        let state = self.state.iter().flat_map(|s| {
            let best = s.best.as_ref().map_or(&s.average, |best| &best.kept.floats);
            [&s.weights, &s.average, &s.adam.first, &s.adam.second, best].map(|list| (self.done.len(), list))
        });
        let done = self.done.iter().map(|kept| &kept.floats).enumerate();
        done.chain(state).all(|(i, list)| lengths.get(i) == Some(&list.len()))
    }

    /// The checkpoint at a path, none where there is none; refused where it is of another training.
    pub fn read(path: &Path, identity: &Map<String, Value>) -> Result<Option<Checkpoint>> {
        let read = || -> Result<Option<Checkpoint>> {
            match path.metadata() {
                Ok(meta) if meta.len() > MAX_FILE_BYTES => return Err(damaged()),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                _ => {}
            }
            let checkpoint = parse(&std::fs::read(path)?).ok_or_else(damaged)?;
            match identity.iter().find(|&(key, value)| checkpoint.identity.get(key) != Some(value)) {
                None => Ok(Some(checkpoint)),
                Some((key, value)) => {
                    let theirs = checkpoint.identity.get(key).unwrap_or(&Value::Null);
                    let text = format!("belongs to another training ('{key}' is {theirs} there and {value} here)");
                    Err(Error::argument(text + ": name another place with --checkpoint, or begin anew with --again"))
                }
            }
        };
        read().map_err(|e| e.at(path.display()))
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut lists: Vec<(String, &[f32])> = Vec::new();
        fn add<'a>(to: &mut Vec<(String, &'a [f32])>, name: &str, all: &'a [Vec<f32>]) -> usize {
            to.extend(all.iter().enumerate().map(|(i, list)| (format!("{name}.{i}"), list.as_slice())));
            all.len()
        }
        let mut n_lists = Vec::new();
        for (i, kept) in self.done.iter().enumerate() {
            lists.push((format!("done.{i}"), &kept.floats));
            n_lists.push(add(&mut lists, &format!("done.{i}"), &kept.lists));
        }
        let mut text = json!({"identity": self.identity, "done": n_lists});
        if let Some(state) = &self.state {
            lists.push(("weights".into(), &state.weights));
            lists.push(("average".into(), &state.average));
            lists.push(("first_moment".into(), &state.adam.first));
            lists.push(("second_moment".into(), &state.adam.second));
            // floats as their bits: text would lose some
            text["state"] = json!({
                "step": state.step, "seconds": state.seconds.to_bits(), "random": state.random.state(),
                "numbers": state.memory.numbers, "lists": add(&mut lists, "memory", &state.memory.lists),
            });
            if let Some(best) = &state.best {
                lists.push(("best".into(), &best.kept.floats));
                text["best"] = json!({
                    "loss": best.loss.to_bits(), "provisional": best.provisional, "step": best.step,
                    "lists": add(&mut lists, "best", &best.kept.lists),
                });
            }
        }
        let mut header = json!({"__metadata__": {KEY: text.to_string()}});
        let mut begin = 0;
        for (name, list) in &lists {
            let end = begin + 4 * list.len();
            header[name] = json!({"dtype": "F32", "shape": [list.len()], "data_offsets": [begin, end]});
            begin = end;
        }
        let header = header.to_string();
        let mut output = Output::create(path, Existing::Replace)?;
        output.write_all(&(header.len() as u64).to_le_bytes())?;
        output.write_all(header.as_bytes())?;
        for x in lists.iter().flat_map(|(_, list)| *list) {
            output.write_all(&x.to_le_bytes())?;
        }
        output.commit()
    }
}

fn damaged() -> Error {
    Error::corrupt("is no checkpoint, or damaged: begin anew with --again")
}

fn parse(bytes: &[u8]) -> Option<Checkpoint> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let text: Value = serde_json::from_str(header["__metadata__"][KEY].as_str()?).ok()?;
    let list = |name: &str| {
        let offset = |i: usize| usize::try_from(header[name]["data_offsets"][i].as_u64()?).ok();
        let bytes = data.get(offset(0)?..offset(1)?)?;
        let (floats, []) = bytes.as_chunks::<4>() else { return None };
        Some(floats.iter().map(|x| f32::from_le_bytes(*x)).collect::<Vec<f32>>())
    };
    let lists = |name: &str, n: &Value| {
        (0..n.as_u64()?).map(|i| list(&format!("{name}.{i}"))).collect::<Option<Vec<Vec<f32>>>>()
    };
    let kept = |name: &str, n: &Value| Some(Kept { floats: list(name)?, lists: lists(name, n)? });
    let done = text["done"].as_array()?.iter().enumerate();
    let done = done.map(|(i, n)| kept(&format!("done.{i}"), n)).collect::<Option<_>>()?;
    let state = match &text["state"] {
        Value::Null => None,
        state => {
            let number = |name: &str| state[name].as_u64();
            let best = match &text["best"] {
                Value::Null => None,
                best => Some(Best {
                    loss: f64::from_bits(best["loss"].as_u64()?),
                    provisional: best["provisional"].as_bool()?,
                    step: best["step"].as_u64()?,
                    kept: kept("best", &best["lists"])?,
                }),
            };
            let numbers = state["numbers"].as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?;
            Some(State {
                step: number("step")?,
                seconds: f64::from_bits(number("seconds")?),
                weights: list("weights")?,
                average: list("average")?,
                adam: Adam { first: list("first_moment")?, second: list("second_moment")? },
                random: Random::new(number("random")?),
                best,
                memory: Memory { numbers, lists: lists("memory", &state["lists"])? },
            })
        }
    };
    Some(Checkpoint { identity: text["identity"].as_object()?.clone(), done, state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn checkpoint() -> Checkpoint {
        let mut state = State::new((vec![1.0, -0.1, f32::MIN_POSITIVE], Random::new(u64::MAX - 5)));
        state.adam.step(1, 0.1, &mut state.weights, &[0.3, 0.2, 0.1]);
        state.step = 17;
        state.seconds = 0.1 + 0.2;
        let kept = Kept { floats: vec![0.1, 0.2, 0.3], lists: vec![vec![0.4], vec![]] };
        state.best = Some(Best { loss: 1.0 / 3.0, provisional: true, step: 4, kept });
        state.memory = Memory { numbers: vec![96, 192, 200], lists: vec![vec![0.5; 3]] };
        let identity = json!({"seed": 0, "rate": 0.003}).as_object().unwrap().clone();
        let done = vec![Kept { floats: vec![0.7; 5], lists: vec![vec![0.8; 2]] }];
        Checkpoint { identity, done, state: Some(state) }
    }

    #[test]
    fn a_checkpoint_comes_back_to_the_bit() {
        let scratch = Scratch::new("checkpoint");
        let path = scratch.path("a");
        let whole = checkpoint();
        assert_eq!(Checkpoint::read(&path, &whole.identity).unwrap(), None);
        whole.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path, &whole.identity).unwrap(), Some(whole.clone()));
        let between = Checkpoint { state: None, ..whole };
        between.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path, &between.identity).unwrap(), Some(between));
    }

    #[test]
    fn a_checkpoint_of_another_training_is_refused_by_what_differs() {
        let scratch = Scratch::new("checkpoint-other");
        let path = scratch.path("a");
        let mut checkpoint = checkpoint();
        checkpoint.write(&path).unwrap();
        checkpoint.identity.insert("seed".into(), json!(1));
        let error = Checkpoint::read(&path, &checkpoint.identity).unwrap_err();
        assert!(error.message.contains("'seed' is 0 there and 1 here"), "{error}");
    }

    #[test]
    fn a_damaged_checkpoint_is_an_error_and_no_panic() {
        let scratch = Scratch::new("checkpoint-damaged");
        let path = scratch.path("a");
        let checkpoint = checkpoint();
        checkpoint.write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(parse(&bytes).is_some());
        for n in 0..bytes.len() {
            assert_eq!(parse(&bytes[..n]), None, "cut to {n} bytes");
        }
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Checkpoint::read(&path, &checkpoint.identity).is_err());
    }
}
