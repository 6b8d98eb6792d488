//! model = one net after the other, each with an equal share of the way; a checkpoint says where it stands
//!
//! The same settings, data and seed give the same bytes on one backend, however often the training is interrupted and taken up,
//! unless minutes end it.

use crate::train::checkpoint::{Checkpoint, State};
use crate::net::context::first_floats;
use crate::net::shape::Shape;
use crate::data::corpus::Corpus;
use crate::train::run::Descent;
use crate::train::validate::Judge;
use crate::train::log::Event;
use crate::data::pool::{Pool, Source, held_out};
use crate::net::preset::Preset;
use crate::net::quantise::{export, import, shape};
use crate::random::Random;
use burn::tensor::Device;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::{Family, Model, Part};
use collapsar::internals::net::{Layer, N_CONTEXT, Net, Pass, Spec};
use collapsar::internals::weights::store;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// A model trained on `training`, judged by `validation`.
pub fn train(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    start: &Start,
    report: &mut dyn FnMut(Event) -> Result<()>,
) -> Result<Model> {
    let identity = identity(settings, (training, validation), start)?;
    let order = order(&start.model);
    let shapes: Vec<Shape> = order.iter().map(|&part| shape(&start.model.parts[part].net)).collect();
    let mut checkpoint = take_up(settings, identity, &shapes, report)?;
    let (n_kept, n_parts) = (start.n_kept, shapes.len() - start.n_kept);
    if checkpoint.done.len() < n_kept {
        checkpoint.done = start.floats[..n_kept].to_vec();
    }
    let mut model = start.model.clone();
    for (turn, (&part, shape)) in order.iter().zip(&shapes).enumerate().skip(n_kept) {
        let spec = model.parts[part].net.spec();
        if !training.can_draw(spec.n_refs) {
            // nothing to learn from: the net stays as it is
            if turn == checkpoint.done.len() {
                checkpoint.done.push(start.floats[part].clone());
            }
            continue;
        }
        if turn >= checkpoint.done.len() {
            let source = || Source { model: &model, part };
            let judge = Judge::new(validation, held_out(validation, &source()), shape.clone(), &settings.device);
            let mut state = checkpoint.state.take().unwrap_or_else(|| State::new(start.floats[part].clone()));
            let mut pool = Pool::new(training, source(), settings.seed, settings.n_draws, state.past);
            let mut save = |state: &State| match &settings.checkpoint {
                None => Ok(()),
                Some(path) => Checkpoint { state: Some(state.clone()), ..checkpoint.clone() }.write(path),
            };
            let part_of_way = turn - n_kept;
            let mut descent =
                Descent { settings, shape, part: part_of_way, n_parts, judge: &judge, report, save: &mut save };
            let floats = descent.run(&mut state, &mut pool)?;
            let integer = export(&floats, shape, &spec)?;
            let classes = judge.compare(&floats, &integer);
            let text = "bits per held-out cell: floats, rounded floats, the engine's integers";
            let pass = spec.pass.name();
            report(Event::Line(json!({"part": part, "pass": pass, "trained": text, "classes": classes})))?;
            checkpoint.done.push(floats);
            if let Some(path) = &settings.checkpoint {
                checkpoint.write(path)?;
            }
        }
        model.parts[part].net = export(&checkpoint.done[turn], shape, &spec)?;
    }
    Model::new(&settings.name, start.model.family, model.parts, [0; 32])
}

/// The nets in the order in which they are trained: of a flow the couplings come first, since what they leave is what is coded, and of
/// these those that take part first.
fn order(model: &Model) -> Vec<usize> {
    let turn = |part: &usize| match model.parts[*part].net.spec().pass {
        Pass::PredictDiagonal | Pass::PredictRest => 0,
        Pass::UpdateRest => 1,
        Pass::UpdateDiagonal => 2,
        _ => 3,
    };
    let mut order: Vec<usize> = (0..model.parts.len()).collect();
    order.sort_by_key(turn);
    order
}

