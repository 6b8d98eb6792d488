//! What holds of every family's training: a seed gives the same bytes, also where it was interrupted and taken up.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::data::plane::{Frame, Plane, TILE};
use crate::net::deep::Plan;
use crate::net::device::device;
use crate::net::l3c;
use crate::net::preset::Preset;
use crate::net::vqae::Sizes;
use crate::random::Random;
use crate::scratch::Scratch;
use crate::train::log::{Event, Report};
use crate::train::settings::Settings;
use crate::train::start::Start;
use crate::train::vqae::Priors;
use crate::train::{cells, deep, l3c as together, vqae};
use burn::tensor::Device;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::{Family, Model};
use collapsar::internals::weights::{load, store};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Two classes, three frames of each: ramps with noise, or smooth fields.
fn synthetic(kind: CorpusKind) -> (Corpus, Corpus) {
    let mut random = Random::new(7);
    let mut frame = |class: usize, i: usize| {
        let (h, w) = (TILE + i, TILE + 5);
        let ramp = |at: usize, noise: usize| (at % w / (3 + class)) as i32 + noise as i32;
        let wave = |at: usize| 500_000.0 * (1.0 + ((at / w + i) as f64 * 0.05).sin() * ((at % w) as f64 * 0.07).cos());
        let int = |at: usize| match kind {
            CorpusKind::Fields => wave(at) as i32 + random.below(4000) as i32,
            _ => ramp(at, random.below(4 << class)),
        };
        let max = if kind == CorpusKind::Fields { 1 << 20 } else { 100 };
        let plane = Plane { h, w, ints: (0..h * w).map(int).collect(), max };
        let camera = PathBuf::from(i.to_string());
        Frame { class: class.to_string(), name: i.to_string(), camera, planes: vec![plane] }
    };
    let classes = (0..2).map(|class| (class.to_string(), (0..3).map(|i| frame(class, i)).collect()));
    Corpus { classes: classes.collect(), kind }.split()
}

/// Two draws at hand, so that rounds are over soon.
fn tiny(checkpoint: Option<PathBuf>) -> Settings {
    let (name, device) = ("tiny".to_string(), Device::flex().autodiff());
    let (steps, batch, rate, seed, n_draws) = (24, 64, 3e-3, 5, 2);
    Settings { name, steps, minutes: None, batch, rate, seed, n_draws, round_from: 0.5, checkpoint, device }
}

fn start(family: Family, seed: u64) -> Start {
    Start::fresh(family, Preset::from_name("fast").unwrap(), seed).unwrap()
}

fn train(family: Family, settings: &Settings, report: &mut Report) -> Result<Model> {
    let kind = if family == Family::Vqae { CorpusKind::Fields } else { CorpusKind::Widened };
    let (training, validation) = synthetic(kind);
    let corpora = (&training, &validation);
    match family {
        Family::PixelcnnDeep => {
            let spec = Preset::from_name("fast").unwrap().specs(family).remove(0);
            deep::train(settings, corpora, &Plan::blocks(spec, 8, 1), report)
        }
        Family::L3c => together::train(settings, corpora, &l3c::Plan::usual(), report),
        Family::Vqae => {
            let sizes = Sizes { n_top: 4, n_bottom: 6, width: 4, hidden: 8, frequency: 0.1 };
            vqae::train(settings, corpora, (sizes, Priors { steps: 12, n_blocks: 40 }), report)
        }
        _ => cells::train(settings, corpora, &start(family, 5), report),
    }
}

/// The weights file, and the lines of the log.
fn run(family: Family, settings: &Settings) -> Result<(Vec<u8>, Vec<Value>)> {
    let mut lines = Vec::new();
    let mut report = |event| {
        if let Event::Line(line) = event {
            lines.push(line);
        }
        Ok(())
    };
    let model = train(family, settings, &mut report)?;
    Ok((store(&model)?, lines))
}

/// Interrupts a training at many lines, each time from where the checkpoint stands; it ends as one that ran through.
fn resumes(family: Family) {
    let scratch = Scratch::new(family.name());
    // of a vqae the interruptions reach its priors, too
    let steps = if family == Family::Vqae { 8 } else { 24 };
    // so high that the last steps count
    let rate = 0.2;
    let whole = run(family, &Settings { steps, rate, ..tiny(None) }).unwrap().0;
    let half = run(family, &Settings { steps: steps / 2, rate, ..tiny(None) }).unwrap().0;
    // a vqae keeps the nets of its first steps here, so that only its priors are held against each other
    let counts = half != whole || family == Family::Vqae;
    assert!(counts, "{}: what is kept is of the first steps, so nothing below could fail", family.name());
    let settings = Settings { steps, rate, ..tiny(Some(scratch.path("out.training"))) };
    for n_lines in [2, 9, 5, 3, 8, 2] {
        let mut n = 0;
        let mut report = |event| {
            n += usize::from(matches!(event, Event::Line(_)));
            if n > n_lines { Err(Error::argument("interrupted")) } else { Ok(()) }
        };
        let end = train(family, &settings, &mut report);
        assert_eq!(end.map(drop).unwrap_err().message, "interrupted");
    }
    let (bytes, lines) = run(family, &settings).unwrap();
    assert!(lines[0]["nets_done"] != 0 || lines[0]["step"].as_u64() > Some(3), "{}", lines[0]);
    assert!(bytes == whole, "{}: taken up at {}, it gave other bytes", family.name(), lines[0]);
    let (bytes, lines) = run(family, &settings).unwrap();
    assert!((lines.len(), bytes) == (1, whole), "a finished one does nothing");
}

#[test]
fn an_interrupted_pixelcnn_ends_with_the_same_bytes() {
    resumes(Family::Pixelcnn);
}

