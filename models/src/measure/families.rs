//! ratio = bytes of the arrays / bytes of the whole files that they become;   MB/s = bytes of the arrays / seconds /
//! 10⁶, both ways
//!
//! The tables of AstroCompress for what is built in and for the peers at hand: what is measured is files, not
//! likelihoods, and every one is decoded and compared. A third says what a family costs. Ours use all threads, peers
//! one.

use crate::data::survey::{Survey, arrays};
use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::search::choice;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::Model;
use collapsar::internals::peers::Peer;
use collapsar::internals::source::{FileSource, Source};
use collapsar::internals::weights::{store, zoo};
use collapsar::internals::{Adapt, Choice, Options, compress, decompress};
use serde_json::{Value, json};
use std::fs::File;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Instant;

/// Who is measured, in the order of the rows.
pub enum Coder {
    Ours(String, Options),
    Peer(Peer),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    pub n_arrays: u64,
    pub n_in: u64,
    pub n_out: u64,
    pub encode_s: f64,
    pub decode_s: f64,
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Score) {
        self.n_arrays += other.n_arrays;
        self.n_in += other.n_in;
        self.n_out += other.n_out;
        self.encode_s += other.encode_s;
        self.decode_s += other.decode_s;
    }
}

impl Score {
    fn ratio(&self) -> f64 {
        self.n_in as f64 / self.n_out as f64
    }

    fn json(&self) -> Value {
        json!({"arrays": self.n_arrays, "bytes_in": self.n_in, "bytes_out": self.n_out, "ratio": self.ratio(), "encode_s": self.encode_s, "decode_s": self.decode_s})
    }
}

/// Every model that is built in and codes whatever there is, then what is chosen by measuring, then the others.
pub fn coders() -> Vec<Coder> {
    let with = |model, adapt| Options { model, adapt, ..Options::default() };
    let one = |m: &Arc<Model>| Coder::Ours(m.name.clone(), with(Choice::These(vec![m.clone()]), Adapt::Off));
    let mut coders: Vec<Coder> = models().iter().map(one).collect();
    coders.push(Coder::Ours("classic".into(), with(Choice::Classic, Adapt::Off)));
    coders.push(Coder::Ours("auto".into(), with(Choice::Auto, Adapt::Fast)));
    coders.extend([Peer::Rice, Peer::Deflate(6), Peer::Zstd(3), Peer::Zstd(19)].map(Coder::Peer));
    coders
}

fn models() -> Vec<Arc<Model>> {
    choice::lossless(zoo::embedded())
}

impl Coder {
    pub fn name(&self) -> String {
        match self {
            Coder::Ours(name, _) => name.clone(),
            Coder::Peer(peer) => peer.name(),
        }
    }

    /// There and back.
    pub fn score(&self, bytes: &[u8], ty: &ArrayType) -> Result<Score> {
        let n_in = bytes.len() as u64;
        if let Coder::Peer(peer) = self
            && !peer.takes(ty)
        {
            // stored: no time that would mean anything
            return Ok(Score { n_arrays: 1, n_in, n_out: n_in, ..Score::default() });
        }
        let start = Instant::now();
        let (n_out, encode_s, back, decode_s) = match self {
            Coder::Ours(_, options) => {
                let packed = compress(bytes, &Options { raw: Some(ty.clone()), ..options.clone() })?;
                let (encode_s, start) = (start.elapsed(), Instant::now());
                (packed.len() as u64, encode_s, decompress(&packed)?, start.elapsed())
            }
            Coder::Peer(peer) => {
                let packed = peer.pack(bytes, ty)?;
                let (encode_s, start) = (start.elapsed(), Instant::now());
                (packed.n_bytes(), encode_s, peer.unpack(&packed, ty, bytes.len())?, start.elapsed())
            }
        };
        if back != bytes {
            return Err(Error::verify(format!("{} does not give an array back", self.name())));
        }
        let (encode_s, decode_s) = (encode_s.as_secs_f64(), decode_s.as_secs_f64());
        Ok(Score { n_arrays: 1, n_in, n_out, encode_s, decode_s })
    }
}

