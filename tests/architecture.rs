//! The tables and laws of ARCHITECTURE.md, read from the document and held against the source text.
//!
//! Each check is a function from text to sentences that say what law is broken where; the last tests show every one of them
//! failing on a made-up violation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");
const MANIFEST: &str = include_str!("../Cargo.toml");

/// Rooms where no float may stand, beside the shaders.
const INTEGER_ROOMS: [&str; 13] = [
    "denoise",
    "kernel",
    "net",
    "gpu",
    "grid",
    "device",
    "model",
    "weights",
    "entropy",
    "text",
    "tile",
    "codec",
    "container",
];
/// wgpu takes override constants as f64; a quotient of floats is put right, and a test compares it with the integers'.
const ALLOWED_FLOATS: [(&str, &str); 2] = [("src/gpu/queue.rs", "f64"), ("src/kernel/fast/rans.rs", "f64")];
/// One key goes through it, and only where weights are stored.
const HASH_MAPS: [&str; 1] = ["src/weights/store.rs"];

/// The trainer's rooms: each may name those before it.
const TRAINER: [&str; 6] = ["random", "data", "net", "train", "measure", "verb"];

/// A source file: its path from the root, its module, its room, its words.
struct File {
    path: String,
    module: Vec<String>,
    room: String,
    words: Vec<String>,
}

impl File {
    fn new(path: &str, text: &str) -> File {
        let inside = path.trim_start_matches("models/").trim_start_matches("src/");
        let module = inside.trim_end_matches(".rs").trim_end_matches("/mod").split('/');
        let module: Vec<String> = module.map(str::to_string).collect();
        File { path: path.to_string(), room: room_of(&module), module, words: words(&code(text)) }
    }

    /// Whether it lies in a room, or in a sub-room of it.
    fn is_in(&self, room: &str) -> bool {
        self.room.split('/').next() == Some(room)
    }

    /// Words that stand before `::` or behind `use`.
    fn names(&self) -> BTreeSet<&str> {
        let pairs = self.words.windows(2);
        let name = |w: &'_ [String]| match (w[0].as_str(), w[1].as_str()) {
            (_, "::") => Some(0),
            ("use", _) => Some(1),
            _ => None,
        };
        pairs.filter_map(|w| name(w).map(|i| w[i].as_str())).collect()
    }

    /// Everything of the crate that is named, from the crate's root on: `crate::…`, `super::…`, and each item of a group.
    fn paths(&self) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        for i in 0..self.words.len() {
            let starts = ["crate", "super"].contains(&self.words[i].as_str());
            if starts && (i == 0 || self.words[i - 1] != "::") {
                expand(&self.words, i, self.module.clone(), &mut out);
            }
        }
        out
    }

    /// The rooms named.
    fn rooms(&self) -> BTreeSet<String> {
        self.paths().iter().filter(|path| !path.is_empty()).map(|path| room_of(path)).collect()
    }
}

/// The room of a module: the longest row of the table that it lies in; without one, the first of its names.
fn room_of(module: &[String]) -> String {
    let rows = rooms();
    let longest = (1..=module.len()).rev().map(|n| module[..n].join("/")).find(|room| rows.contains_key(room.as_str()));
    longest.unwrap_or(module[0].clone())
}

/// The paths that begin at word `i` and stand in `place`; returns the word behind them.
fn expand(words: &[String], mut i: usize, mut place: Vec<String>, out: &mut Vec<Vec<String>>) -> usize {
    loop {
        match words.get(i).map_or("", String::as_str) {
            "crate" => place.clear(),
            "super" => _ = place.pop(),
            "self" => {}
            "{" => {
                i += 1;
                while words.get(i).is_some_and(|word| word != "}") {
                    let behind = expand(words, i, place.clone(), out);
                    i = if behind == i || words.get(behind).is_some_and(|word| word == ",") {
                        behind + 1
                    } else {
                        behind
                    };
                }
                return i + 1;
            }
            name if name.starts_with(is_word) => place.push(name.to_string()),
            _ => return i,
        }
        i += 1;
        if words.get(i).is_none_or(|word| word != "::") {
            out.push(place);
            // `as another`
            return if words.get(i).is_some_and(|word| word == "as") { i + 2 } else { i };
        }
        i += 1;
    }
}

