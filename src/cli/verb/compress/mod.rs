//! a.fits → a.fits.clps, one line each

mod told;

pub use told::model_names;

use crate::cli::args;
use crate::cli::machine::{memory, resources};
use crate::cli::measure::verify;
use crate::cli::path::held::Held;
use crate::cli::path::input::{self, Input, Opened, Wanted};
use crate::cli::path::names::{Names, Target};
use crate::cli::path::output::{self, Sink};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::progress::Progress;
use crate::cli::verb::recipe;
use collapsar::internals::device::Device;
use collapsar::internals::model::Model;
use collapsar::internals::source::{Change, FileSource, Source};
use collapsar::internals::{Choice, Error, Options, Report, Result};
use rayon::prelude::*;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// Files of at most so many bytes are coded side by side.
const SMALL: u64 = 8 << 20;

struct Run<'a> {
    args: &'a args::Compress,
    talk: Talk,
    options: Options,
    given: Vec<Arc<Model>>,
}

pub fn run(args: &args::Compress) -> Result<Tally> {
    let inputs = input::inputs(&args.files, Wanted::Others, Talk::from(&args.talk))?;
    let mut given = weights::given(&args.coding.weights)?;
    let mut options = Options { gunzip: args.gunzip, ..options(&args.lossy, &args.coding, &args.arrays, &given)? };
    if let (true, Some(out)) = (args.recipes.learn_recipe, &args.place.output) {
        return recipe::write(out, args.place.force, &inputs, &options, Talk::from(&args.talk));
    }
    let mut names = Names::new(&args.place, inputs.len())?;
    if args.place.stdout && inputs.len() > 1 {
        return Err(Error::argument("several .clps files in one stream cannot be told apart: compress one with -c"));
    }
    options.recipe = recipe::asked(&args.recipes, &inputs, &options, &given)?;
    // what is written is read again with the networks that the recipe carries
    given.extend(options.recipe.iter().flat_map(|recipe| recipe.carried()).map(|(_, model)| model.clone()));
    let run = Run { args, talk: Talk::from(&args.talk), options, given };
    run.warn_of_weights();
    let mut tally = Tally::default();
    let mut rest = &inputs[..];
    while !rest.is_empty() {
        let (group, others) = rest.split_at(run.n_side_by_side(rest));
        match group {
            [input] => _ = tally.add(&run.talk, &input.path, run.one(input, &mut names)),
            _ => run.side_by_side(group, &mut names, &mut tally),
        }
        rest = others;
    }
    Ok(tally)
}

/// What was asked for, with the device and the memory of this run.
pub fn options(
    lossy: &args::Lossy,
    coding: &args::Coding,
    arrays: &args::Arrays,
    given: &[Arc<Model>],
) -> Result<Options> {
    Ok(Options {
        model: coding.choice(given)?,
        raw: arrays.raw.array(),
        embed: arrays.embed_weights,
        gunzip: false,
        device: resources::device(),
        memory: resources::memory(),
        adapt: coding.adapt(),
        loss: lossy.loss().check()?,
        references: arrays.references(),
        fields: arrays.fields,
        recipe: None,
    })
}

/// A source, and where its code goes.
struct Begun {
    target: Target,
    opened: Opened,
}

/// A small file's code, in memory.
struct Coded {
    begun: Begun,
    bytes: Vec<u8>,
    report: Report,
    seconds: f64,
}

