//! FORMAT.md says what the code does: its numbers are compared with the constants, and its example is a file that decodes.

mod example;

use collapsar::internals::codec::file::blocks::kind;
use collapsar::internals::codec::file::bytes::{DICTIONARY, MAX_BASE, MAX_TEXT};
use collapsar::internals::container::{END_MAGIC, MAGIC, MAX_BLOCK_BYTES, MAX_BLOCKS, VERSION, Writer};
use collapsar::internals::kernel::MAX_INT;
use collapsar::internals::model::Family;
use collapsar::internals::net::Pass;
use collapsar::internals::text::CARDS;
use example::{H, INTS, W, weights};

const FORMAT: &str = include_str!("../FORMAT.md");
const NUMERICS: &str = include_str!("../NUMERICS.md");

/// The bytes at the front of a line: words of hexadecimal digits, up to the first remark.
fn hex(text: &str) -> Vec<u8> {
    let words = text.split_whitespace().take_while(|w| w.bytes().all(|b| b.is_ascii_hexdigit()));
    let digits: Vec<u8> = words.flat_map(str::bytes).collect();
    digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ")
}

/// The bytes that stand behind a word in section 10, remarks left out.
fn payload(name: &str, hash: &[u8; 32]) -> Vec<u8> {
    let (_, section) = FORMAT.split_once("## 10. Example").expect("the example has a section");
    let (_, after) = section.split_once(&format!("    {name} ")).expect("the payload is there");
    let mut out = Vec::new();
    for (i, line) in after.lines().enumerate() {
        let begins = |c: char| c.is_ascii_uppercase();
        if i > 0 && (line.trim().is_empty() || line.strip_prefix("    ").is_none_or(|l| l.starts_with(begins))) {
            break;
        }
        match line.split_once("HASH") {
            Some((before, after)) => out.extend([hex(before), hash.to_vec(), hex(after)].concat()),
            None => out.extend(hex(line)),
        }
    }
    out
}

#[test]
fn magic_version_kinds_and_limits_are_those_of_the_code() {
    for (what, there) in [
        ("magic", format!("magic `{}`", spaced(&MAGIC))),
        ("end magic", format!("end magic `{}`", spaced(&END_MAGIC))),
        ("version", format!("files, version {VERSION}\n")),
        (
            "64 MiB",
            format!(
                "{} {:03} {:03} (64 MiB)",
                MAX_BLOCK_BYTES / 1_000_000,
                MAX_BLOCK_BYTES / 1000 % 1000,
                MAX_BLOCK_BYTES % 1000
            ),
        ),
        (
            "blocks",
            format!("{} {:03} {:03} (2²³)", MAX_BLOCKS / 1_000_000, MAX_BLOCKS / 1000 % 1000, MAX_BLOCKS % 1000),
        ),
        ("FILE", format!("| {} | FILE |", kind::FILE)),
        ("GZIP", format!("| {} | GZIP |", kind::GZIP)),
        ("WEIGHTS", format!("| {} | WEIGHTS |", kind::WEIGHTS)),
        ("BYTES", format!("| {} | BYTES |", kind::BYTES)),
        ("HEAD", format!("| {} | HEAD |", kind::HEAD)),
        ("TILE", format!("| {} | TILE |", kind::TILE)),
    ] {
        assert!(FORMAT.contains(&there), "FORMAT.md has another {what} than the code: {there}");
    }
    assert_eq!(MAX_INT, 1 << 22);
    for pass in Pass::ALL {
        assert!(FORMAT.contains(&format!("`{}`", pass.name())), "FORMAT.md leaves out {}", pass.name());
    }
    for family in Family::ALL {
        assert!(FORMAT.contains(&format!("\"{}\"", family.name())), "FORMAT.md leaves out {}", family.name());
    }
}

#[test]
fn the_dictionary_is_that_of_the_code() {
    let text: String = DICTIONARY.iter().map(|&b| b.escape_ascii().to_string()).collect();
    let text = text.replace("\\'", "'");
    let lines = text.replace("}\\x93", "}\n\\x93");
    assert!(FORMAT.contains(&format!("```text\n{lines}\n```")), "FORMAT.md should say:\n{lines}");
    assert!(FORMAT.contains(&format!("these {} bytes", DICTIONARY.len())), "{} bytes", DICTIONARY.len());
}

#[test]
fn the_cards_and_the_limits_of_texts_are_those_of_the_code() {
    let there = format!("{} bytes, BLAKE3\n   `{}`", CARDS.len(), blake3::hash(CARDS.as_bytes()));
    assert!(FORMAT.contains(&there), "FORMAT.md should say: {there}");
    assert_eq!((MAX_TEXT, MAX_BASE), (1_048_576, 32_768), "FORMAT.md, section 3.4 has these limits");
    assert!(FORMAT.contains("n ≤ 1 048 576 (1 MiB)") && FORMAT.contains("the last 32 768 bytes"));
}

#[test]
fn the_container_example_is_a_file() {
    let (_, section) = FORMAT.split_once("### 2.7 Example").expect("the example has a section");
    let lines = section.lines().filter_map(|l| l.strip_prefix("    ")).take(7);
    let bytes: Vec<u8> = lines.flat_map(hex).collect();
    let mut writer = Writer::new(Vec::new()).unwrap();
    for (kind, payload) in [(7, &b"AB"[..]), (7, b""), (9, b"C")] {
        writer.block(kind, payload).unwrap();
    }
    assert_eq!(writer.finish(0x0102_0304, [0xab; 32]).unwrap().0, bytes);
}

#[test]
fn the_worked_payloads_decode_in_every_family() {
    let content: Vec<u8> = INTS.iter().flat_map(|&v| (v as u16).to_le_bytes()).collect();
    assert_eq!(content.len(), 2 * H * W);
    for (family, name) in [
        (Family::Pixelcnn, "raster"),
        (Family::Lattice, "lattice"),
        (Family::PixelcnnDeep, "deep"),
        (Family::Idf, "flow"),
        (Family::L3c, "l3c"),
    ] {
        let (weights, model) = weights(family);
        let (_, code) = NUMERICS.split_once(&format!("\n{name:<10} 00 ")).expect("the payload is there");
        let mut tile = payload("TILE", &model.hash);
        tile.truncate(4);
        tile.extend(hex(code.lines().next().unwrap()));
        if family == Family::Pixelcnn {
            assert_eq!(tile, payload("TILE", &model.hash));
        }
        let mut head = payload("HEAD", &model.hash);
        // six predictor sets, all the same
        let set = head[head.len() - 4..].to_vec();
        (1..model.n_sets()).for_each(|_| head.extend(&set));

        let mut writer = Writer::new(Vec::new()).unwrap();
        for (kind, payload) in [
            (kind::FILE, &payload("FILE", &model.hash)),
            (kind::WEIGHTS, &weights),
            (kind::HEAD, &head),
            (kind::TILE, &tile),
        ] {
            writer.block(kind, payload).unwrap();
        }
        let (packed, _) = writer.finish(content.len() as u64, *blake3::hash(&content).as_bytes()).unwrap();
        assert_eq!(collapsar::internals::decompress(&packed).unwrap(), content, "{name}");
    }
}