/// Which file names which. A folder's `mod.rs` stands for what lies in it: it names all of that, and what lies in it may name it back.
fn graph(files: &[File]) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let named = |file: &File| {
        let nearest = |path: &Vec<String>| {
            let module = (1..=path.len()).rev().map(|n| &path[..n]).find(|module| modules.contains(module))?;
            (!module.starts_with(&file.module) && !file.module.starts_with(module)).then(|| module.join("::"))
        };
        let inside = modules.iter().filter(|module| module.split_last().is_some_and(|(_, above)| above == file.module));
        let named = file.paths().iter().filter_map(nearest).chain(inside.map(|module| module.join("::"))).collect();
        (file.module.join("::"), named)
    };
    files.iter().map(named).collect()
}

/// A way that leads back to where it began, if there is one.
fn circle(mut edges: BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    loop {
        let before = edges.len();
        let there: BTreeSet<String> = edges.keys().cloned().collect();
        edges.values_mut().for_each(|to| to.retain(|other| there.contains(other)));
        edges.retain(|_, to| !to.is_empty());
        if edges.len() == before {
            break;
        }
    }
    let mut way = vec![edges.keys().next()?.clone()];
    loop {
        let next = edges[way.last()?].first()?.clone();
        if let Some(start) = way.iter().position(|name| *name == next) {
            way.push(next);
            return Some(way[start..].join(" → "));
        }
        way.push(next);
    }
}

/// The text without comments, strings, characters and modules of tests.
fn code(text: &str) -> String {
    let text = match text.split_once("#[cfg(test)]\nmod tests {").or(text.split_once("#[cfg(test)]\npub mod tests {")) {
        Some((before, _)) => before,
        None => text,
    };
    let t: Vec<char> = text.chars().collect();
    let at = |i: usize| t.get(i).copied().unwrap_or(' ');
    let (mut out, mut i) = (String::new(), 0);
    while i < t.len() {
        let raw = (at(i) == 'r' && !is_word(at(i.wrapping_sub(1)))).then(|| raw_string(&t[i..])).flatten();
        if let Some(n) = raw {
            i += n;
        } else if (at(i), at(i + 1)) == ('/', '/') {
            i += t[i..].iter().take_while(|&&c| c != '\n').count();
        } else if (at(i), at(i + 1)) == ('/', '*') {
            let end = (i + 2..t.len()).find(|&j| (at(j), at(j + 1)) == ('*', '/'));
            i = end.map_or(t.len(), |j| j + 2);
        } else if at(i) == '"' || (at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'')) {
            i = quoted(&t, i);
            out.push_str(" \"\" ");
        } else {
            out.push(at(i));
            i += 1;
        }
    }
    out
}

/// The length of a raw string that begins here.
fn raw_string(t: &[char]) -> Option<usize> {
    let n = t[1..].iter().take_while(|&&c| c == '#').count();
    let ends = |j: usize| t[j] == '"' && t[j + 1..].iter().take_while(|&&c| c == '#').count() >= n;
    (t.get(1 + n) == Some(&'"')).then(|| (n + 2..t.len()).find(|&j| ends(j)).map_or(t.len(), |j| j + 1 + n))
}

/// Behind the quote that ends what begins at `i`.
fn quoted(t: &[char], i: usize) -> usize {
    let mut j = i + 1;
    while j < t.len() && t[j] != t[i] {
        j += if t[j] == '\\' { 2 } else { 1 };
    }
    j + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Names and numbers whole, `::` and `..` as one, everything else by the character; a number takes its point along.
fn words(code: &str) -> Vec<String> {
    let t: Vec<char> = code.chars().collect();
    let at = |i: usize| t.get(i).copied().unwrap_or(' ');
    let mut out: Vec<String> = Vec::new();
    let mut i = 0;
    while i < t.len() {
        let start = i;
        if is_word(t[i]) {
            let of_tuple = out.last().is_some_and(|w| w == ".");
            while is_word(at(i)) {
                i += 1;
            }
            if t[start].is_ascii_digit() && !of_tuple && at(i) == '.' && !at(i + 1).is_alphabetic() && at(i + 1) != '.'
            {
                i += 1;
                while is_word(at(i)) {
                    i += 1;
                }
            }
        } else {
            i += if (t[i] == ':' || t[i] == '.') && at(i + 1) == t[i] { 2 } else { 1 };
        }
        if !t[start].is_whitespace() {
            out.push(t[start..i].iter().collect());
        }
    }
    out
}

fn is_float(word: &str) -> bool {
    let number = word.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with("0x") && !word.starts_with("0b");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let exponent = number && word.split_once(['e', 'E']).is_some_and(|(m, e)| digits(m) && digits(e));
    let vector = ["vec2f", "vec3f", "vec4f", "vec2h", "vec3h", "vec4h"].contains(&word);
    let named = ["f16", "f32", "f64"].iter().any(|f| word == *f || word.ends_with(&format!("_{f}")));
    let suffixed = number && (word.ends_with("f32") || word.ends_with("f64") || word.ends_with(['f', 'h']));
    vector || named || suffixed || exponent || (number && word.contains('.'))
}

/// The rows of a table of ARCHITECTURE.md, from the first cell to the words in backquotes of the second.
fn table(first_row: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let (_, after) = ARCHITECTURE.split_once(first_row).expect("ARCHITECTURE.md has this table");
    let rows = after.lines().skip(2).take_while(|l| l.starts_with('|'));
    let row = |line: &'static str| {
        let mut cells = line.split('|').skip(1);
        let name = cells.next().unwrap_or_default().trim().trim_matches('`');
        let list = cells.next().unwrap_or_default().trim();
        (name, list.split(',').map(|w| w.trim().trim_matches('`')).filter(|w| !w.is_empty()).collect())
    };
    rows.map(row).collect()
}

