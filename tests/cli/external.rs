//! libpressio's protocol, as its documentation and its `external_compressor` speak it.

use crate::sandbox::{Sandbox, text};
use collapsar::{Options, encode_array};

/// Samples of a field as libpressio writes them to a file.
fn field() -> Vec<u8> {
    (0..40 * 30 * 20u32).flat_map(|i| ((i % 20) as f32 / 7.0 + (i / 600) as f32).sin().to_ne_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_ne_bytes(b.try_into().unwrap())).collect()
}

/// The words in the order in which libpressio adds them; of three dimensions the first runs fastest.
fn words<'a>(mode: &'a str, options: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let first = ["external", "--level", "2", "--api", "5", "--mode", mode, "--config_name", "external"];
    let options = if options.is_empty() { vec![] } else { vec!["--options", options] };
    [&first[..], &options, rest].concat()
}

/// What the command says, line by line, without the header.
fn said(sandbox: &Sandbox, code: i32, words: &[&str]) -> Vec<String> {
    let output = sandbox.output(words);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {}", text(&output.stderr));
    let lines = text(&output.stdout);
    let rest = lines.strip_prefix("external:api=5\n").expect("libpressio reads nothing without the header");
    rest.lines().map(str::to_string).collect()
}

const FULL: [&str; 8] = ["--itype", "float", "--idim", "20", "--idim", "30", "--idim", "40"];
const BACK: [&str; 8] = ["--otype", "float", "--odim", "20", "--odim", "30", "--odim", "40"];

#[test]
fn an_array_goes_there_and_back_in_the_place_of_the_temporary() {
    let sandbox = Sandbox::with(&[(".pressioinA1b2C3", &field())]);
    let input = ["--input", ".pressioinA1b2C3"];
    let lines = said(&sandbox, 0, &words("compress", "", &[&FULL[..], &input, &["--otype", "byte"]].concat()));
    let n_bytes = sandbox.read(".pressioinA1b2C3").len();
    let path = sandbox.path(".pressioinA1b2C3").canonicalize().unwrap();
    assert!(n_bytes < field().len() / 4);
    // a single dimension would be read as a number
    let wanted = [
        format!("output:0:path={}", path.display()),
        "output:0:dtype=byte".into(),
        format!("output:0:dims={n_bytes}"),
        "output:0:dims=1".into(),
    ];
    assert_eq!(lines, wanted);

    let chunk = ["--itype", "byte", "--idim", &n_bytes.to_string(), "--idim", "1"];
    let lines = said(&sandbox, 0, &words("decompress", "", &[&chunk[..], &input, &BACK].concat()));
    assert_eq!(lines[1..], ["dtype=float", "dims=20", "dims=30", "dims=40"].map(|end| format!("output:0:{end}")));
    assert_eq!(sandbox.read(".pressioinA1b2C3"), field());
}

#[test]
fn dimensions_are_in_the_order_of_libpressio() {
    let sandbox = Sandbox::with(&[("t.f32", &field())]);
    said(&sandbox, 0, &words("compress", "", &[&FULL[..], &["--input", "t.f32", "--output", "t.chunk"]].concat()));
    // ours are in C order
    let options = Options::default().level(2).unwrap();
    assert_eq!(sandbox.read("t.chunk"), encode_array(&floats(&field()), &[40, 30, 20], &options).unwrap());
    // without what is expected the chunk says what it is
    let lines = said(&sandbox, 0, &words("decompress", "", &["--input", "t.chunk", "--output", "t.back"]));
    assert_eq!(lines[1..], ["dtype=float", "dims=20", "dims=30", "dims=40"].map(|end| format!("output:0:{end}")));
    assert_eq!(sandbox.read("t.back"), field());
}

#[test]
fn options_of_libpressio_say_bound_and_level_and_those_of_others_mean_nothing() {
    let sandbox = Sandbox::with(&[("t.f32", &field())]);
    let files = ["--input", "t.f32", "--output", "t.chunk"];
    let options =
        r#"{"pressio:abs":0.01,"external_compressor:launch":"forkexec","pressio:metric":{"type":10,"value":null}}"#;
    said(&sandbox, 0, &words("compress", options, &[&FULL[..], &files].concat()));
    said(&sandbox, 0, &words("decompress", options, &["--input", "t.chunk", "--output", "t.back"]));
    let pairs = floats(&field()).into_iter().zip(floats(&sandbox.read("t.back")));
    let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest > 0.001 && largest <= 0.01, "{largest}");

    let asked = |options: &str| said(&sandbox, 0, &words("get_options", options, &[]));
    assert_eq!(asked(""), ["pressio:lossless=2", "pressio:abs=0", "pressio:rel=0", "pressio:pw_rel=0"]);
    let typed = r#"{"pressio:lossless":{"type":5,"value":9},"pressio:rel":0.001,"pressio:abs":0}"#;
    assert_eq!(asked(typed), ["pressio:lossless=9", "pressio:abs=0", "pressio:rel=0.001", "pressio:pw_rel=0"]);
}

