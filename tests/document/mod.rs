//! The commands that documents show, and a folder in which they run as they stand there.
//!
//! A block of code without a language, or of `sh`, holds commands, one a line (`\` at its end goes on); other blocks name their language.
//! What no test can run says so where all can read it, `# not run: why`, and is counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A line that a document shows, with the place where it stands.
pub struct Shown {
    pub place: String,
    pub text: String,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs in a folder, in these words.
    Run(String),
    /// `.ci/run` has it.
    Ci,
    /// `# not run: why`
    Marked,
}

pub const NOT_RUN: &str = "# not run: ";
/// What may stand at the start of a line.
const KNOWN: [&str; 4] = ["collapsar", "models", "tar", "cmp"];
/// How the two binaries are run from the sources.
const CARGO_RUN: [(&str, &str); 3] = [
    ("cargo run --release -- ", "collapsar "),
    ("cargo run -p models --release -- ", "models "),
    ("cargo run --release -p models -- ", "models "),
];

/// README.md, models/README.md and the guides: name and text.
pub fn documents(root: &Path) -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_string(), "models/README.md".to_string()];
    let guides = fs::read_dir(root.join("docs")).into_iter().flatten().map(|e| e.unwrap().file_name());
    let mut guides: Vec<String> = guides.map(|name| format!("docs/{}", name.to_str().unwrap())).collect();
    guides.sort();
    // the guide of the filter is run by hdf5/tests/test_programs.py, with the programs of HDF5
    names.extend(guides.into_iter().filter(|name| name.ends_with(".md") && name != "docs/hdf5.md"));
    names.into_iter().map(|name| (name.clone(), fs::read_to_string(root.join(&name)).unwrap())).collect()
}

/// The lines of the blocks that hold commands.
pub fn shown(name: &str, text: &str) -> Vec<Shown> {
    let (mut language, mut out) = (None::<String>, Vec::<Shown>::new());
    let mut goes_on = false;
    for (line, n) in text.lines().zip(1..) {
        match (line.trim_start().strip_prefix("```"), &language) {
            (Some(_), Some(_)) => language = None,
            (Some(opened), None) => language = Some(opened.trim().to_string()),
            (None, Some(of)) if ["", "sh"].contains(&of.as_str()) && !line.trim().is_empty() => {
                let part = line.trim().trim_end_matches('\\');
                match out.last_mut().filter(|_| goes_on) {
                    Some(last) => last.text += part,
                    None => out.push(Shown { place: format!("{name}:{n}"), text: part.to_string() }),
                }
                goes_on = line.ends_with('\\');
            }
            _ => {}
        }
    }
    assert_eq!(language, None, "{name}: a block of code does not end");
    out
}

/// Code in running text that begins with one of our commands.
pub fn mentioned(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    let spans = outside.flat_map(|text| text.split('`').skip(1).step_by(2));
    spans.filter(|span| span.starts_with("collapsar ") || span.starts_with("cargo run ")).collect()
}

impl Shown {
    /// In the words of our binaries.
    pub fn by_binary(text: &str) -> String {
        let direct = CARGO_RUN.iter().find_map(|(cargo, ours)| Some(format!("{ours}{}", text.strip_prefix(cargo)?)));
        direct.unwrap_or_else(|| text.to_string())
    }

    pub fn fate(&self, ci: &str) -> Fate {
        let text = Shown::by_binary(&self.text);
        if text.contains(NOT_RUN) {
            return Fate::Marked;
        }
        if text.starts_with("cargo ") {
            let command = text.split('#').next().unwrap_or_default().trim();
            assert!(ci.contains(command), "{}: .ci/run has no `{command}`", self.place);
            return Fate::Ci;
        }
        let first = text.split_whitespace().next().unwrap_or_default();
        assert!(KNOWN.contains(&first), "{}: '{first}' is no command that a test knows", self.place);
        Fate::Run(text)
    }
}

/// A folder with what documents speak of, and the binaries on the path.
pub struct Sandbox {
    pub folder: TempDir,
    bin: TempDir,
}

impl Sandbox {
    pub fn new(binaries: &[(&str, PathBuf)]) -> Sandbox {
        let sandbox = Sandbox { folder: tempfile::tempdir().unwrap(), bin: tempfile::tempdir().unwrap() };
        for (name, path) in binaries {
            assert!(path.exists(), "{} is not built: cargo build --release", path.display());
            std::os::unix::fs::symlink(path, sandbox.bin.path().join(name)).unwrap();
        }
        sandbox
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs a line; what it printed.
    pub fn run(&self, place: &str, line: &str) -> String {
        let path = format!("{}:{}", self.bin.path().display(), std::env::var("PATH").unwrap_or_default());
        let mut bash = Command::new("bash");
        bash.args(["-o", "pipefail", "-c", line]).env("PATH", path).current_dir(self.folder.path());
        let output = bash.output().unwrap();
        let [said, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{place}: `{line}` ends with {}\n{said}\n{told}", output.status);
        said
    }

    /// Fails unless the help of a command in running text knows its verb and its options.
    pub fn knows(&self, document: &str, span: &str) {
        let text = Shown::by_binary(span);
        let mut words = text.split_whitespace();
        let program = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let verb = match rest.first().filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        {
            Some(verb) => verb,
            None if program == "collapsar" => "compress",
            None => "",
        };
        // a verb of several steps has a help for each
        let step = rest.get(1).filter(|word| verb == "batch" && !word.starts_with('-')).copied().unwrap_or_default();
        let help = self.run(document, &format!("{program} {verb} {step} --help"));
        for option in rest.iter().filter(|word| word.starts_with("--") && **word != "--help") {
            assert!(help.contains(option), "{document}: `{span}`: {program} {verb} has no {option}");
        }
    }
}

/// Noise, the same on every machine.
pub struct Noise(pub u32);

impl Noise {
    /// In 0..n.
    pub fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % n
    }
}

/// A frame of 16-bit ints: a slope, noise and a few stars.
pub fn fits(h: u32, w: u32, seed: u32) -> Vec<u8> {
    let card = |key: &str, value: &str| format!("{:<80}", format!("{key:<8}= {value:>20}"));
    let mut out = card("SIMPLE", "T") + &card("BITPIX", "16") + &card("NAXIS", "2");
    out += &(card("NAXIS1", &w.to_string()) + &card("NAXIS2", &h.to_string()) + &format!("{:<80}", "END"));
    let mut out = out.into_bytes();
    out.resize(2880, b' ');
    let mut noise = Noise(seed);
    for i in 0..h * w {
        let star = if noise.below(2000) == 0 { 3000 } else { 0 };
        let value = 1000 + i % w / 4 + noise.below(24) + noise.below(24) + star;
        out.extend((value as u16).to_be_bytes());
    }
    out.resize(out.len().next_multiple_of(2880), 0);
    out
}

/// A smooth field of floats, with a little noise.
pub fn npy(h: u32, w: u32, seed: u32) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({h}, {w}), }}");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(118u16.to_le_bytes());
    out.extend(format!("{header:<117}\n").bytes());
    let mut noise = Noise(seed);
    for i in 0..h * w {
        let (y, x) = ((i / w) as f32, (i % w) as f32);
        let value = 280.0 + (x * 0.05 + seed as f32).sin() * 10.0 + y * 0.02 + noise.below(100) as f32 * 1e-4;
        out.extend(value.to_le_bytes());
    }
    out
}
