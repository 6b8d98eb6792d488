//! PNG = signature · IHDR · PLTE · tRNS · IDAT · IEND,   each chunk: length, name, bytes, CRC-32
//!
//! Small pictures of one byte per pixel, the number of a colour, as text that stands in a page.

use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::{self, Write};

/// The number of the colour of nothing.
pub const CLEAR: u8 = 0;

/// Colours of rising lightness, blue over green to yellow: told apart without colours too, and on either background.
const ANCHORS: [[f64; 3]; 5] =
    [[68.0, 30.0, 110.0], [58.0, 82.0, 139.0], [33.0, 145.0, 140.0], [94.0, 201.0, 98.0], [253.0, 231.0, 37.0]];

/// The colour of a number from 1: from little to much.
pub fn colour(number: u8) -> [u8; 3] {
    let at = f64::from(number.max(1) - 1) / 254.0 * (ANCHORS.len() - 1) as f64;
    let i = (at as usize).min(ANCHORS.len() - 2);
    [0, 1, 2].map(|c| (ANCHORS[i][c] + (ANCHORS[i + 1][c] - ANCHORS[i][c]) * (at - i as f64)).round() as u8)
}

/// Colours that stand for kinds, told apart by those who see few colours, too; light and dark take turns.
const KINDS: [[u8; 3]; 7] =
    [[0, 114, 178], [240, 228, 66], [213, 94, 0], [86, 180, 233], [0, 158, 115], [204, 121, 167], [40, 40, 40]];

/// The colour of a kind from 1.
pub fn kind(number: u8) -> [u8; 3] {
    KINDS[usize::from(number.max(1) - 1).min(KINDS.len() - 1)]
}

/// Blue over white to orange, white in the middle: the colour of a number from 1.
pub fn diverging(number: u8) -> [u8; 3] {
    const ENDS: [[f64; 3]; 3] = [[5.0, 80.0, 150.0], [247.0, 247.0, 247.0], [190.0, 75.0, 0.0]];
    let at = f64::from(number.max(1) - 1) / 127.0;
    let i = usize::from(at >= 1.0);
    [0, 1, 2].map(|c| (ENDS[i][c] + (ENDS[i + 1][c] - ENDS[i][c]) * (at - i as f64)).round() as u8)
}

/// A picture as a `data:` address.
pub fn address(pixels: &[u8], w: usize) -> String {
    address_in(pixels, w, colour)
}

/// The same in colours of a kind of its own.
pub fn address_in(pixels: &[u8], w: usize, colours: fn(u8) -> [u8; 3]) -> String {
    // a Vec takes whatever is written
    let bytes = png(pixels, w, colours).unwrap_or_default();
    format!("data:image/png;base64,{}", base64(&bytes))
}

fn png(pixels: &[u8], w: usize, colours: fn(u8) -> [u8; 3]) -> io::Result<Vec<u8>> {
    let h = pixels.len() / w.max(1);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend((w as u32).to_be_bytes());
    head.extend((h as u32).to_be_bytes());
    head.extend([8, 3, 0, 0, 0]); // 8 bits, palette, deflate, filters of the standard, not interlaced
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"PLTE", &(0..=255).flat_map(colours).collect::<Vec<u8>>());
    chunk(&mut out, b"tRNS", &[0]);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in pixels.chunks(w.max(1)) {
        rows.write_all(&[0])?; // no filter
        rows.write_all(row)?;
    }
    chunk(&mut out, b"IDAT", &rows.finish()?);
    chunk(&mut out, b"IEND", &[]);
    Ok(out)
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], bytes: &[u8]) {
    let mut crc = Crc::new();
    crc.update(name);
    crc.update(bytes);
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(name);
    out.extend(bytes);
    out.extend(crc.sum().to_be_bytes());
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let bits = three.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        let letter = |i: usize| {
            let at = (bits >> (18 - 6 * i) & 63) as usize;
            if i <= three.len() { char::from(LETTERS[at]) } else { '=' }
        };
        [0, 1, 2, 3].map(letter)
    };
    bytes.chunks(3).flat_map(four).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_picture_has_its_chunks_in_order_and_their_sums() {
        let png = png(&[0, 1, 255, 128, 7, 9], 3, colour).unwrap();
        let (mut at, mut names) = (8, Vec::new());
        while at < png.len() {
            let n = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
            names.push(String::from_utf8(png[at + 4..at + 8].to_vec()).unwrap());
            let mut crc = Crc::new();
            crc.update(&png[at + 4..at + 8 + n]);
            assert_eq!(crc.sum().to_be_bytes(), png[at + 8 + n..at + 12 + n]);
            at += n + 12;
        }
        assert_eq!(names, ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]);
        assert_eq!(png[16..24], [0, 0, 0, 3, 0, 0, 0, 2]);
    }

    #[test]
    fn colours_rise_in_lightness() {
        let light = |n: u8| colour(n).iter().map(|c| u32::from(*c)).sum::<u32>();
        assert!((1..5).all(|i| light(1 + 50 * (i - 1)) < light(1 + 50 * i)));
        assert_eq!(colour(255), [253, 231, 37]);
    }

    #[test]
    fn of_two_signs_none_is_white() {
        assert_eq!([1, 128, 255].map(diverging), [[5, 80, 150], [247; 3], [190, 75, 0]]);
    }
}
