//! The float side of collapsar: trains context nets with burn, turns them into integers, and measures what they code.
//!
//! Reading order: `context` (the formula), `quantise` (its integers), `preset` (where nets look), `survey`, `data`, `augment`,
//! `simulate`, `fields`, `cross` and `cells` (what they are shown, by the engine itself), `pool`, `descend` (one net's way), `judge`, `train` (a
//! model's), `checkpoint`, `work` (from data to a file), `eval`, `ratio`, `matrix`, `families`, `table`; for layers that look around `deep`
//! (the formula), `patch` (what they are shown), `drill`; for family `l3c` `l3c` (the formula), `blocks` (what it is shown), `relay`; for the
//! autoencoder `mesh` (its nets), `crops` (what they are shown), `vqae` (the formula), `codes`, `autoencode`, `foresee`.

mod adam;
mod args;
mod augment;
mod autoencode;
mod blocks;
mod cells;
mod checkpoint;
mod codes;
mod context;
mod crops;
mod cross;
mod data;
mod deep;
mod descend;
mod drill;
mod eval;
mod families;
mod fields;
mod flow;
mod foresee;
mod judge;
mod l3c;
mod log;
mod matrix;
mod mesh;
mod patch;
mod pool;
mod preset;
mod quantise;
mod random;
mod ratio;
mod relay;
#[cfg(test)]
mod scratch;
mod simulate;
mod survey;
mod table;
mod train;
mod vqae;
mod work;

use args::{Arguments, Data, Net, Verb, Way};
use burn::tensor::Device;
use clap::Parser;
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::{Family, Model};
use collapsar::internals::weights::{load, store};
use data::{Corpus, CorpusKind};
use log::Log;
use preset::Preset;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use survey::Survey;
use train::{ROUND_FROM, Settings, Start};
use work::Work;

fn main() -> std::process::ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Train { net, name, from, refs, fields, out, steps, minutes, rate, data, way } => {
            let name = name.unwrap_or_else(|| format!("{}-{}", net.family, net.preset));
            let mut start = fresh(&net, way.seed)?;
            if let Some(from) = &from {
                start = start.with(weights(from)?).map_err(|e| e.at(from.display()))?;
            }
            if refs > 0 {
                start = Start::with_refs(start.model, refs)?;
            }
            let settings = settings(&way, name, (steps, minutes), rate, ROUND_FROM)?;
            let log = Log::new(way.log.as_deref())?;
            let work = Work::new(out, way.checkpoint, way.again)?;
            let shown = if fields { CorpusKind::Fields } else { CorpusKind::Widened };
            work.train(settings, Corpus::read(&data.data, data.files, shown)?.split(), &start, log)?;
            Ok(())
        }
        Verb::Deep { preset, width, blocks, name, out, steps, minutes, rate, data, way } => {
            let spec = Preset::from_name(&preset)?.specs(Family::PixelcnnDeep).remove(0);
            let settings = settings(&way, name, (steps, minutes), rate, ROUND_FROM)?;
            let corpus = Corpus::read(&data.data, data.files, CorpusKind::Widened)?.split();
            let mut log = Log::new(way.log.as_deref())?;
            let shape = deep::Plan::blocks(spec, width, blocks);
            let model = drill::drill(&settings, (&corpus.0, &corpus.1), &shape, &mut log)?;
            save(&model, &out, way.again)
        }
        Verb::L3c { name, out, steps, minutes, rate, data, way } => {
            let settings = settings(&way, name, (steps, minutes), rate, ROUND_FROM)?;
            let corpus = Corpus::read(&data.data, data.files, CorpusKind::Widened)?.split();
            let mut log = Log::new(way.log.as_deref())?;
            let model = relay::relay(&settings, (&corpus.0, &corpus.1), &l3c::Plan::usual(), &mut log)?;
            save(&model, &out, way.again)
        }
        Verb::Vqae { top, bottom, width, hidden, frequency, foresee, name, out, steps, minutes, rate, data, way } => {
            let settings = settings(&way, name, (steps, minutes), rate, ROUND_FROM)?;
            let (training, validation) = Corpus::read(&data.data, data.files, CorpusKind::Fields)?.split();
            let mut log = Log::new(way.log.as_deref())?;
            let sizes = vqae::Sizes { n_top: top, n_bottom: bottom, width, hidden, frequency };
            let found = autoencode::train(&settings, (&training, &validation), sizes, &mut log)?;
            let further = Settings { steps: foresee, minutes: None, ..settings.clone() };
            let whole = foresee::complete(&further, &training, found, &vqae::plans(sizes), &mut log)?;
            let model = Model::of_vqae(&settings.name, whole, [0; 32]);
            save(&model, &out, way.again)
        }
        Verb::Finetune { from, fields, cross, name, out, steps, minutes, rate, data, way } => {
            let start = if cross { Start::of_refs(weights(&from)?) } else { Start::of(weights(&from)?) };
            let survey = survey::file_name(&data.data.canonicalize().unwrap_or_default());
            let name = name.unwrap_or_else(|| format!("{}-{survey}", start.model.name));
            let settings = settings(&way, name, end(steps, minutes), rate, 0.0)?;
            let log = Log::new(way.log.as_deref())?;
            let work = Work::new(out, way.checkpoint, way.again)?;
            let shown = match (fields, cross) {
                (_, true) => CorpusKind::Cross,
                (true, false) => CorpusKind::Fields,
                _ => CorpusKind::Frames,
            };
            let corpus = Corpus::read(&data.data, data.files, shown)?;
            work.train(settings, corpus.split(), &start, log)?;
            Ok(())
        }
        Verb::Eval { weights: paths, data, held_out, tiles, check } => {
            let corpus = Corpus::read_test(&data.data, data.files, !held_out)?;
            eval(&paths, &corpus, tiles.max(1), check)
        }
        Verb::Ratio { weights, data, held_out } => ratio(&weights, &data, held_out),
        Verb::Table { data, json } => {
            let surveys = survey::surveys(&data.data, survey::Part::Test, data.files)?;
            let measured = families::measure(&surveys, &families::coders())?;
            match json {
                true => println!("{}", measured.json()?),
                false => print!("{}", measured.markdown()?),
            }
            Ok(())
        }
        Verb::Matrix { net, out, minutes, steps, rate, tiles, data, way } => {
            let start = fresh(&net, way.seed)?;
            let settings = settings(&way, String::new(), end(steps, minutes), rate, ROUND_FROM)?;
            let corpora = matrix::corpora(&data.data, data.files)?;
            let places = matrix::Places { out, checkpoint: way.checkpoint, again: way.again, log: way.log };
            matrix::matrix(&settings, &corpora, &start, &places, tiles.max(1))
        }
    }
}

