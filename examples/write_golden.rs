//! Writes the golden files and chunks that are not there yet: those of a new folder, or of a new case. What is there stays.
//!
//! ```sh
//! cargo run --release --example write_golden
//! ```

#[path = "../tests/chunks/mod.rs"]
mod chunks;
#[path = "../tests/golden_cases/mod.rs"]
mod golden_cases;
#[path = "../tests/tar/mod.rs"]
mod tar;

use collapsar::internals::{Archive, compress, decode_chunk, decompress, encode_chunk};
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    files()?;
    chunks()
}

/// Name, length and blake3 of the content.
fn files() -> Result<(), Box<dyn std::error::Error>> {
    let folder = golden_cases::root().join(golden_cases::NEWEST);
    let mut list = list(&folder)?;
    for golden_cases::Case { name, content, options, shows } in golden_cases::cases() {
        let path = folder.join(format!("{name}.clps"));
        if path.exists() {
            continue;
        }
        let file = compress(&content, &options)?;
        assert!(shows(&Archive::open(&file, &[])?), "{name} does not show what it is there for");
        // what is lossy gives back something else than it was made from
        let given = decompress(&file)?;
        list += &format!("{name}.clps {} {}\n", given.len(), blake3::hash(&given));
        fs::write(&path, &file)?;
        println!("{}", path.display());
    }
    Ok(fs::write(folder.join("CONTENT.txt"), list)?)
}

/// Name, dtype, byte order, shape and the blake3 of the samples.
fn chunks() -> Result<(), Box<dyn std::error::Error>> {
    let folder = chunks::folder(chunks::NEWEST);
    let mut list = list(&folder)?;
    for chunks::Case { name, ty, bytes, options, .. } in chunks::cases() {
        let path = folder.join(format!("{name}.chunk"));
        if path.exists() {
            continue;
        }
        let chunk = encode_chunk(&bytes, &ty, &options)?;
        let (ty, given) = decode_chunk(&chunk, &Default::default())?;
        let shape: Vec<String> = ty.shape.iter().map(u64::to_string).collect();
        let order = if ty.big_endian { "big" } else { "little" };
        list += &format!("{name} {} {order} {} {}\n", ty.dtype.name(), shape.join("x"), blake3::hash(&given));
        fs::write(&path, chunk)?;
        println!("{}", path.display());
    }
    Ok(fs::write(folder.join("CONTENT.txt"), list)?)
}

fn list(folder: &Path) -> std::io::Result<String> {
    fs::create_dir_all(folder)?;
    Ok(fs::read_to_string(folder.join("CONTENT.txt")).unwrap_or_default())
}