impl Run<'_> {
    /// How many files come next: one, or several small ones, each of which has too few tiles for all threads.
    fn n_side_by_side(&self, inputs: &[Input]) -> usize {
        let n_threads = rayon::current_num_threads();
        let Options { device, memory, gunzip, .. } = &self.options;
        let place = &self.args.place;
        if n_threads == 1
            || !matches!(device, Device::Cpu)
            || memory.most.is_some()
            || *gunzip
            || place.stdout
            || place.output.is_some()
            || self.args.progress.progress
        {
            return 1;
        }
        let is_small =
            |input: &&Input| fs::metadata(&input.path).is_ok_and(|meta| meta.is_file() && meta.len() <= SMALL);
        inputs.iter().take(4 * n_threads).take_while(is_small).count().max(1)
    }

    /// Codes small files into memory at the same time, then writes them one after the other.
    fn side_by_side(&self, inputs: &[Input], names: &mut Names, tally: &mut Tally) {
        let begun: Vec<Result<Begun>> = inputs
            .iter()
            .map(|input| {
                let begun = self.begin(input, names)?;
                if let Target::File(path) = &begun.target {
                    output::check(path, self.args.place.force)?;
                }
                Ok(begun)
            })
            .collect();
        let coded = begun.into_par_iter().map(|begun| {
            let (begun, start) = (begun?, Instant::now());
            let (bytes, report) =
                collapsar::internals::compress_to(&begun.opened.source, Vec::new(), &self.options, &|_| Ok(()))?;
            Ok(Coded { begun, bytes, report, seconds: start.elapsed().as_secs_f64() })
        });
        let coded: Vec<Result<Coded>> = coded.collect();
        for (input, coded) in inputs.iter().zip(coded) {
            let result = coded.and_then(|Coded { begun, bytes, report, seconds }| {
                let mut sink = self.create(&begun)?;
                sink.write_all(&bytes)?;
                self.end(input, begun, (sink, &report, seconds), names)
            });
            tally.add(&self.talk, &input.path, result);
        }
    }

    fn one(&self, input: &Input, names: &mut Names) -> Result<()> {
        let begun = self.begin(input, names)?;
        let (sink, source) = (self.create(&begun)?, &begun.opened.source);
        let start = Instant::now();
        let (sink, report) = {
            let progress = Progress::start(self.talk, &self.args.progress, &input.path, source.len());
            collapsar::internals::compress_to(source, sink, &self.options, &|at| {
                memory::watch().map(|()| progress.at(at))
            })?
        };
        self.end(input, begun, (sink, &report, start.elapsed().as_secs_f64()), names)
    }

    fn begin(&self, input: &Input, names: &mut Names) -> Result<Begun> {
        let place = &self.args.place;
        let target = names.compressed(input)?;
        if target == Target::Stdout && (self.talk.json || place.rm || place.verify) {
            return Err(Error::argument("standard output takes the data: --json, --rm and --verify need a file"));
        }
        let opened = input.open()?;
        if self.options.raw.is_none() && !place.force && input::is_clps(&opened.source)? {
            return Err(Error::argument("is a .clps file already: force it with -f"));
        }
        Ok(Begun { target, opened })
    }

    fn create(&self, begun: &Begun) -> Result<Sink> {
        Sink::create(&begun.target, self.args.place.force, begun.opened.meta.as_ref())
    }

    fn end(
        &self,
        input: &Input,
        Begun { target, opened }: Begun,
        (mut sink, report, seconds): (Sink, &Report, f64),
        names: &mut Names,
    ) -> Result<()> {
        let Opened { source, held, .. } = opened;
        let checked = self.check(&mut sink, report, &source, &held)?;
        let unpacked = if report.gunzipped { unpacked_name(&target, names)? } else { None };
        let written = sink.finish(unpacked.as_deref())?;
        if self.args.place.rm && checked {
            held.remove()?;
        }
        self.tell(&input.path, written.as_ref(), report, seconds, checked)
    }

    /// What was written is what the source held; whether it was read again for that.
    fn check(&self, sink: &mut Sink, report: &Report, source: &FileSource, held: &Held) -> Result<bool> {
        let place = &self.args.place;
        let mut checked = false;
        // where only a reading tells whether the content is another, there is one
        if (place.rm || place.verify || held.change() == Some(Change::Status))
            && let Some(path) = sink.written()?
        {
            let result = verify::compressed(path, source, report, self.args.arrays.raw.array(), &self.given);
            result.map_err(|e| held.blame(e))?;
            checked = true;
        }
        held.admit(checked, place.rm)?;
        Ok(checked)
    }

    /// A file whose model is on one disk only cannot be restored elsewhere.
    fn warn_of_weights(&self) {
        let mut models = if let Choice::These(models) = &self.options.model { models.clone() } else { Vec::new() };
        models.extend(self.options.recipe.iter().flat_map(|recipe| recipe.carried()).map(|(_, model)| model.clone()));
        for model in models.iter().filter(|m| !self.options.embed && !weights::is_embedded(&m.hash)) {
            self.talk.note(&format!(
                "model '{}' is not built in: restoring needs its weights file; --embed-weights puts it into each file",
                print::clean(&model.name)
            ));
        }
    }
}

/// a.fits.gz whose content is kept is a.fits.clps; a name that the caller chose stays.
fn unpacked_name(target: &Target, names: &mut Names) -> Result<Option<std::ffi::OsString>> {
    let Target::File(path) = target else { return Ok(None) };
    let Some(stem) = path.file_name().and_then(OsStr::to_str).and_then(|n| n.strip_suffix(".gz.clps")) else {
        return Ok(None);
    };
    let name = format!("{stem}.{}", input::EXTENSION);
    names.claim(&path.with_file_name(&name))?;
    Ok(Some(name.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gz_loses_its_ending() {
        let place = args::Place {
            output: None,
            output_dir: None,
            stdout: false,
            force: false,
            keep: false,
            rm: false,
            verify: false,
        };
        let mut names = Names::new(&place, 1).unwrap();
        let mut unpacked = |name: &str| {
            let target = Target::File(format!("{name}.clps").into());
            unpacked_name(&target, &mut names).unwrap().map(|n| n.into_string().unwrap())
        };
        assert_eq!(unpacked("no/a.fits.gz").as_deref(), Some("a.fits.clps"));
        assert_eq!(unpacked("no/a.fits"), None);
    }
}
