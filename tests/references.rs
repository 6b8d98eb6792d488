//! What comments and documents refer to is there: the twin that a shader names, the section of a document.
//!
//! Each check is a function from text to sentences that say what is wrong; the last tests show it failing.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 4] = ["NUMERICS.md", "FORMAT.md", "ARCHITECTURE.md", "STYLE.md"];
const FOLDERS: [&str; 7] = ["src", "shaders", "tests", "benches", "models/src", "fuzz/src", "fuzz/fuzz_targets"];
/// A section of the FITS standard.
const ELSEWHERE: [(&str, &str); 1] = [("src/peers/rice.rs", "10.4.1")];
/// This file has wrong references in it.
const SELF: &str = "tests/references.rs";
/// The shaders' shared part that has no function: what their dispatches are told.
const WITHOUT_TWIN: &str = "shaders/net.wgsl";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("a readable folder").path());
    let mut paths: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect();
    paths.sort();
    paths
}

/// The path of every source and document, and its text.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = FOLDERS.iter().flat_map(|folder| below(&root.join(folder)));
    let sources = sources.filter(|path| path.extension().is_some_and(|e| e == "rs" || e == "wgsl"));
    let name = |path: PathBuf| path.strip_prefix(root).expect("it is below").to_string_lossy().replace('\\', "/");
    let names = sources.map(name).filter(|name| name != SELF).chain(DOCUMENTS.map(String::from));
    names.map(|name| (name.clone(), read(&name))).collect()
}

/// The text in one line, without what begins its comments.
fn flat(text: &str) -> String {
    let line = |line: &str| line.trim_start().trim_start_matches(['/', '!', '>']).trim().to_string();
    text.lines().map(line).collect::<Vec<String>>().join(" ")
}

/// Numbers and titles of a document's sections.
fn headings(document: &str) -> Vec<(String, String)> {
    let heading = |line: &str| {
        let title = line.strip_prefix("##")?.trim_start_matches('#').trim();
        let (number, title) = title.split_once(' ').unwrap_or((title, ""));
        Some((number.trim_end_matches('.').to_string(), title.split([':', '(']).next()?.trim().to_string()))
    };
    read(document).lines().filter_map(heading).collect()
}

/// The section that stands behind the word, by number or by title in quotes.
fn section(after: &str) -> Option<String> {
    if let Some(title) = after.strip_prefix('"') {
        return Some(title.split('"').next()?.to_string());
    }
    let number: String = after.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let number = number.trim_end_matches('.');
    (!number.is_empty()).then(|| number.to_string())
}

/// References to sections that no document has.
fn dangling(path: &str, text: &str) -> Vec<String> {
    let flat = flat(text);
    let mut wrong = Vec::new();
    for (at, word) in flat.match_indices("section ") {
        let Some(section) = section(&flat[at + word.len()..]) else { continue };
        if ELSEWHERE.contains(&(path, section.as_str())) {
            continue;
        }
        let (before, after) = (flat[..at].trim_end_matches([' ', ',']), &flat[at + word.len() + section.len()..]);
        let is_named = |name: &&&str| before.ends_with(**name) || after.starts_with(&format!(" of {name}"));
        let named = DOCUMENTS.iter().find(is_named).or(DOCUMENTS.iter().find(|name| **name == path));
        let documents = named.map_or(&DOCUMENTS[..2], std::slice::from_ref);
        let is_there = |document: &&str| headings(document).iter().any(|(n, t)| *n == section || *t == section);
        if !documents.iter().any(is_there) {
            wrong.push(format!("{path}: {} has no section {section}", documents.join(" or ")));
        }
    }
    wrong
}

/// Twins that are no functions of the code; a shader names one.
fn without_twin(path: &str, text: &str) -> Vec<String> {
    let flat = flat(text);
    let twins: Vec<&str> = flat.split("Twin: ").skip(1).collect();
    let mut wrong = Vec::new();
    for twin in &twins {
        let (file, after) = twin.split_once(", ").unwrap_or((twin, ""));
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let code = read(&format!("src/{file}"));
        if name.is_empty() || ![format!("fn {name}("), format!("fn {name}<")].iter().any(|f| code.contains(f)) {
            wrong
                .push(format!("{path}: there is no function '{name}' in src/{}", file.split(' ').next().unwrap_or("")));
        }
    }
    if path.ends_with(".wgsl") && path != WITHOUT_TWIN && twins.len() != 1 {
        wrong.push(format!("{path}: names {} twins", twins.len()));
    }
    wrong
}

fn assert_none(check: fn(&str, &str) -> Vec<String>) {
    let wrong: Vec<String> = files().iter().flat_map(|(path, text)| check(path, text)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_section_that_is_named_is_there() {
    assert!(files().iter().filter(|(_, text)| flat(text).contains("section ")).count() > 20);
    assert_none(dangling);
}

#[test]
fn every_shader_has_a_twin() {
    assert!(files().iter().filter(|(path, _)| path.ends_with(".wgsl")).count() > 15);
    assert_none(without_twin);
}

#[test]
fn a_reference_to_nothing_is_caught() {
    for (text, sentence) in [
        ("//! See NUMERICS.md,\n//! section 3.99.", "a.rs: NUMERICS.md has no section 3.99"),
        ("// FORMAT.md, section \"Array head\".", "a.rs: FORMAT.md has no section Array head"),
        ("\"section 99 of FORMAT.md should\"", "a.rs: FORMAT.md has no section 99"),
        ("// as section 3.99 says", "a.rs: NUMERICS.md or FORMAT.md has no section 3.99"),
    ] {
        assert_eq!(dangling("a.rs", text), [sentence], "{text}");
    }
    assert_eq!(dangling("NUMERICS.md", "(section 99)"), ["NUMERICS.md: NUMERICS.md has no section 99"]);
    for text in ["// NUMERICS.md, section 3.4.", "// FORMAT.md section \"HEAD\"", "let section = 3; // the section of"]
    {
        assert_eq!(dangling("a.rs", text), [""; 0], "{text}");
    }
}

#[test]
fn a_twin_that_is_not_there_is_caught() {
    for (text, sentence) in [
        ("// Twin: kernel/predict.rs, predicted.", "a.wgsl: there is no function 'predicted' in src/kernel/predict.rs"),
        ("// Twin: kernel/predicts.rs, predict.", "a.wgsl: there is no function 'predict' in src/kernel/predicts.rs"),
        ("// Twin: Plan::fill.", "a.wgsl: there is no function '' in src/Plan::fill."),
        ("// x", "a.wgsl: names 0 twins"),
    ] {
        assert_eq!(without_twin("a.wgsl", text), [sentence], "{text}");
    }
    assert_eq!(without_twin("a.wgsl", "// v. Twin:\n// kernel/predict.rs, predict.\nfn f() {}"), [""; 0]);
}
