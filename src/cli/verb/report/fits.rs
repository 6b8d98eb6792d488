//! maps → FITS: an empty primary HDU, then an image per map, each with the world coordinate system of its frame

use super::cards::Cards;
use super::maps::{BOX, Maps};
use collapsar::internals::Result;
use std::io::Write;

const BLOCK_BYTES: usize = 2880;

/// The first HDU.
pub fn begin(out: &mut dyn Write) -> Result<()> {
    let cards = [
        card("SIMPLE", "T", "maps of a lossless coding"),
        card("BITPIX", "8", ""),
        card("NAXIS", "0", "all maps are extensions"),
        card("EXTEND", "T", ""),
    ];
    header(out, &cards)
}

/// The maps of an array, the `version`-th of its file from 1.
pub fn write(out: &mut dyn Write, version: usize, label: &str, maps: &Maps, wcs: &Cards) -> Result<()> {
    let of = |name: &str, unit: &str, what: &str| {
        let mut cards = vec![
            card("EXTNAME", &text(name), what),
            card("EXTVER", &version.to_string(), "which of the arrays of the file"),
            card("BUNIT", &text(unit), ""),
            card("ARRAY", &text(label), "the array"),
            card("PLANE", &maps.plane.to_string(), "its plane, from 0"),
        ];
        cards.extend(wcs.wcs().map(str::to_string));
        cards
    };
    if let Some(signal) = maps.signal() {
        let mut cards = of("SNR", "sigma", "(sample - median) / sigma");
        cards.push(card("SKY", &real(maps.sky), "median of the plane"));
        cards.push(card("SIGMA", &real(maps.sigma.unwrap_or(0.0)), "measured noise"));
        floats(out, cards, maps, &signal)?;
    }
    floats(out, of("BITSTILE", "bit", "bits per sample, tile by tile, of the file"), maps, &maps.tiles)?;
    if let Some(cells) = &maps.cells {
        let mut cards = of("BITSCELL", "bit", "-log2 of the probability, smoothed");
        cards.push(card("BOX", &BOX.to_string(), "mean over so many samples each way"));
        floats(out, cards, maps, cells)?;
    }
    let mut cards = of("MODE", "", "what coded the tile");
    let names = maps.names.iter().enumerate();
    cards.extend(names.map(|(i, name)| card(&format!("MODE{i}"), &text(name), "")));
    image(out, 8, maps, &cards, &maps.modes)
}

fn floats(out: &mut dyn Write, cards: Vec<String>, maps: &Maps, values: &[f32]) -> Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_be_bytes()).collect();
    image(out, -32, maps, &cards, &bytes)
}

fn image(out: &mut dyn Write, bitpix: i32, maps: &Maps, more: &[String], bytes: &[u8]) -> Result<()> {
    let mut cards = vec![
        card("XTENSION", &text("IMAGE"), ""),
        card("BITPIX", &bitpix.to_string(), ""),
        card("NAXIS", "2", ""),
        card("NAXIS1", &maps.w.to_string(), ""),
        card("NAXIS2", &maps.h.to_string(), ""),
        card("PCOUNT", "0", ""),
        card("GCOUNT", "1", ""),
    ];
    cards.extend_from_slice(more);
    header(out, &cards)?;
    out.write_all(bytes)?;
    Ok(out.write_all(&vec![0; bytes.len().next_multiple_of(BLOCK_BYTES) - bytes.len()])?)
}

fn header(out: &mut dyn Write, cards: &[String]) -> Result<()> {
    let mut all = cards.concat();
    all += &format!("{:<80}", "END");
    let n = all.len().next_multiple_of(BLOCK_BYTES);
    Ok(out.write_all(format!("{all:<n$}").as_bytes())?)
}

fn card(keyword: &str, value: &str, comment: &str) -> String {
    let value = if value.starts_with('\'') { format!("{value:<20}") } else { format!("{value:>20}") };
    let comment = if comment.is_empty() { String::new() } else { format!(" / {comment}") };
    let card = format!("{keyword:<8}= {value}{comment}");
    format!("{:<80}", card.chars().take(80).collect::<String>())
}

/// Quoted, in printable ASCII, short enough for a card.
fn text(text: &str) -> String {
    let plain = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).take(30).collect::<String>();
    format!("'{:<8}'", plain.replace('\'', "''"))
}

fn real(x: f64) -> String {
    format!("{x:.9E}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_80_columns_whatever_stands_on_it() {
        for (value, comment) in [("T", ""), ("'it''s'", "x"), ("1", "word ".repeat(40).as_str())] {
            assert_eq!(card("KEY", value, comment).len(), 80);
        }
        assert_eq!((text("it's é").as_str(), real(0.25).as_str()), ("'it''s ? '", "2.500000000E-1"));
    }
}