/// Where the checkpoint stands, or the beginning; refused where the lists in it are not those of these nets.
fn take_up(
    settings: &Settings,
    identity: Map<String, Value>,
    shapes: &[Shape],
    report: &mut dyn FnMut(Event) -> Result<()>,
) -> Result<Checkpoint> {
    let Some(path) = &settings.checkpoint else { return Ok(Checkpoint { identity, done: Vec::new(), state: None }) };
    let Some(checkpoint) = Checkpoint::read(path, &identity)? else {
        return Ok(Checkpoint { identity, done: Vec::new(), state: None });
    };
    if !checkpoint.fits(shapes) {
        return Err(Error::corrupt("its lists are not as long as those of the nets").at(path.display()));
    }
    let step = checkpoint.state.as_ref().map_or(0, |state| state.step);
    report(Event::Line(json!({"taken_up": path, "nets_done": checkpoint.done.len(), "step": step})))?;
    Ok(checkpoint)
}

/// What makes a training this one: all that its bytes depend on.
fn identity(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    start: &Start,
) -> Result<Map<String, Value>> {
    let Settings { name, steps, minutes, batch, rate, seed, n_draws, round_from, .. } = settings;
    let floats: Vec<u8> = start.floats.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
    let specs = Model { name: String::new(), hash: [0; 32], ..start.model.clone() };
    let identity = json!({
        "version": 1, "name": name, "steps": steps, "minutes": minutes, "batch": batch, "rate": rate, "seed": seed,
        "pool": n_draws, "round_from": round_from, "shown": format!("{:?}", training.shown),
        "nets": blake3::hash(&store(&specs)?).to_hex().as_str(), "from": blake3::hash(&floats).to_hex().as_str(),
        "kept": start.n_kept, "training_data": hash(training), "held_out_data": hash(validation),
    });
    // as a reader of the checkpoint will see the numbers
    let text = identity.to_string();
    serde_json::from_str(&text).map_err(|e| Error::argument(e.to_string()))
}

