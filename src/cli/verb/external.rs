//! libpressio's protocol for compressors that are programs, version 5: `--mode` and other words in pairs → lines `key=value`
//!
//! An array goes through a file of its samples, and comes back as a chunk. Words that are not known here are for others.

use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::path::input::read_file;
use crate::cli::path::names::Target;
use crate::cli::path::output::Sink;
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print;
use collapsar::internals::array::{ArrayType, Dtype, NATIVE_BIG_ENDIAN, reorder};
use collapsar::internals::model::Model;
use collapsar::internals::{
    Error, Level, Loss, Options, Result, decode_chunk, decode_chunk_into, describe_chunk, encode_chunk,
};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const HEADER: &str = "external:api=5\n";
/// In the name of each file that libpressio makes for us, and removes.
const TEMPORARY: &str = ".pressioin";
const DOCUMENTATION: &str = "\
pressio:lossless=level, from 1, the fastest, to 9, the smallest
pressio:abs=bound: no sample is off by more; 0 is none
pressio:rel=bound as a share of the range of the array; 0 is none
pressio:pw_rel=bound as a share of each sample; 0 is none
";
/// libpressio's names of types, and ours.
const TYPES: [(&str, Dtype); 12] = [
    ("float", Dtype::F32),
    ("double", Dtype::F64),
    ("uint8", Dtype::U8),
    ("uint16", Dtype::U16),
    ("uint32", Dtype::U32),
    ("uint64", Dtype::U64),
    ("int8", Dtype::I8),
    ("int16", Dtype::I16),
    ("int32", Dtype::I32),
    ("int64", Dtype::I64),
    ("byte", Dtype::U8),
    ("bool", Dtype::U8),
];

pub fn run(args: &args::External) -> Result<Tally> {
    print::out(HEADER)?;
    let words = Words(&args.words);
    let given = weights::given(&args.coding.weights)?;
    let settings = Settings::of(args, &words)?;
    let said = match words.text("--mode")?.as_deref() {
        Some("get_options") => settings.lines(),
        Some("set_options") => {
            settings.options(args, &given)?;
            String::new()
        }
        Some("get_configuration") => String::new(),
        Some("get_documentation") => DOCUMENTATION.to_string(),
        Some("compress") => compress(&words, &settings.options(args, &given)?)?,
        Some("decompress") => decompress(&words, &given)?,
        Some(other) => return Err(Error::argument(format!("--mode {other} is not known here"))),
        None => return Err(Error::argument("--mode is missing: this verb is for libpressio")),
    };
    print::out(&said)?;
    Ok(Tally::default())
}

fn compress(words: &Words, options: &Options) -> Result<String> {
    let ty = words.array("--itype", "--idim")?.ok_or_else(|| Error::argument("--itype and --idim are missing"))?;
    let chunk = encode_chunk(&words.read()?, &ty, options)?;
    words.write(&chunk, "byte", &[chunk.len() as u64])
}

fn decompress(words: &Words, given: &[Arc<Model>]) -> Result<String> {
    let chunk = words.read()?;
    let decoding = resources::decoding(given);
    let (ty, mut samples) = match words.array("--otype", "--odim")? {
        // what the caller expects may take any memory
        Some(wanted) => {
            let ty = describe_chunk(&chunk)?;
            if (ty.dtype, &ty.shape) != (wanted.dtype, &wanted.shape) {
                return Err(Error::argument(format!(
                    "the chunk holds {} {:?}, and {} {:?} is expected",
                    ty.dtype.name(),
                    ty.shape,
                    wanted.dtype.name(),
                    wanted.shape
                )));
            }
            let mut samples = vec![0; ty.n_bytes()? as usize];
            (decode_chunk_into(&chunk, &decoding, &mut samples)?, samples)
        }
        None => decode_chunk(&chunk, &decoding)?,
    };
    reorder(&mut samples, ty.dtype.n_bytes(), ty.big_endian, NATIVE_BIG_ENDIAN);
    let name = match words.text("--otype")? {
        Some(name) => name,
        None => TYPES.iter().find(|(_, dtype)| *dtype == ty.dtype).expect("TYPES has every dtype").0.to_string(),
    };
    let dims: Vec<u64> = ty.shape.iter().rev().copied().collect();
    words.write(&samples, &name, &dims)
}

/// What may be set by libpressio's options, which count more than words of the command.
struct Settings {
    level: Level,
    loss: Loss,
}

impl Settings {
    fn of(args: &args::External, words: &Words) -> Result<Settings> {
        let options = match words.text("--options")? {
            Some(text) => serde_json::from_str(&text).map_err(|e| Error::argument(format!("--options: {e}")))?,
            None => Value::Null,
        };
        let mut settings = Settings { level: args.coding.level, loss: args.lossy.loss() };
        if let Some(level) = number(&options, "pressio:lossless")? {
            let known = Some(level as u8).filter(|n| f64::from(*n) == level).and_then(Level::new);
            settings.level = known.ok_or_else(|| Error::argument(format!("pressio:lossless {level}: 1 to 9")))?;
        }
        let bounds = [
            number(&options, "pressio:abs")?.map(Loss::Abs),
            number(&options, "pressio:rel")?.map(Loss::Rel),
            number(&options, "pressio:pw_rel")?.map(Loss::PwRel),
        ];
        let mut bounds = bounds.into_iter().flatten();
        if let Some(loss) = bounds.next() {
            settings.loss = loss;
        }
        match bounds.next() {
            Some(_) => Err(Error::argument("pressio:abs, pressio:rel, pressio:pw_rel: one bound at a time")),
            None => Ok(settings),
        }
    }

