//! What models/README.md and the guides about training show runs as it stands there, on small data and for a few steps.

#![cfg(unix)]

#[path = "../../tests/document/mod.rs"]
mod document;

use document::{Fate, Sandbox, documents, fits, mentioned, npy, shown};
use std::path::{Path, PathBuf};

/// What stands for the caller's own files and folders.
const PLACES: [(&str, &str); 5] = [
    ("DIR", "data"),
    ("NIGHT", "data/ccd"),
    ("FOLDER", "matrix"),
    ("A", "weights/pixelcnn-fast-1.safetensors"),
    ("B", "weights/lattice-fast-1.safetensors"),
];
/// How long trainings are here, whatever the documents say.
const SHORT: [(&str, &str); 7] = [
    ("train", "--steps 2 --batch 128 --pool 2"),
    ("deep", "--steps 2 --batch 128 --pool 2"),
    ("l3c", "--steps 2 --batch 128 --pool 2"),
    ("vqae", "--steps 2 --prior 1 --batch 128 --pool 2"),
    ("finetune", "--steps 2 --batch 128 --pool 2"),
    ("matrix", "--steps 2 --batch 128 --pool 2"),
    ("eval", "--tiles 1"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Two classes of frames and one of fields, enough of each that a fifth is held out; and the weights that are built in.
fn sandbox() -> Sandbox {
    let models = PathBuf::from(env!("CARGO_BIN_EXE_models"));
    let sandbox = Sandbox::new(&[("collapsar", models.with_file_name("collapsar")), ("models", models)]);
    for seed in 0..6 {
        sandbox.write(&format!("data/ccd/{seed}.fits"), &fits(128, 160, seed + 1));
        sandbox.write(&format!("data/cmos/{seed}.fits"), &fits(136, 128, seed + 100));
        sandbox.write(&format!("data/fields/{seed}.npy"), &npy(128, 192, seed + 1));
    }
    std::os::unix::fs::symlink(root().join("weights"), sandbox.folder.path().join("weights")).unwrap();
    sandbox
}

/// The line with places for placeholders and an early end.
fn shortened(command: &str) -> String {
    let command = command.split('#').next().unwrap_or_default();
    let place = |word: &str| PLACES.iter().find(|(name, _)| *name == word).map_or(word, |(_, path)| path).to_string();
    let mut words: Vec<String> = command.split_whitespace().map(place).collect();
    let Some((_, short)) = SHORT.iter().find(|(verb, _)| words[0] == "models" && words[1] == *verb) else {
        return words.join(" ");
    };
    while let Some(at) = words.iter().position(|word| ["--steps", "--minutes", "--tiles"].contains(&word.as_str())) {
        words.drain(at..at + 2);
    }
    format!("{} {short}", words.join(" "))
}

#[test]
fn commands_about_training_run_as_they_are_written() {
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    let mut n_run = 0;
    for (name, text) in documents(&root()) {
        let lines = shown(&name, &text);
        let sandbox = sandbox();
        for line in lines.iter().filter(|_| lines.iter().any(|line| line.text.contains("-p models"))) {
            if let Fate::Run(command) = line.fate(&ci) {
                sandbox.run(&line.place, &shortened(&command));
                n_run += 1;
            }
        }
        let spans =
            mentioned(&text).into_iter().filter(|span| span.contains("-p models") || name.starts_with("models"));
        spans.for_each(|span| sandbox.knows(&name, span));
    }
    assert!(n_run >= 9, "{n_run}");
}

#[test]
fn lines_are_shortened_and_nothing_else_of_them_changes() {
    assert_eq!(
        shortened("models vqae --data DIR --minutes 12 --log w.jsonl # long"),
        "models vqae --data data --log w.jsonl --steps 2 --prior 1 --batch 128 --pool 2"
    );
    assert_eq!(shortened("models table --data DIR --files 4"), "models table --data data --files 4");
}
