//! A whole file through the front door, on the CPU.

use crate::cli::measure::noise::round;
use crate::cli::talk::print;
use collapsar::internals::model::Model;
use collapsar::internals::synthetic;
use collapsar::internals::{Choice, Error, Options, Result};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

pub struct Whole {
    pub model: String,
    pub ratio: f64,
    pub encode: f64,
    pub decode: f64,
}

impl Whole {
    /// Without a model: by the classic modes.
    pub fn new(model: Option<&Arc<Model>>, frame: &[u16], side: usize) -> Result<Whole> {
        let file = synthetic::fits(side, side, frame);
        let n = file.len() as u64;
        let choice = model.map_or(Choice::Classic, |m| Choice::These(vec![m.clone()]));
        let options = Options { model: choice, embed: model.is_some(), ..Options::default() };
        let clock = Instant::now();
        let packed = collapsar::internals::compress(&file, &options)?;
        let encode = print::speed(n, clock.elapsed().as_secs_f64());
        let clock = Instant::now();
        let back = collapsar::internals::decompress(&packed)?;
        let decode = print::speed(n, clock.elapsed().as_secs_f64());
        let model = model.map_or("classic".into(), |m| m.name.clone());
        match back == file {
            true => Ok(Whole { model, ratio: print::ratio(n, packed.len() as u64), encode, decode }),
            false => Err(Error::verify(format!("{model} does not give the frame back"))),
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "model": self.model, "ratio": self.ratio, "encode_mb_per_s": round(self.encode),
            "decode_mb_per_s": round(self.decode), "threads": rayon::current_num_threads(),
        })
    }

    pub fn row(&self) -> [String; 4] {
        let [ratio, encode, decode] = [self.ratio, self.encode, self.decode].map(|x| format!("{x:.2}"));
        [self.model.clone(), ratio, encode, decode]
    }
}