fn rooms() -> BTreeMap<&'static str, Vec<&'static str>> {
    table("| room | may name | what it is |")
}

fn crates() -> BTreeMap<&'static str, Vec<&'static str>> {
    table("| crate | rooms | what for |")
}

const DOORS: [&str; 3] = ["lib", "internals", "main"];

fn layering(file: &File) -> Vec<String> {
    let rooms = rooms();
    let File { path, room, .. } = file;
    if DOORS.contains(&room.as_str()) {
        return Vec::new();
    }
    let Some(allowed) = rooms.get(room.as_str()) else {
        return vec![format!("{path}: the room '{room}' has no row in ARCHITECTURE.md")];
    };
    let may = |other: &str| other == room || allowed.contains(&other) || allowed.contains(&"everything");
    let sentence = |other| format!("{path}: the room '{room}' may not name '{other}' (ARCHITECTURE.md, section 2)");
    file.rooms().into_iter().filter(|other| !may(other)).map(sentence).collect()
}

/// What a file of the trainer names that it may not.
fn trainer(file: &File) -> Vec<String> {
    let place = |room: &str| TRAINER.iter().position(|name| *name == room);
    let File { path, module, .. } = file;
    if ["main", "scratch"].contains(&module[0].as_str()) {
        return Vec::new();
    }
    let Some(mine) = place(&module[0]) else { return vec![format!("{path}: the trainer has no room '{}'", module[0])] };
    let named: BTreeSet<String> = file.paths().into_iter().filter_map(|path| path.first().cloned()).collect();
    let above = named.iter().filter(|room| place(room).is_none_or(|theirs| theirs > mine));
    above.map(|room| format!("{path}: the trainer's room '{}' may not name '{room}'", TRAINER[mine])).collect()
}

fn walls(file: &File) -> Vec<String> {
    let File { path, .. } = file;
    let mut wrong = Vec::new();
    for name in file.names() {
        let of = crates().into_iter().find(|(krate, _)| krate.replace('-', "_") == name);
        if let Some((krate, owners)) = of
            && !owners.iter().any(|owner| file.is_in(owner))
        {
            wrong.push(format!("{path}: only {owners:?} may name the crate {krate} (ARCHITECTURE.md, section 5)"));
        }
        if name == "burn" || name.starts_with("burn_") {
            wrong.push(format!("{path}: the codec may not name {name}; floats are trained in models/"));
        }
    }
    for (i, word) in file.words.iter().enumerate() {
        let is_macro = file.words.get(i + 1).is_some_and(|w| w == "!");
        let prints = is_macro && ["println", "print", "eprintln", "eprint", "dbg"].contains(&word.as_str());
        if prints && !file.is_in("cli") && !file.is_in("main") {
            wrong.push(format!("{path}: only the room 'cli' prints, not {word}!"));
        }
        if word == "unsafe" && !path.starts_with("src/kernel/fast") {
            wrong.push(format!("{path}: unsafe lives in src/kernel/fast only"));
        }
        if (word == "HashMap" || word == "HashSet") && !file.is_in("cli") && !HASH_MAPS.contains(&path.as_str()) {
            wrong.push(format!("{path}: the order of a {word} might reach bytes; use a BTreeMap or a Vec"));
        }
    }
    wrong
}

