use super::super::deflate::tests::mixed;
use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;
use std::io::Cursor;

const PLAIN_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

fn recipe(header: &[u8], writer: Writer, level: u8) -> Recipe {
    Recipe { header: header.to_vec(), settings: Settings::new(writer, level).unwrap() }
}

fn wrapped(recipe: &Recipe, inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    rewrap(recipe, &mut &inner[..], &mut out).unwrap();
    out
}

fn unwrapped(file: &[u8], limit: u64) -> (Inflated, Vec<u8>) {
    let mut inner = Vec::new();
    let outcome = inflate(&file.to_vec(), &mut inner, limit).expect("content is never an error");
    (outcome, inner)
}

/// The recipe that makes `file` again, after checking that it does.
fn found(file: &[u8]) -> Option<Recipe> {
    let (Inflated::Whole(member), inner) = unwrapped(file, u64::MAX) else { panic!("a whole member") };
    assert_eq!(member.inner_bytes, inner.len() as u64);
    let recipe = find(&file.to_vec(), &member, &inner).unwrap()?;
    assert!(wrapped(&recipe, &inner) == file);
    Some(recipe)
}

fn refusal(file: &[u8]) -> String {
    match unwrapped(file, u64::MAX).0 {
        Inflated::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_writer_and_level_is_found_again() {
    let inner = mixed(150_000);
    for writer in [Writer::Zlib, Writer::ZlibLarge, Writer::Gnu] {
        for level in 1..=9 {
            let recipe = recipe(&PLAIN_HEADER, writer, level);
            // Perhaps as another's, which then does the same.
            assert!(found(&wrapped(&recipe, &inner)).is_some());
        }
    }
}

#[test]
fn an_empty_file_is_found_again() {
    assert!(found(&wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), &[])).is_some());
}

#[test]
fn a_header_with_everything_in_it_comes_back() {
    let header =
        [&[0x1f, 0x8b, 8, 31, 1, 2, 3, 4, 2, 255, 3, 0][..], b"abc", b"a.fits\0", b"a comment\0", b"\x12\x34"].concat();
    let recipe = recipe(&header, Writer::Zlib, 9);
    assert_eq!(found(&wrapped(&recipe, b"content")).map(|r| r.header), Some(header));
}

#[test]
fn a_stream_that_no_writer_here_makes_is_unpacked_but_has_no_recipe() {
    let inner = mixed(100);
    let stored = [&[1, 100, 0, !100, 255][..], &inner].concat();
    let made = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), &inner);
    let file = [&PLAIN_HEADER[..], &stored, &made[made.len() - 8..]].concat();
    assert_eq!(found(&file), None);
}

#[test]
fn other_files_are_not_gzip() {
    for file in [&b""[..], b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x07", b"SIMPLE"] {
        assert_eq!(unwrapped(file, u64::MAX).0, Inflated::NotGzip);
    }
}

#[test]
fn a_second_member_and_trailing_bytes_are_refused() {
    let file = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), b"content");
    for more in [&file[..], b"\0", &[0; 512]] {
        let why = refusal(&[&file[..], more].concat());
        assert_eq!(why, "bytes follow its first member, or its trailer is cut short");
    }
}

#[test]
fn wrong_sums_are_refused() {
    let file = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), b"content");
    for back in 1..=8 {
        let mut wrong = file.clone();
        wrong[file.len() - back] ^= 1;
        assert_eq!(refusal(&wrong), "its content does not match its sums");
    }
}

#[test]
fn every_truncation_is_refused() {
    let file = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), &mixed(3000));
    (3..file.len()).for_each(|n| drop(refusal(&file[..n])));
}

#[test]
fn reserved_flags_are_refused() {
    let mut file = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), b"content");
    file[3] = 0x20;
    assert_eq!(refusal(&file), "its header is odd");
}

#[test]
fn content_over_the_limit_is_refused_and_not_written() {
    let file = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), &vec![0; 1 << 20]);
    assert!(matches!(unwrapped(&file, 1 << 20).0, Inflated::Whole(_)));
    let (outcome, inner) = unwrapped(&file, (1 << 20) - 1);
    assert_eq!(outcome, Inflated::Refused("its content is longer than allowed here".into()));
    assert!(inner.len() < 1 << 20);
}

#[test]
fn a_spool_that_is_full_is_an_error() {
    let file = wrapped(&recipe(&PLAIN_HEADER, Writer::Zlib, 6), &[0; 1000]);
    assert!(inflate(&file, &mut Cursor::new(&mut [0u8; 10][..]), u64::MAX).is_err());
}

#[test]
fn a_recipe_is_written_and_read_back() {
    let recipe = recipe(&PLAIN_HEADER, Writer::Gnu, 9);
    let mut bytes = Vec::new();
    recipe.write(&mut bytes);
    bytes.push(77);
    let mut rest = &bytes[..];
    assert_eq!(Recipe::read(&mut rest).unwrap(), recipe);
    assert_eq!(rest, [77]);
    for n in 0..bytes.len() - 1 {
        assert_eq!(Recipe::read(&mut &bytes[..n]).unwrap_err().kind, ErrorKind::Truncated);
    }
}

#[test]
fn a_recipe_that_makes_no_sense_is_refused() {
    let cases = [
        ([0, 6, 0, 0, 0, 0], ErrorKind::Unsupported),
        ([4, 6, 0, 0, 0, 0], ErrorKind::Unsupported),
        ([1, 0, 0, 0, 0, 0], ErrorKind::Corrupt),
        ([1, 10, 0, 0, 0, 0], ErrorKind::Corrupt),
        ([1, 6, 1, 0, 1, 0], ErrorKind::Limit),
        ([1, 6, 255, 255, 255, 255], ErrorKind::Limit),
    ];
    for (bytes, kind) in cases {
        assert_eq!(Recipe::read(&mut &bytes[..]).unwrap_err().kind, kind, "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_refused_or_come_back_whole(edits in prop::collection::vec((0..900usize, any::<u8>()), 1..4)) {
        let mut file = wrapped(&recipe(&PLAIN_HEADER, Writer::Gnu, 6), &mixed(1000));
        let n = file.len();
        edits.into_iter().for_each(|(at, byte)| file[at % n] = byte);
        if matches!(unwrapped(&file, 1 << 20).0, Inflated::Whole(_)) {
            found(&file);
        }
    }
}
