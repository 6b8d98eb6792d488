use super::*;
use flate2::{Compress, Compression, Crc, FlushCompress};
use proptest::prelude::*;

/// Stretches of noisy samples, of text and of noise alone, in turn.
pub(crate) fn mixed(n: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(n + 32);
    let (mut x, mut level) = (1u64, 1000u64);
    while out.len() < n {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let noise = u64::from((x >> 40).count_ones()).wrapping_sub(12);
        let stretch = out.len() / 20_000;
        if stretch.is_multiple_of(2) {
            level = (level + (x >> 60)).wrapping_sub(7) & 0xffff;
        }
        match stretch % 5 {
            4 => out.extend([(x >> 33) as u8, (x >> 43) as u8]),
            3 => out.extend(format!("KEYWORD = {} / a comment\n", x >> 58 & 63).bytes()),
            _ => out.extend((level.wrapping_add(noise) as u16).to_be_bytes()),
        }
    }
    out.truncate(n);
    out
}

fn deflated(writer: Writer, level: u8, inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflate(Settings::new(writer, level).unwrap(), &mut &inner[..], &mut out).unwrap();
    out
}

/// What the linked zlib makes of it, memLevel 8.
fn zlib(level: u8, inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inner.len() + inner.len() / 100 + 1000);
    Compress::new(Compression::new(level.into()), false).compress_vec(inner, &mut out, FlushCompress::Finish).unwrap();
    out
}

fn inflated(deflated: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(deflated), &mut out).unwrap();
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn every_level_is_zlib_to_the_last_bit() {
    // Around where nothing can match, where the window is full and slides, and where a block of literals is full.
    for n in [
        0, 1, 2, 3, 4, 258, 259, 261, 262, 263, 16_383, 16_384, 32_768, 65_273, 65_274, 65_275, 65_536, 65_537, 250_000,
    ] {
        let inner = mixed(n);
        for level in 1..=9 {
            assert!(deflated(Writer::Zlib, level, &inner) == zlib(level, &inner), "{n} bytes, level {level}");
        }
    }
}

#[test]
fn extreme_inputs_are_zlib_to_the_last_bit() {
    let noise: Vec<u8> = mixed(100_000)[80_000..].iter().copied().cycle().take(19_999).collect();
    for inner in [vec![0; 300_000], noise, b"ab".repeat(40_000), (0..=255).cycle().take(70_000).collect()] {
        for level in 1..=9 {
            assert!(deflated(Writer::Zlib, level, &inner) == zlib(level, &inner), "level {level}");
        }
    }
}

#[test]
fn gnu_gzip_and_large_zlib_are_what_they_made_when_asked() {
    // Sums of what gzip 1.12 -1 … -9 and zlib 1.2.13 with memLevel 9 made of the mixed bytes.
    let made = [
        (0x6a4f4a0d, 0x225cc1c7),
        (0x7374e628, 0x8d0aad5b),
        (0x2444e57d, 0xfffc32ed),
        (0x0a26e8fc, 0x8ec14c8e),
        (0x93c36647, 0x8c089c39),
        (0x0c75289a, 0x8c5dd127),
        (0xecc82547, 0xba4c0fc8),
        (0xa8e2da9e, 0x10dfa95c),
        (0x9b84ff8e, 0x7980ff42),
    ];
    let inner = mixed(300_000);
    assert_eq!(crc(&inner), 0xd236d732);
    for (level, (gnu, large)) in (1..).zip(made) {
        assert_eq!(crc(&deflated(Writer::Gnu, level, &inner)), gnu, "gzip -{level}");
        assert_eq!(crc(&deflated(Writer::ZlibLarge, level, &inner)), large, "memLevel 9, level {level}");
    }
}

#[test]
fn there_are_nine_levels() {
    for (level, exists) in [(0, false), (1, true), (9, true), (10, false)] {
        assert_eq!(Settings::new(Writer::Zlib, level).is_some(), exists);
    }
}

/// A reader that gives a few bytes at a time.
struct Dripping<'a>(&'a [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let n = out.len().min(self.0.len()).min(1000);
        self.0.read(&mut out[..n])
    }
}

#[test]
fn how_the_input_arrives_does_not_matter() {
    let inner = mixed(200_000);
    let settings = Settings::new(Writer::Gnu, 6).unwrap();
    let mut out = Vec::new();
    deflate(settings, &mut Dripping(&inner), &mut out).unwrap();
    assert!(out == deflated(Writer::Gnu, 6, &inner));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_in_comes_out(
        parts in prop::collection::vec((prop::collection::vec(0..4u8, 1..300), 1..400usize), 0..6),
        level in 1..=9u8,
    ) {
        let inner: Vec<u8> = parts.iter().flat_map(|(part, n)| part.repeat(*n)).collect();
        prop_assert!(deflated(Writer::Zlib, level, &inner) == zlib(level, &inner));
        for writer in [Writer::ZlibLarge, Writer::Gnu] {
            prop_assert!(inflated(&deflated(writer, level, &inner)) == inner);
        }
    }
}
