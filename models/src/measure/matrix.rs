//! rows: what a model was trained on; columns: what it is measured on; 16 / bits per sample of the payloads
//!
//! Of a folder without lists of its own, a column is the files that training holds out. What judges a training is
//! held out of the training files once more, so no file of a column decides anything.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::measure::eval::evaluate;
use crate::measure::table;
use crate::train::cells;
use crate::train::log::Log;
use crate::train::settings::Settings;
use crate::train::start::Start;
use crate::train::work::Work;
use collapsar::internals::error::Result;
use std::path::{Path, PathBuf};

/// Where models, checkpoints and lines go.
pub struct Places {
    pub out: PathBuf,
    pub checkpoint: Option<PathBuf>,
    pub again: bool,
    pub log: Option<PathBuf>,
}

/// What is trained on, and what is measured on; no frame is in both.
pub fn corpora(folder: &Path, n_files: usize) -> Result<(Corpus, Corpus)> {
    let mut training = Corpus::read(folder, n_files, CorpusKind::Frames)?;
    let test = Corpus::read_test(folder, n_files, false)?;
    let tested: Vec<_> = test.frames().map(|frame| (&frame.class, &frame.name)).collect();
    for (_, frames) in &mut training.classes {
        frames.retain(|frame| !tested.contains(&(&frame.class, &frame.name)));
    }
    training.classes.retain(|(_, frames)| !frames.is_empty());
    Ok((training, test))
}

/// Trains, measures and prints row by row.
pub fn matrix(
    settings: &Settings,
    (training, test): &(Corpus, Corpus),
    start: &Start,
    places: &Places,
    n_tiles: usize,
) -> Result<()> {
    let tested = test.classes.iter().filter(|(_, frames)| !frames.is_empty());
    let columns: Vec<String> = tested.map(|(class, _)| class.clone()).collect();
    let mut rows = Vec::new();
    let names = training.classes.iter().map(|(class, _)| Some(class.as_str()));
    for class in names.chain([None]) {
        let name = class.unwrap_or("all");
        let out = places.out.join(format!("{}-{name}.safetensors", start.model.family.name()));
        std::fs::create_dir_all(&places.out)?;
        let work = Work::new(out, places.checkpoint.clone(), places.again)?;
        let named = Settings { name: name.to_string(), ..settings.clone() };
        let chosen = training.only(class).split();
        let log = Log::new(places.log.as_deref())?;
        let model =
            work.train(named, chosen, log, |settings, corpora, report| cells::train(settings, corpora, start, report))?;
        let scores = evaluate(&model, test, n_tiles, &settings.device)?;
        rows.push((name.to_string(), scores.iter().map(|(_, s)| 16.0 / s.bits_per_sample()).collect()));
        eprintln!("{}", table::numbers("trained on \\ ratio on", &columns, &rows[rows.len() - 1..], 3));
    }
    println!("{}", table::numbers("trained on \\ ratio on", &columns, &rows, 3));
    Ok(())
}
