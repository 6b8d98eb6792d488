//! The ops as the device sees them: shader, buffers, parameters. Each is the shadow of the plain function that its text names.

use super::params::{self, Params};
use std::borrow::Cow;

/// Shared memory of a workgroup, in words: WebGPU's default limit.
const SHARED_WORDS: u32 = 4096;
const MOST_THREADS: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Fill,
    Predict,
    Residual,
    Context,
    Features,
    CausalConv,
    Mixture,
    Interval,
    Table,
    Couple,
    Copy,
    Detail,
    Quantise,
    Coarsen,
    Mesh,
    Nearest,
}

/// What there is to know of an op.
struct Row {
    op: Op,
    name: &'static str,
    /// The texts that stand before the shader's own, and that.
    text: &'static str,
    /// Storage buffers behind the parameters: first those that are read, then those that are written.
    n_read: usize,
    n_written: usize,
    fields: &'static [&'static str],
}

macro_rules! text {
    ($($name:literal),*) => { concat!($(include_str!(concat!("../../shaders/", $name, ".wgsl")), "\n"),*) };
}

/// A row for the op `$op`, whose shader has the last of these names.
macro_rules! row {
    ($op:ident($($name:literal),*) reads $n_read:literal writes $n_written:literal, told $params:ident) => {
        Row {
            op: Op::$op,
            name: last!($($name),*),
            text: text!($($name),*),
            n_read: $n_read,
            n_written: $n_written,
            fields: params::$params::FIELDS,
        }
    };
}

macro_rules! last {
    ($name:literal) => { $name };
    ($first:literal, $($name:literal),*) => { last!($($name),*) };
}

/// In the order of `Op`.
const ROWS: [Row; 16] = [
    row!(Fill("fill") reads 3 writes 1, told Arena),
    row!(Predict("predict") reads 4 writes 1, told Predict),
    row!(Residual("residual") reads 3 writes 1, told Arena),
    row!(Context("log2", "net", "feature", "layer", "context") reads 7 writes 1, told Net),
    row!(Features("log2", "net", "feature", "features") reads 6 writes 1, told Net),
    row!(CausalConv("net", "layer", "causal_conv") reads 2 writes 2, told Net),
    row!(Mixture("log2", "mixture") reads 3 writes 1, told Symbol),
    row!(Interval("interval") reads 4 writes 1, told Symbol),
    row!(Table("log2", "table") reads 2 writes 1, told Table),
    row!(Couple("couple") reads 3 writes 1, told Couple),
    row!(Copy("copy") reads 1 writes 1, told Arena),
    row!(Detail("detail") reads 2 writes 1, told Arena),
    row!(Quantise("quantise") reads 1 writes 1, told Scale),
    row!(Coarsen("coarsen") reads 1 writes 2, told Scale),
    row!(Mesh("mesh") reads 2 writes 1, told Mesh),
    row!(Nearest("nearest") reads 2 writes 2, told Nearest),
];

const _: () = {
    let mut i = 0;
    while i < ROWS.len() {
        assert!(ROWS[i].op as usize == i, "a row stands where its op does");
        i += 1;
    }
};

impl Op {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Storage buffers behind the parameters; the last ones are written.
    pub(super) fn n_buffers(self) -> usize {
        self.row().n_read + self.row().n_written
    }

    pub(super) fn n_read(self) -> usize {
        self.row().n_read
    }

    /// The fields of its parameters behind `n` and `first`.
    pub(super) fn fields(self) -> &'static [&'static str] {
        self.row().fields
    }
}

/// The text of every shader.
#[derive(Clone, Debug)]
pub struct Shaders([Cow<'static, str>; ROWS.len()]);

impl Default for Shaders {
    fn default() -> Shaders {
        Shaders(ROWS.each_ref().map(|row| Cow::Borrowed(row.text)))
    }
}

impl Shaders {
    pub fn text(&self, op: Op) -> &str {
        &self.0[op as usize]
    }

    /// The same shaders, with `from` replaced by `to` in one of them: how a test makes a wrong one.
    pub fn with(mut self, op: Op, from: &str, to: &str) -> Shaders {
        let text = self.text(op);
        assert!(text.contains(from), "{} has no '{from}'", op.name());
        self.0[op as usize] = Cow::Owned(text.replacen(from, to, 1));
        self
    }
}

/// Threads of a workgroup whose columns of `words` fit the shared memory twice.
pub(super) fn context_size(words: u32) -> u32 {
    let most = (SHARED_WORDS / (2 * words)).clamp(4, MOST_THREADS);
    1 << most.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};

    fn shaders() -> impl Iterator<Item = (&'static Row, &'static str)> {
        ROWS.iter().map(|row| (row, row.text))
    }

    #[test]
    fn every_shader_is_valid_as_it_stands_and_knows_no_floats() {
        for (row, text) in shaders() {
            let module = wgpu::naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{}: {e}", row.name));
            let valid = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
            valid.unwrap_or_else(|e| panic!("{}: {e:?}", row.name));
            assert_eq!(module.entry_points.len(), 1);
            assert_eq!(module.entry_points[0].name, "main");
            let bound = module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count();
            assert_eq!(bound, row.op.n_buffers() + 1, "{}", row.name);
            let code: String = text.lines().map(|l| l.split("//").next().unwrap_or("")).collect();
            for word in ["f32", "f16", "f64", "vec2f", "vec3f", "vec4f", "float", "i64", "u64", " / ", " % "] {
                assert!(!code.contains(word), "{} says {word}", row.name);
            }
            assert!(text.lines().all(|l| l.chars().count() <= 120), "{} has long lines", row.name);
        }
    }

    #[test]
    fn a_shader_is_told_what_its_family_of_ops_is_told() {
        for (row, text) in shaders() {
            let (_, after) = text.split_once("struct Params {").unwrap();
            let fields = after.split('}').next().unwrap().split(',').map(str::trim).filter(|field| !field.is_empty());
            let expected = ["n: u32", "first: u32"].iter().chain(row.fields).copied();
            assert_eq!(fields.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{}", row.name);
            assert!((row.fields.len() as u64 + 2) * 4 <= params::BYTES, "{}", row.name);
        }
    }

    /// A digit that is changed is changed for all ops that compute with it.
    #[test]
    fn a_function_of_the_shaders_stands_in_one_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let text = std::fs::read_to_string(&entry).unwrap();
            for line in text.lines().filter_map(|line| line.strip_prefix("fn ")) {
                let name = line.split('(').next().unwrap().to_string();
                files.entry(name).or_default().push(entry.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
        assert_eq!(files["log2_of"], ["log2.wgsl"]);
        files.retain(|name, files| files.len() > 1 && !["main", "put_word"].contains(&name.as_str()));
        assert_eq!(files, BTreeMap::new());
    }
}