fn floats(file: &File) -> Vec<String> {
    let File { path, .. } = file;
    if !INTEGER_ROOMS.iter().any(|room| file.is_in(room)) && !path.starts_with("shaders/") {
        return Vec::new();
    }
    let wrong = |w: &&String| is_float(w) && !ALLOWED_FLOATS.contains(&(path.as_str(), w.as_str()));
    let sentence = |word| format!("{path}: integers decide bits, and '{word}' is a float (ARCHITECTURE.md, law 2)");
    file.words.iter().filter(wrong).map(sentence).collect()
}

fn below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("a readable folder").path()).collect();
    paths.sort();
    let inside = |path: PathBuf| match path.is_dir() {
        true => below(&path, ending),
        false => vec![path],
    };
    paths.into_iter().flat_map(inside).filter(|p| p.extension().is_some_and(|e| e == ending)).collect()
}

/// All files of a folder but tests.
fn files(folder: &str, ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("it is below the root").to_str().expect("sources have plain names");
        File::new(&name.replace('\\', "/"), &fs::read_to_string(&path).expect("a source can be read"))
    };
    let paths = below(&root.join(folder), ending).into_iter();
    paths.filter(|p| p.file_stem().is_none_or(|s| s != "tests")).map(file).collect()
}

fn assert_none(files: &[File], check: fn(&File) -> Vec<String>) {
    assert!(!files.is_empty(), "there is nothing to check");
    let wrong: Vec<String> = files.iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    assert_none(&files("src", "rs"), layering);
}

#[test]
fn the_table_of_rooms_has_no_circle() {
    let row = |(room, names): (&str, Vec<&str>)| (room.to_string(), names.iter().map(|n| n.to_string()).collect());
    assert_eq!(circle(rooms().into_iter().map(row).collect()), None);
}

#[test]
fn no_file_names_one_that_leads_back_to_it() {
    assert_eq!(circle(graph(&files("src", "rs"))), None);
}

#[test]
fn the_trainer_has_no_circle_among_rooms_or_files() {
    let files = files("models/src", "rs");
    assert_none(&files, trainer);
    assert_eq!(circle(graph(&files)), None);
}

#[test]
fn walls_stand() {
    assert_none(&files("src", "rs"), walls);
}

#[test]
fn integer_rooms_and_shaders_hold_no_float() {
    assert_none(&files("src", "rs"), floats);
    files("shaders", "wgsl").iter().for_each(|shader| assert_eq!(floats(shader), [""; 0]));
}

#[test]
fn every_dependency_has_a_row_and_a_reason() {
    let (mut in_section, mut names) = (false, Vec::new());
    for line in MANIFEST.lines() {
        match line.split_once('=') {
            _ if line.starts_with('[') => in_section = line.ends_with("dependencies]") && !line.contains("dev-"),
            Some((name, _)) if in_section => names.push(name),
            _ => {}
        }
    }
    let every_kind = ["wgpu ", "rustix ", "ctrlc ", "cc "];
    assert!(every_kind.iter().all(|name| names.contains(name)), "all kinds of dependencies are read: {names:?}");
    for name in names {
        assert!(
            crates().contains_key(name.trim()),
            "the crate {} has no row in ARCHITECTURE.md, section 5",
            name.trim()
        );
    }
}

#[test]
fn the_table_of_rooms_has_no_ghosts() {
    let there: BTreeSet<String> = files("src", "rs").into_iter().map(|f| f.room).collect();
    for room in rooms().keys() {
        assert!(there.contains(*room), "ARCHITECTURE.md has a row for the room '{room}', src/ has no such room");
    }
}

#[test]
fn a_room_that_looks_up_is_caught() {
    for text in ["use crate::codec::a;", "use crate::{error::Error, codec::{a, b}};", "fn f() { crate::codec::f() }"] {
        let wrong = layering(&File::new("src/kernel/log2.rs", text));
        assert_eq!(wrong, ["src/kernel/log2.rs: the room 'kernel' may not name 'codec' (ARCHITECTURE.md, section 2)"]);
    }
    assert_eq!(layering(&File::new("src/wat.rs", "")), ["src/wat.rs: the room 'wat' has no row in ARCHITECTURE.md"]);
    let fine =
        "// crate::codec\nuse crate::{error::{Error, Result}, net::Net};\n#[cfg(test)]\nmod tests {\nuse crate::codec;";
    assert_eq!(layering(&File::new("src/kernel/log2.rs", fine)), [""; 0]);
}