/// What was measured: a score per coder and class.
pub struct Measured {
    pub names: Vec<String>,
    pub classes: Vec<String>,
    /// By coder, then by class.
    pub scores: Vec<Vec<Score>>,
}

pub fn measure(surveys: &[Survey], coders: &[Coder]) -> Result<Measured> {
    let mut measured = Measured {
        names: coders.iter().map(Coder::name).collect(),
        classes: vec![],
        scores: vec![vec![]; coders.len()],
    };
    for survey in surveys {
        let mut sums = vec![Score::default(); coders.len()];
        for file in &survey.files {
            let source = FileSource::new(File::open(&file.path)?)?;
            for (offset, ty) in arrays(file, &source)? {
                let bytes = source.bytes(offset, ty.n_bytes()? as usize)?;
                for (sum, coder) in sums.iter_mut().zip(coders) {
                    *sum += coder.score(&bytes, &ty).map_err(|e| e.at(file.path.display()))?;
                }
            }
        }
        if sums.iter().any(|sum| sum.n_arrays > 0) {
            eprintln!("{}: {} arrays", survey.name, sums[0].n_arrays);
            measured.classes.push(survey.name.clone());
            measured.scores.iter_mut().zip(sums).for_each(|(row, sum)| row.push(sum));
        }
    }
    Ok(measured)
}

fn total(scores: &[Score]) -> Score {
    let mut sum = Score::default();
    scores.iter().for_each(|score| sum += *score);
    sum
}

/// What a model costs: multiplications per sample, numbers in its weights file, bytes of it.
fn cost(model: &Model) -> Result<(usize, u64, usize)> {
    let bytes = store(model)?;
    Ok((model.n_mac(), n_parameters(&bytes)?, bytes.len()))
}

/// All elements of all tensors, by the header of a weights file.
fn n_parameters(safetensors: &[u8]) -> Result<u64> {
    let wrong = || Error::corrupt("a weights file without a header");
    let (n, rest) = safetensors.split_first_chunk::<8>().ok_or_else(wrong)?;
    let header = rest.get(..u64::from_le_bytes(*n) as usize).ok_or_else(wrong)?;
    let header: Value = serde_json::from_slice(header).map_err(|_| wrong())?;
    let elements = |tensor: &Value| {
        let shape = tensor["shape"].as_array()?;
        Some(shape.iter().filter_map(Value::as_u64).product::<u64>())
    };
    Ok(header.as_object().ok_or_else(wrong)?.values().filter_map(elements).sum())
}

impl Measured {
    pub fn markdown(&self) -> Result<String> {
        let classes: Vec<&str> = self.classes.iter().map(String::as_str).chain(["all"]).collect();
        let cells = |cell: fn(&Score) -> String| {
            let row = |(name, scores): (&String, &Vec<Score>)| {
                let all = total(scores);
                (name.clone(), scores.iter().chain([&all]).map(cell).collect::<Vec<String>>())
            };
            self.names.iter().zip(&self.scores).map(row).collect::<Vec<_>>()
        };
        let ratios = cells(|s| format!("{:.3}", s.ratio()));
        let speeds = cells(|s| {
            let speed = |seconds: f64| match seconds > 0.0 {
                true => format!("{:.1}", s.n_in as f64 / 1e6 / seconds),
                false => "–".into(),
            };
            format!("{} / {}", speed(s.encode_s), speed(s.decode_s))
        });
        let mut text = format!("Ratio: bytes of the arrays / bytes of whole files\n\n{}", table("", &classes, &ratios));
        text += &format!(
            "\nEncode / decode, MB/s: ours with all threads, the others with one\n\n{}",
            table("", &classes, &speeds)
        );
        let columns = ["family", "MAC per sample", "parameters", "bytes of weights", "ratio", "against classic"];
        Ok(text
            + &format!("\nWhat a family costs, and the ratio that it buys\n\n{}", table("", &columns, &self.costs()?)))
    }