#[test]
fn an_interrupted_lattice_ends_with_the_same_bytes() {
    resumes(Family::Lattice);
}

#[test]
fn an_interrupted_flow_ends_with_the_same_bytes() {
    resumes(Family::Idf);
}

#[test]
fn an_interrupted_deep_net_ends_with_the_same_bytes() {
    resumes(Family::PixelcnnDeep);
}

#[test]
fn an_interrupted_l3c_ends_with_the_same_bytes() {
    resumes(Family::L3c);
}

#[test]
fn an_interrupted_ladder_ends_with_the_same_bytes() {
    resumes(Family::Vdm);
}

#[test]
fn an_interrupted_vqae_ends_with_the_same_bytes() {
    resumes(Family::Vqae);
}

#[test]
fn another_seed_gives_other_bytes() {
    for family in [Family::Lattice, Family::PixelcnnDeep, Family::Vqae] {
        let settings = Settings { steps: 4, ..tiny(None) };
        let bytes = run(family, &settings).unwrap().0;
        assert!(run(family, &Settings { seed: 6, ..settings }).unwrap().0 != bytes, "{}", family.name());
    }
}

#[test]
fn what_is_kept_did_best_on_what_is_held_out() {
    let lines = run(Family::Lattice, &tiny(None)).unwrap().1;
    let last = lines.iter().rfind(|line| line["way"] == 1.0).unwrap();
    assert_eq!((&last["pass"], &last["step"]), (&json!("rest"), &json!(12)));
    assert_eq!(last["held_out"]["classes"].as_object().unwrap().len(), 2);
    let best = last["best"]["bits"].as_f64().unwrap();
    assert!(
        lines
            .iter()
            .filter(|line| line["part"] == 1 && line["held_out"]["average"].is_number())
            .all(|line| { ["weights", "average"].iter().all(|what| line["held_out"][what].as_f64().unwrap() >= best) })
    );
}

#[test]
fn a_checkpoint_is_not_taken_up_with_other_settings() {
    let scratch = Scratch::new("other-settings");
    let settings = tiny(Some(scratch.path("out.training")));
    run(Family::Lattice, &settings).unwrap();
    for (other, family, key) in [
        (Settings { steps: 26, ..settings.clone() }, Family::Lattice, "'steps'"),
        (Settings { minutes: Some(1.0), ..settings.clone() }, Family::Lattice, "'minutes'"),
        (Settings { rate: 2e-3, ..settings.clone() }, Family::Lattice, "'rate'"),
        (settings.clone(), Family::Pixelcnn, "'from'"),
        (settings.clone(), Family::PixelcnnDeep, "'family'"),
    ] {
        let error = run(family, &other).map(drop).unwrap_err();
        assert!(error.message.contains(key), "{error}");
    }
}

#[test]
fn nets_for_reference_planes_stand_behind_the_others_which_stay_as_they_are() {
    let plain = load(&run(Family::Lattice, &tiny(None)).unwrap().0).unwrap();
    let start = Start::with_refs(plain.clone(), 2).unwrap();
    let (training, validation) = synthetic(CorpusKind::Widened);
    let model = cells::train(&tiny(None), (&training, &validation), &start, &mut |_| Ok(())).unwrap();
    assert_eq!(model.nets[..2], plain.nets);
    assert_eq!(model.nets.iter().map(|p| p.net.spec().n_refs).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
    assert!((2..6).all(|i| model.nets[i] != start.model.nets[i]), "they have learned");
}

#[test]
fn nets_that_nothing_can_be_drawn_for_stay_as_they_are() {
    let start = Start::with_refs(start(Family::Lattice, 5).model, 1).unwrap();
    let start = Start { n_kept: 0, ..start };
    let (mut training, validation) = synthetic(CorpusKind::Widened);
    training.kind = CorpusKind::Frames;
    let model = cells::train(&tiny(None), (&training, &validation), &start, &mut |_| Ok(())).unwrap();
    assert_ne!(model.nets[..2], start.model.nets[..2]);
    assert_eq!(model.nets[2..], start.model.nets[2..]);
}

#[test]
fn weights_of_another_preset_are_no_beginning() {
    let default = Start::fresh(Family::Lattice, Preset::from_name("default").unwrap(), 0).unwrap();
    assert!(start(Family::Lattice, 0).with(default.model).is_err());
    assert!(start(Family::Lattice, 0).with(start(Family::Lattice, 1).model).is_ok());
}

/// The GPU that burn finds; without one a sentence, or a failure where one is required.
fn gpu() -> Option<Device> {
    let found = match cfg!(feature = "wgpu") {
        true => device().map_err(|e| e.message),
        false => Err("built without the feature wgpu".to_string()),
    };
    let required = std::env::var("COLLAPSAR_REQUIRE_GPU").is_ok_and(|v| v == "1");
    match found {
        Ok(device) => Some(device),
        Err(why) if required => panic!("COLLAPSAR_REQUIRE_GPU=1, and {why}"),
        Err(why) => {
            println!("skipped, nothing was trained on a GPU: {why}");
            None
        }
    }
}

#[test]
fn a_gpu_trains_and_the_loss_falls() {
    let Some(device) = gpu() else { return };
    let settings = Settings { steps: 20, batch: 512, rate: 3e-2, device, ..tiny(None) };
    let lines = run(Family::Pixelcnn, &settings).unwrap().1;
    let judged: Vec<f64> = lines.iter().filter_map(|line| line["held_out"]["weights"].as_f64()).collect();
    let (first, last) = (judged[0], judged[judged.len() - 1]);
    assert!(judged.len() == 21 && last < first - 0.01, "bits per held-out cell: {judged:?}");
}
