//! What programs are told: the values that several verbs share.

use super::print;
use collapsar::internals::sample::{Bound, NoiseStep};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What failed, for programs: `kind` and `code` say whose fault it is, `file` which file it was, if it was one.
pub fn failure(path: Option<&Path>, kind: &str, message: &str, code: u8) {
    let mut value = json!({"error": {"kind": kind, "message": message, "code": code}});
    if let Some(path) = path {
        put_name(&mut value, "file", path);
    }
    let _ = print::out(&format!("{value}\n")); // the error itself has been told, and decides the exit code
}

/// A path for programs: as it is. One that is no Unicode has its bytes beside it, as hexadecimal digits in `KEY_bytes`.
pub fn put_name(value: &mut Value, key: &str, path: &Path) {
    value[key] = path.to_string_lossy().into();
    if path.to_str().is_none() {
        value[format!("{key}_bytes")] = hex(path.as_os_str().as_encoded_bytes()).into();
    }
}

/// A path that `put_name` put.
pub fn name(value: &Value, key: &str) -> Option<PathBuf> {
    match value[format!("{key}_bytes")].as_str() {
        Some(digits) => of_bytes(bytes(digits)?),
        None => value[key].as_str().map(PathBuf::from),
    }
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn of_bytes(_: Vec<u8>) -> Option<PathBuf> {
    None
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A bound for programs.
pub fn bound(bound: Bound) -> Value {
    match bound {
        Bound::Abs(e) => json!({"abs": e}),
        Bound::PwRel(e) => json!({"pw_rel": e}),
        Bound::Near(n) => json!({"near": n}),
    }
}

pub fn noise(noise: NoiseStep) -> Value {
    json!({"sigma": noise.sigma, "step": noise.step})
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn programs_are_told_names_as_they_are_and_the_bytes_of_those_that_are_no_unicode() {
        use std::os::unix::ffi::OsStrExt;
        let told = |name: &[u8]| {
            let mut value = json!({});
            put_name(&mut value, "file", Path::new(std::ffi::OsStr::from_bytes(name)));
            value
        };
        assert_eq!(told("é\n\"".as_bytes()), json!({"file": "é\n\""}));
        for back in ["é\n\"".as_bytes(), b"a\xff"] {
            assert_eq!(name(&told(back), "file"), Some(PathBuf::from(std::ffi::OsStr::from_bytes(back))));
        }
        assert_eq!(told(b"a\xff"), json!({"file": "a\u{fffd}", "file_bytes": "61ff"}));
    }
}