fn hash(corpus: &Corpus) -> String {
    let mut hash = blake3::Hasher::new();
    for frame in corpus.frames() {
        hash.update(format!("{}/{}\n", frame.class, frame.name).as_bytes());
        for plane in &frame.planes {
            hash.update(format!("{} {} {}\n", plane.h, plane.w, plane.max).as_bytes());
            hash.update(&plane.ints.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }
    }
    hash.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::corpus::CorpusKind;
    use crate::data::plane::{Frame, Plane, TILE};
    use crate::scratch::Scratch;

    /// Two classes, three frames of each.
    fn painted() -> (Corpus, Corpus) {
        let mut random = Random::new(7);
        let mut frame = |class: usize, i: usize| {
            let (h, w) = (TILE + i, TILE + 5);
            let int = |at: usize| (at % w / (3 + class)) as i32 + random.below(4 << class) as i32;
            let plane = Plane { h, w, ints: (0..h * w).map(int).collect(), max: 100 };
            Frame {
                class: class.to_string(),
                name: i.to_string(),
                camera: PathBuf::from(i.to_string()),
                planes: vec![plane],
            }
        };
        let classes = (0..2).map(|class| (class.to_string(), (0..3).map(|i| frame(class, i)).collect()));
        Corpus { classes: classes.collect(), shown: CorpusKind::Widened }.split()
    }

    /// Two draws at hand, so that rounds are over soon.
    fn tiny(checkpoint: Option<PathBuf>) -> Settings {
        let (name, device) = ("tiny".to_string(), Device::flex().autodiff());
        let (steps, batch, rate, seed, n_draws) = (24, 64, 3e-3, 5, 2);
        Settings { name, steps, minutes: None, batch, rate, seed, n_draws, round_from: 0.5, checkpoint, device }
    }

    fn start(seed: u64) -> Start {
        Start::fresh(Family::Lattice, Preset::from_name("fast").unwrap(), seed).unwrap()
    }

    /// The weights file, and the lines of the log.
    fn run(settings: &Settings, seed: u64) -> Result<(Vec<u8>, Vec<Value>)> {
        let (training, validation) = painted();
        let mut lines = Vec::new();
        let mut report = |event| {
            if let Event::Line(line) = event {
                lines.push(line);
            }
            Ok(())
        };
        let model = train(settings, (&training, &validation), &start(seed), &mut report)?;
        Ok((store(&model)?, lines))
    }

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_seed_others() {
        let (bytes, lines) = run(&tiny(None), 5).unwrap();
        assert_eq!(run(&tiny(None), 5).unwrap().0, bytes);
        assert_ne!(run(&tiny(None), 6).unwrap().0, bytes);
        assert_ne!(run(&Settings { seed: 6, ..tiny(None) }, 5).unwrap().0, bytes);
        let last = lines.iter().rfind(|line| line["way"] == 1.0).unwrap();
        assert_eq!((&last["pass"], &last["step"]), (&json!("rest"), &json!(12)));
        assert_eq!(last["held_out"]["classes"].as_object().unwrap().len(), 2);
        let best = last["best"]["bits"].as_f64().unwrap();
        assert!(lines.iter().filter(|line| line["part"] == 1 && line["held_out"]["average"].is_number()).all(|line| {
            ["weights", "average"].iter().all(|what| line["held_out"][what].as_f64().unwrap() >= best)
        }));
    }

    #[test]
    fn an_interrupted_training_ends_with_the_same_bytes() {
        let scratch = Scratch::new("interrupted");
        let whole = run(&tiny(None), 5).unwrap().0;
        let settings = tiny(Some(scratch.path("out.training")));
        let (training, validation) = painted();
        // at a line early and late in either net, each time from where the checkpoint stands
        for n_lines in [2, 9, 5, 3, 8, 2] {
            let mut n = 0;
            let mut report = |event| {
                n += usize::from(matches!(event, Event::Line(_)));
                if n > n_lines { Err(Error::argument("interrupted")) } else { Ok(()) }
            };
            let end = train(&settings, (&training, &validation), &start(5), &mut report);
            assert_eq!(end.map(drop).unwrap_err().message, "interrupted");
        }
        let (bytes, lines) = run(&settings, 5).unwrap();
        assert_eq!((&lines[0]["nets_done"], bytes), (&json!(1), whole.clone()));
        let (bytes, lines) = run(&settings, 5).unwrap();
        assert_eq!((lines.len(), &lines[0]["nets_done"], bytes), (1, &json!(2), whole), "a finished one does nothing");
    }

    #[test]
    fn a_checkpoint_is_not_taken_up_with_other_settings() {
        let scratch = Scratch::new("other-settings");
        let settings = tiny(Some(scratch.path("out.training")));
        run(&settings, 5).unwrap();
        for (other, seed, key) in [
            (Settings { steps: 26, ..settings.clone() }, 5, "'steps'"),
            (Settings { minutes: Some(1.0), ..settings.clone() }, 5, "'minutes'"),
            (Settings { rate: 2e-3, ..settings.clone() }, 5, "'rate'"),
            (settings.clone(), 6, "'from'"),
        ] {
            let error = run(&other, seed).map(drop).unwrap_err();
            assert!(error.message.contains(key), "{error}");
        }
    }

    #[test]
    fn nets_for_reference_planes_stand_behind_the_others_which_stay_as_they_are() {
        let plain = run(&tiny(None), 5).unwrap().0;
        let plain = collapsar::internals::weights::load(&plain).unwrap();
        let start = Start::with_refs(plain.clone(), 2).unwrap();
        let (training, validation) = painted();
        let model = train(&tiny(None), (&training, &validation), &start, &mut |_| Ok(())).unwrap();
        assert_eq!(model.parts[..2], plain.parts);
        assert_eq!(model.parts.iter().map(|p| p.net.spec().n_refs).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
        assert!((2..6).all(|i| model.parts[i] != start.model.parts[i]), "they have learned");
    }

    #[test]
    fn nets_that_nothing_can_be_drawn_for_stay_as_they_are() {
        let start = Start::with_refs(start(5).model, 1).unwrap();
        let start = Start { n_kept: 0, ..start };
        let (mut training, validation) = painted();
        training.shown = CorpusKind::Frames;
        let model = train(&tiny(None), (&training, &validation), &start, &mut |_| Ok(())).unwrap();
        assert_ne!(model.parts[..2], start.model.parts[..2]);
        assert_eq!(model.parts[2..], start.model.parts[2..]);
    }

    #[test]
    fn weights_of_another_preset_are_no_beginning() {
        let default = Start::fresh(Family::Lattice, Preset::from_name("default").unwrap(), 0).unwrap();
        assert!(start(0).with(default.model).is_err());
        assert!(start(0).with(start(1).model).is_ok());
    }
}