    fn lines(&self) -> String {
        let (mut abs, mut rel, mut pw_rel) = (0.0, 0.0, 0.0);
        match self.loss {
            Loss::Abs(e) => abs = e,
            Loss::Rel(e) => rel = e,
            Loss::PwRel(e) => pw_rel = e,
            _ => {}
        }
        let level = self.level.number();
        format!("pressio:lossless={level}\npressio:abs={abs}\npressio:rel={rel}\npressio:pw_rel={pw_rel}\n")
    }

    fn options(&self, args: &args::External, given: &[Arc<Model>]) -> Result<Options> {
        Ok(Options {
            model: args.coding.choice_at(self.level, given)?,
            loss: self.loss.check()?,
            adapt: args.coding.adapt(),
            device: resources::device(),
            memory: resources::memory(),
            ..Options::default()
        })
    }
}

/// A number as libpressio writes it: alone, or `{"type": …, "value": …}`. 0 is none.
fn number(options: &Value, key: &str) -> Result<Option<f64>> {
    let value = options.get(key).unwrap_or(&Value::Null);
    let value = if value.is_object() { &value["value"] } else { value };
    match value.as_f64() {
        Some(number) => Ok(Some(number).filter(|number| *number != 0.0)),
        None if value.is_null() => Ok(None),
        None => Err(Error::argument(format!("{key} is {value}, no number"))),
    }
}

/// `--word value` in pairs, in any order.
struct Words<'a>(&'a [OsString]);

impl Words<'_> {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a OsStr> {
        let pairs = self.0.chunks_exact(2).filter(move |pair| pair[0] == *name);
        pairs.map(|pair| pair[1].as_os_str())
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let text = |word: &OsStr| word.to_str().map(str::to_string);
        let wrong = || Error::argument(format!("what follows {name} is not Unicode"));
        self.all(name).next().map(|word| text(word).ok_or_else(wrong)).transpose()
    }

    fn input(&self) -> Result<PathBuf> {
        let input = self.all("--input").next().map(PathBuf::from);
        input.ok_or_else(|| Error::argument("--input is missing; names of fields before it are not understood"))
    }

    fn read(&self) -> Result<Vec<u8>> {
        let input = self.input()?;
        read_file(&input).map_err(|e| e.at(print::name(&input)))
    }

    /// libpressio's first dimension runs fastest, ours last.
    fn array(&self, of_type: &str, of_dimension: &str) -> Result<Option<ArrayType>> {
        let Some(name) = self.text(of_type)? else { return Ok(None) };
        let known = TYPES.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype);
        let dtype = known.ok_or_else(|| Error::argument(format!("{of_type} {name} is not known here")))?;
        let wrong = |word: &OsStr| Error::argument(format!("{of_dimension} {} is no number", word.to_string_lossy()));
        let one = |word: &OsStr| word.to_str().and_then(|word| word.parse().ok()).ok_or_else(|| wrong(word));
        let mut shape: Vec<u64> = self.all(of_dimension).map(one).collect::<Result<_>>()?;
        shape.reverse();
        Ok((!shape.is_empty()).then_some(ArrayType { dtype, big_endian: NATIVE_BIG_ENDIAN, shape }))
    }

    /// Where libpressio names no file for the result, it takes the place of the input, which is a temporary.
    fn target(&self) -> Result<PathBuf> {
        if let Some(output) = self.all("--output").next() {
            return Ok(output.into());
        }
        let input = self.input()?;
        let is_temporary = |name: &OsStr| name.to_string_lossy().contains(TEMPORARY);
        match input.file_name() {
            Some(name) if is_temporary(name) => Ok(input),
            _ => Err(Error::argument("--output is missing, and --input is no temporary of libpressio")),
        }
    }

    /// Writes a result, and says where it is and what. A single dimension would be read as a number and not as a list: it gets a 1.
    fn write(&self, bytes: &[u8], of_type: &str, dims: &[u64]) -> Result<String> {
        let path = std::path::absolute(self.target()?)?;
        let mut sink = Sink::create(&Target::File(path.clone()), true, None)?;
        sink.write_all(bytes)?;
        sink.finish(None)?;
        let one = if dims.len() == 1 { "output:0:dims=1\n" } else { "" };
        let dims: String = dims.iter().map(|n| format!("output:0:dims={n}\n")).collect();
        Ok(format!("output:0:path={}\noutput:0:dtype={of_type}\n{dims}{one}", line(&path)?))
    }
}

fn line(path: &Path) -> Result<&str> {
    let text = path.to_str().filter(|text| text.is_ascii() && !text.contains('\n'));
    text.ok_or_else(|| Error::argument(format!("{}: libpressio reads ASCII names", print::name(path))))
}