fn save(model: &Model, out: &Path, again: bool) -> Result<()> {
    let mut output = Output::create(out, if again { Existing::Replace } else { Existing::Refuse("--again") })?;
    output.write_all(&store(model)?)?;
    output.commit()
}

fn fresh(net: &Net, seed: u64) -> Result<Start> {
    let family = Family::from_name(&net.family)?;
    if family == Family::L3c {
        return Err(Error::argument("the nets of family l3c learn together: verb l3c"));
    }
    Start::fresh(family, Preset::from_name(&net.preset)?, seed)
}

/// Steps and minutes, of which the first ends a training.
fn end(steps: Option<u64>, minutes: f64) -> (u64, Option<f64>) {
    steps.map_or((u64::MAX, Some(minutes)), |steps| (steps, None))
}

fn settings(
    way: &Way,
    name: String,
    (steps, minutes): (u64, Option<f64>),
    rate: f64,
    round_from: f64,
) -> Result<Settings> {
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if steps == 0 || way.batch == 0 || way.pool == 0 || !positive(rate) || !minutes.is_none_or(positive) {
        return Err(Error::argument("steps, minutes, batch, pool and rate are more than 0"));
    }
    let (batch, seed, n_draws) = (way.batch, way.seed, way.pool);
    Ok(Settings { name, steps, minutes, batch, rate, seed, n_draws, round_from, checkpoint: None, device: device() })
}

fn eval(paths: &[PathBuf], corpus: &Corpus, n_tiles: usize, check: bool) -> Result<()> {
    let (mut columns, mut rows) = (Vec::new(), Vec::<(String, Vec<f64>)>::new());
    let mut too_far = Vec::new();
    for path in paths {
        let model = weights(path)?;
        let scores = eval::evaluate(&model, corpus, n_tiles, &device())?;
        println!("{}", table::scores(&model.name, &scores));
        let means = scores.iter().map(|(class, s)| (class.clone(), s.bits_per_sample()));
        for (i, (class, bits)) in means.chain([("mean of classes".into(), table::mean(&scores))]).enumerate() {
            if columns.is_empty() {
                rows.push((class, Vec::new()));
            }
            rows[i].1.push(bits);
        }
        too_far.extend(eval::too_far(&scores).map(|(class, gap)| format!("{} on {class}: {gap:.3} %", model.name)));
        columns.push(model.name);
    }
    if paths.len() > 1 {
        println!("{}", table::numbers("coded bits per sample", &columns, &rows, 4));
    }
    if check && !too_far.is_empty() {
        return Err(Error::verify(format!("integers cost more than {} %: {}", eval::MAX_GAP, too_far.join(", "))));
    }
    Ok(())
}

fn ratio(paths: &[PathBuf], data: &Data, held_out: bool) -> Result<()> {
    let mut models = paths.iter().map(|path| Ok(Some(Arc::new(weights(path)?)))).collect::<Result<Vec<_>>>()?;
    if models.is_empty() {
        models.push(None);
    }
    let columns: Vec<String> = models.iter().map(|m| m.as_ref().map_or("auto".into(), |m| m.name.clone())).collect();
    let mut surveys = survey::surveys(&data.data, survey::Part::Test, data.files)?;
    if held_out {
        let corpus = Corpus::read_test(&data.data, data.files, false)?;
        let names: Vec<_> = corpus.frames().map(|f| (&f.class, &f.name)).collect();
        for Survey { name, files, .. } in &mut surveys {
            files.retain(|file| names.contains(&(name, &survey::file_name(&file.path))));
        }
    }
    let (mut rows, mut totals) = (Vec::new(), vec![ratio::Bytes::default(); models.len()]);
    for survey in &surveys {
        let mut row = Vec::new();
        for (model, total) in models.iter().zip(&mut totals) {
            let bytes = ratio::ratio(survey, model.as_ref())?;
            *total = *total + bytes;
            row.push(bytes);
        }
        if row[0].n_arrays > 0 {
            rows.push((survey.name.clone(), row.iter().map(ratio::Bytes::ratio).collect()));
        }
    }
    rows.push(("total".into(), totals.iter().map(ratio::Bytes::ratio).collect()));
    println!("{}", table::numbers("bytes in / bytes out", &columns, &rows, 3));
    Ok(())
}

/// Where tensors live: the CPU, or with the feature `wgpu` the default GPU.
fn device() -> Device {
    #[cfg(feature = "wgpu")]
    let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(not(feature = "wgpu"))]
    let device = Device::flex();
    device.autodiff()
}

fn weights(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).map_err(|e| Error::from(e).at(path.display()))?;
    load(&bytes).map_err(|e| e.at(path.display()))
}