#[test]
fn what_it_can_do_is_said_without_options() {
    let sandbox = Sandbox::new();
    let documentation = said(&sandbox, 0, &words("get_documentation", "", &[]));
    assert_eq!(documentation.len(), said(&sandbox, 0, &words("get_options", "", &[])).len());
    // libpressio takes a text that begins like a number for one
    let begins_like_a_number = |line: &String| {
        let (_, text) = line.split_once('=').unwrap();
        text.starts_with(|c: char| c.is_ascii_digit() || "+-. ".contains(c)) || ["nan", "inf"].contains(&&text[..3])
    };
    assert!(!documentation.iter().any(begins_like_a_number));
    assert_eq!(said(&sandbox, 0, &words("get_configuration", "", &[])), [""; 0]);
    assert_eq!(said(&sandbox, 0, &words("set_options", r#"{"pressio:rel":0.01}"#, &[])), [""; 0]);
}

#[test]
fn every_type_comes_back_under_its_name() {
    let types =
        ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float", "double", "byte", "bool"];
    let sandbox = Sandbox::with(&[("t", &field()[..8 * 25])]);
    for (name, n) in types.into_iter().zip([200, 100, 50, 25, 200, 100, 50, 25, 50, 25, 200, 200]) {
        let n: String = n.to_string();
        let there = ["--input", "t", "--output", "t.chunk", "--itype", name, "--idim", &n];
        said(&sandbox, 0, &words("compress", "", &there));
        let back = ["--input", "t.chunk", "--output", "t.back", "--otype", name, "--odim", &n];
        let lines = said(&sandbox, 0, &words("decompress", "", &back));
        assert_eq!(
            lines[1..],
            [format!("output:0:dtype={name}"), format!("output:0:dims={n}"), "output:0:dims=1".into()]
        );
        assert_eq!(sandbox.read("t.back"), sandbox.read("t"), "{name}");
    }
}

#[test]
fn what_cannot_be_is_an_error_behind_the_header_and_writes_nothing() {
    let sandbox = Sandbox::with(&[("t.f32", &field())]);
    let out = ["--output", "t.chunk"];
    let both = |input: &'static str| [&FULL[..], &["--input", input], &out].concat();
    let cases: [(&str, &str, Vec<&str>, i32, &str); 9] = [
        ("set_options", r#"{"pressio:rel":-1}"#, vec![], 1, "bound"),
        ("set_options", r#"{"pressio:rel":1,"pressio:abs":1}"#, vec![], 1, "one bound at a time"),
        ("set_options", r#"{"pressio:lossless":10}"#, vec![], 1, "1 to 9"),
        ("set_options", "{", vec![], 1, "--options"),
        ("improve", "", vec![], 1, "--mode improve"),
        ("compress", "", both("missing"), 2, "does not exist"),
        (
            "compress",
            "",
            FULL[..6].iter().copied().chain(["--input", "t.f32", "--output", "t.chunk"]).collect(),
            1,
            "bytes",
        ),
        ("compress", "", [&FULL[..], &["--input", "t.f32"]].concat(), 1, "--output is missing"),
        ("decompress", "", both("t.f32"), 3, "chunk"),
    ];
    for (mode, options, rest, code, with) in cases {
        let words = words(mode, options, &rest);
        assert_eq!(said(&sandbox, code, &words), [""; 0]);
        let said = text(&sandbox.output(&words).stderr).to_string();
        assert!(said.contains(with), "{words:?}: {said}");
    }
    assert_eq!(sandbox.names(), ["t.f32"]);
    said(&sandbox, 0, &words("compress", "", &both("t.f32")));
    let other = ["--input", "t.chunk", "--output", "t.back", "--otype", "double", "--odim", "24000"];
    assert_eq!(said(&sandbox, 1, &words("decompress", "", &other)), [""; 0]);
    assert_eq!(sandbox.names(), ["t.chunk", "t.f32"]);
}
