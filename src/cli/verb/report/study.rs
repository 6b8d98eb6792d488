//! One file over a row of bounds: what ours and others made of it, and what is drawn of ours.

use super::keep::{self, Recommended};
use super::rates::Point;
use crate::cli::args;
use crate::cli::measure::quantised;
use crate::cli::measure::trial::{NO_ARRAYS, Original, Trial};
use crate::cli::path::input::Input;
use crate::cli::talk::print::{self, Talk};
use crate::cli::verb::eval::cell;
use collapsar::internals::model::Model;
use collapsar::internals::quality::Look;
use collapsar::internals::source::Source;
use collapsar::internals::{Error, Level, Loss, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub struct Study {
    pub path: PathBuf,
    /// Without its folders.
    pub name: String,
    /// The folder that it lies in.
    pub class: String,
    pub n_bytes: u64,
    codec: String,
    /// Ours, bound by bound.
    pub trials: Vec<Trial>,
    /// Of each of them, array by array; none where nothing is drawn.
    pub looks: Vec<Vec<Option<Look>>>,
    others: Vec<(String, Vec<Trial>)>,
    pub recommended: Option<Recommended>,
}

impl Study {
    /// Every codec and its trials, ours first.
    pub fn curves(&self) -> impl Iterator<Item = (&str, &[Trial])> {
        let others = self.others.iter().map(|(codec, trials)| (codec.as_str(), trials.as_slice()));
        std::iter::once((self.codec.as_str(), self.trials.as_slice())).chain(others)
    }

    pub fn points(&self) -> Vec<Point> {
        self.curves().flat_map(|(codec, trials)| trials.iter().map(|trial| Point::of(codec, trial))).collect()
    }
}

/// What is to be done with every file.
pub struct Plan<'a> {
    pub args: &'a args::Report,
    pub losses: Vec<Loss>,
    pub given: Vec<Arc<Model>>,
    /// Arrays that are drawn of each trial.
    pub n_drawn: usize,
    pub talk: Talk,
}

impl Plan<'_> {
    /// None where it was found in a folder and holds no arrays.
    pub fn study(&self, input: &Input) -> Result<Option<Study>> {
        let opened = input.open()?;
        if opened.source.is_empty() {
            return Err(Error::argument("is empty"));
        }
        let original = Original::new(opened.source, self.args.raw.array())?;
        if !original.has_arrays() {
            return if input.root.is_some() { Ok(None) } else { Err(Error::argument(NO_ARRAYS)) };
        }
        let name = print::name(&input.path);
        // by their words: a scan returns the trials in another order
        let mut drawn = BTreeMap::new();
        let trial = |loss: Loss| {
            let mut trial = original.trial(loss, &self.args.coding, &self.given)?;
            self.talk.verbose(&format!("{name}: {}: {} bits", trial.asked(), cell(trial.bits())));
            drawn.insert(trial.asked(), original.looks(&mut trial, self.n_drawn)?);
            Ok::<_, Error>(trial)
        };
        let losses = self.losses.iter().copied();
        let (trials, recommended) = match &self.args.keep {
            None => (losses.map(trial).collect::<Result<Vec<Trial>>>()?, None),
            Some(keep) => {
                let (trials, recommended) = keep::scan(keep, losses.collect(), self.args.bounds.is_default(), trial)?;
                (trials, Some(recommended))
            }
        };
        let others = if self.args.keep.is_none() { self.others(&original, &trials)? } else { Vec::new() };
        opened.held.check()?;
        let folder = input.path.parent().and_then(|folder| folder.file_name());
        Ok(Some(Study {
            path: input.path.clone(),
            name: input.path.file_name().map_or_else(String::new, |name| print::name(name.as_ref())),
            class: folder.map_or(".".into(), |name| print::clean(&name.to_string_lossy())),
            n_bytes: original.source.len(),
            codec: self.codec(self.args.coding.level),
            looks: trials.iter().map(|trial| drawn.remove(&trial.asked()).unwrap_or_default()).collect(),
            trials,
            others,
            recommended,
        }))
    }

    fn codec(&self, level: Level) -> String {
        match &self.args.coding.model {
            Some(name) => format!("collapsar {}", print::clean(name)),
            None => format!("collapsar level {}", level.number()),
        }
    }

    /// The other levels that were named, and other people's methods.
    fn others(&self, original: &Original, ours: &[Trial]) -> Result<Vec<(String, Vec<Trial>)>> {
        let coding = &self.args.coding;
        let mut all = Vec::new();
        for level in self.args.levels.iter().filter(|level| **level != coding.level) {
            let trial = |loss: &Loss| {
                let how = (coding.choice_at(*level, &self.given)?, coding.adapt());
                let mut trial = original.trial_by(*loss, how, &self.given)?;
                original.looks(&mut trial, 0)?;
                Ok(trial)
            };
            all.push((self.codec(*level), self.losses.iter().map(trial).collect::<Result<Vec<Trial>>>()?));
        }
        let mut peers: Vec<(String, Vec<Trial>)> = Vec::new();
        for trial in ours {
            for (peer, trial) in quantised::trials(original, trial)? {
                let name = quantised::name(peer);
                match peers.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, trials)) => trials.push(trial),
                    None => peers.push((name, vec![trial])),
                }
            }
        }
        all.extend(peers);
        Ok(all)
    }
}