#[test]
fn a_sub_room_is_a_room_of_its_own() {
    let search = |path: &str| layering(&File::new(path, "use crate::codec::search::choose::choose;")).len();
    assert_eq!(search("src/codec/file/encode.rs"), 0);
    assert_eq!(search("src/codec/array/head.rs"), 1);
    let wrong =
        layering(&File::new("src/codec/array/head.rs", "use super::super::file::{archive::{Archive}, encode};"));
    assert_eq!(
        wrong,
        ["src/codec/array/head.rs: the room 'codec/array' may not name 'codec/file' (ARCHITECTURE.md, section 2)"]
    );
    let verb = |path: &str| layering(&File::new(path, "use crate::cli::verb::eval;")).len();
    assert_eq!((verb("src/cli/mod.rs"), verb("src/cli/talk/print.rs"), verb("src/cli/args/mod.rs")), (0, 1, 1));
}

#[test]
fn a_circle_is_caught() {
    let file = |name: &str, text: &str| File::new(&format!("src/{name}.rs"), text);
    let mut all = vec![
        file("a/mod", "pub mod one; use one::f; pub mod two;"),
        file("a/one", "use super::{g, two::{self, h as other}};"),
        file("a/two", "use crate::{b, error::Error};"),
        file("b", "fn f() -> crate::c::C { }"),
        file("c", "// crate::a::one\n#[cfg(test)]\nmod tests { use crate::a::one; }"),
    ];
    assert_eq!(circle(graph(&all)), None);
    all[4] = file("c", "use crate::{d, a::{one::{Thing, Other}}};");
    assert_eq!(circle(graph(&all)).unwrap(), "a::one → a::two → b → c → a::one");
    all[4] = file("c", "use super::a::two;");
    assert_eq!(circle(graph(&all)).unwrap(), "a::two → b → c → a::two");
    all[4] = file("c", "use crate::a::f;");
    assert_eq!(circle(graph(&all)).unwrap(), "a → a::one → a::two → b → c → a");
}

#[test]
fn a_room_of_the_trainer_that_looks_up_is_caught() {
    let file = |path: &str, text: &str| File::new(&format!("models/src/{path}.rs"), text);
    assert_eq!(trainer(&file("train/run", "use crate::net::head::Head; use crate::{data, random::Random};")), [""; 0]);
    let wrong = trainer(&file("data/pool", "use crate::{random::Random, train::{run::Stage}};"));
    assert_eq!(wrong, ["models/src/data/pool.rs: the trainer's room 'data' may not name 'train'"]);
    assert_eq!(trainer(&file("tools/pool", "")), ["models/src/tools/pool.rs: the trainer has no room 'tools'"]);
    let two = [file("data/pool", "use super::sample::Cells;"), file("data/sample", "use crate::data::pool::Items;")];
    assert_eq!(circle(graph(&two)).unwrap(), "data::pool → data::sample → data::pool");
}

#[test]
fn a_hole_in_a_wall_is_caught() {
    for (path, text) in [
        ("src/codec/a.rs", "use wgpu::Buffer;"),
        ("src/gpu/a.rs", "let c = constriction::stream::f();"),
        ("src/codec/a.rs", "use burn::tensor;"),
        ("src/codec/a.rs", "println!(\"{x}\");"),
        ("src/kernel/a.rs", "unsafe { f() }"),
        ("src/codec/a.rs", "use std::collections::HashMap;"),
    ] {
        assert_eq!(walls(&File::new(path, text)).len(), 1, "{text}");
    }
    let fine = "let s = \"unsafe println!\"; let c = '\"'; /* wgpu:: */ let r = r#\"use wgpu::x \"unsafe\" \"#; let l: &'static str;";
    assert_eq!(walls(&File::new("src/codec/a.rs", fine)), [""; 0]);
}

#[test]
fn a_float_is_caught_in_every_spelling() {
    for text in ["f32", "x as f64", "1.0", "2.", "1e6", "1_f32", "t.as_secs_f64()", "0.5f", "vec4f(a)", "3f", "1.5e3"] {
        assert!(!floats(&File::new("src/kernel/a.rs", text)).is_empty(), "{text}");
        assert!(!floats(&File::new("shaders/a.wgsl", text)).is_empty(), "{text}");
    }
    for text in
        ["0..4", "t.0.1", "16.min(x)", "0xf32", "0x1e6", "x.1 .0", "\"1.0\"", "// 1.0", "1..=2", "a.0", "7i32", "0b1"]
    {
        assert_eq!(floats(&File::new("src/kernel/a.rs", text)), [""; 0], "{text}");
    }
    assert_eq!(floats(&File::new("src/fit/a.rs", "1.0")), [""; 0]);
}