    fn costs(&self) -> Result<Vec<(String, Vec<String>)>> {
        let of = |name: &str| self.names.iter().position(|n| n == name).map(|i| total(&self.scores[i]).ratio());
        let classic = of("classic").unwrap_or(f64::NAN);
        let mut rows = Vec::new();
        for model in &models() {
            let Some(ratio) = of(&model.name) else { continue };
            let (n_mac, n_parameters, n_bytes) = cost(model)?;
            let gain = format!("{:+.2} %", 100.0 * (ratio / classic - 1.0));
            let family = model.family.name().to_string();
            let [a, b, c] = [n_mac.to_string(), n_parameters.to_string(), n_bytes.to_string()];
            rows.push((model.name.clone(), vec![family, a, b, c, format!("{ratio:.3}"), gain]));
        }
        Ok(rows)
    }

    pub fn json(&self) -> Result<Value> {
        let coder = |(name, scores): (&String, &Vec<Score>)| {
            let of_class = |(class, score): (&String, &Score)| (class.clone(), score.json());
            let classes = self.classes.iter().zip(scores).map(of_class).collect::<serde_json::Map<_, _>>();
            json!({"name": name, "classes": classes, "all": total(scores).json()})
        };
        let coders: Vec<Value> = self.names.iter().zip(&self.scores).map(coder).collect();
        let mut costs = Vec::new();
        for model in &models() {
            let (n_mac, n_parameters, n_bytes) = cost(model)?;
            costs.push(json!({"name": model.name, "family": model.family.name(), "mac_per_sample": n_mac, "parameters": n_parameters, "weights_bytes": n_bytes}));
        }
        Ok(json!({"coders": coders, "costs": costs}))
    }
}

/// A table of Markdown.
fn table(corner: &str, columns: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let line = |name: &str, cells: &[String]| format!("| {name} | {} |\n", cells.join(" | "));
    let titles: Vec<String> = columns.iter().map(|c| c.to_string()).collect();
    let rule = format!("|---|{}\n", "---:|".repeat(columns.len()));
    rows.iter().fold(line(corner, &titles) + &rule, |text, (name, cells)| text + &line(name, cells))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::survey::{Listed, What};

    #[test]
    fn every_model_and_every_peer_has_a_row_and_every_class_a_column() {
        let scratch = crate::scratch::Scratch::new("families");
        let path = scratch.path("a.npy");
        let header = "{'descr': '<u2', 'fortran_order': False, 'shape': (24, 32), }";
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend(118u16.to_le_bytes());
        npy.extend(format!("{header:<117}\n").bytes());
        npy.extend((0..24 * 32u16).flat_map(|i| (1000 + i * i % 37).to_le_bytes()));
        std::fs::write(&path, npy).unwrap();
        let survey = |name: &str, files| Survey { name: name.into(), files, has_test: false };
        let file = Listed { path, what: What::All };
        let surveys =
            [survey("one", vec![file.clone()]), survey("none", vec![]), survey("two", vec![file.clone(), file])];
        let coders = coders();
        // all that a name means but the autoencoder, then classic, auto and four others
        let n_named = zoo::embedded().iter().filter(|model| !zoo::is_superseded(model)).count();
        assert_eq!(coders.len(), n_named - 1 + 6);
        let measured = measure(&surveys, &coders).unwrap();
        assert_eq!((measured.classes.len(), measured.scores[0][1].n_arrays), (2, 2));
        assert!(measured.scores.iter().all(|row| row[1].n_out == 2 * row[0].n_out && row[0].n_in == 24 * 32 * 2));
        let text = measured.markdown().unwrap();
        for coder in &coders {
            assert!(text.contains(&format!("| {} | ", coder.name())), "{text}");
        }
        assert!(text.starts_with("Ratio") && text.contains("|  | one | two | all |\n|---|---:|---:|---:|\n"), "{text}");
        let json = measured.json().unwrap();
        assert_eq!(json["coders"].as_array().unwrap().len(), coders.len());
        assert!(json["costs"].as_array().unwrap().iter().all(|c| c["parameters"].as_u64() > Some(100)));
    }
}
