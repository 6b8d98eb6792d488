//! What the headers of a FITS file say of an image: how long it was exposed, what its samples stand for, where on the sky it is.

use collapsar::internals::Result;
use collapsar::internals::source::Source;

const CARD_BYTES: usize = 80;
const BLOCK_BYTES: u64 = 2880;
/// A header of so many blocks is no longer looked for.
const MAX_BLOCKS: u64 = 4096;
/// Keywords of the exposure time in seconds, the most usual first.
const EXPOSURE: [&str; 14] = [
    "EXPTIME", "EXPOSURE", "XPOSURE", "EXP_TIME", "EXPOSED", "EXPTIM", "ITIME", "INTTIME", "INT_TIME", "TELAPSE",
    "ONTIME", "LIVETIME", "ELAPTIME", "DARKTIME",
];
/// Keywords of a world coordinate system, without the numbers of axes and the letter behind them.
const WCS: [&str; 18] = [
    "CTYPE", "CUNIT", "CRPIX", "CRVAL", "CDELT", "CROTA", "CRDER", "CSYER", "CNAME", "CD", "PC", "PV", "PS", "A", "B",
    "AP", "BP", "WCSNAME",
];
const OF_ALL_AXES: [&str; 12] = [
    "LONPOLE", "LATPOLE", "RADESYS", "RADECSYS", "EQUINOX", "EPOCH", "A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER",
    "MJD-OBS", "DATE-OBS",
];

/// The cards of a header, without END.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cards(Vec<String>);

impl Cards {
    /// Of the image whose data begin at an offset of the file; none where no header ends there.
    pub fn before(source: &dyn Source, offset: u64) -> Result<Cards> {
        for n in 1..=(offset / BLOCK_BYTES).min(MAX_BLOCKS) {
            let start = offset - n * BLOCK_BYTES;
            let begins = source.bytes(start, 10)?;
            if begins.starts_with(b"SIMPLE  =") || begins.starts_with(b"XTENSION=") {
                return Ok(Cards::of(&source.bytes(start, (n * BLOCK_BYTES) as usize)?));
            }
        }
        Ok(Cards::default())
    }

    /// Of the first header of a file.
    pub fn first(source: &dyn Source) -> Result<Cards> {
        let mut text = Vec::new();
        let n_blocks = (source.len() / BLOCK_BYTES).min(MAX_BLOCKS);
        if n_blocks == 0 || !source.bytes(0, 9)?.starts_with(b"SIMPLE  =") {
            return Ok(Cards::default());
        }
        for block in 0..n_blocks {
            text.extend(source.bytes(block * BLOCK_BYTES, BLOCK_BYTES as usize)?);
            if text[(block * BLOCK_BYTES) as usize..].chunks(CARD_BYTES).any(|card| card.starts_with(b"END     ")) {
                break;
            }
        }
        Ok(Cards::of(&text))
    }

    fn of(text: &[u8]) -> Cards {
        let cards = text.chunks_exact(CARD_BYTES).take_while(|card| !card.starts_with(b"END     "));
        let printable = |b: &u8| if (b' '..=b'~').contains(b) { char::from(*b) } else { '?' };
        Cards(cards.map(|card| card.iter().map(printable).collect()).collect())
    }

    /// The number of a keyword; of a card that is there twice the first counts.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        let card = self.0.iter().find(|card| card[..8].trim_end() == keyword && card[8..].starts_with('='))?;
        let value = card[9..].split('/').next().unwrap_or_default().trim().trim_matches('\'').trim();
        value.replace(['D', 'd'], "E").parse().ok().filter(|x: &f64| x.is_finite())
    }

    /// Seconds.
    pub fn exposure(&self) -> Option<f64> {
        EXPOSURE.iter().find_map(|keyword| self.number(keyword)).filter(|seconds| *seconds >= 0.0)
    }

    /// BSCALE and BZERO.
    pub fn scaling(&self) -> (f64, f64) {
        (self.number("BSCALE").filter(|scale| *scale != 0.0).unwrap_or(1.0), self.number("BZERO").unwrap_or(0.0))
    }

    /// The cards of the world coordinate system of the first two axes, as they are.
    pub fn wcs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|card| is_wcs(card[..8].trim_end()) && card[8..].starts_with('='))
    }
}

fn is_wcs(keyword: &str) -> bool {
    if OF_ALL_AXES.contains(&keyword) {
        return true;
    }
    let name = keyword.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let (name, numbers) = match WCS.contains(&name) {
        true => (name, &keyword[name.len()..]),
        // the letter of a further system stands behind the numbers
        false => {
            let Some((last, rest)) = keyword.char_indices().next_back().map(|(i, c)| (c, &keyword[..i])) else {
                return false;
            };
            let name = rest.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
            if !last.is_ascii_uppercase() || !WCS.contains(&name) {
                return false;
            }
            (name, &rest[name.len()..])
        }
    };
    // the coefficients of SIP are numbered by powers, all else by axes
    let is_sip = ["A", "B", "AP", "BP"].contains(&name);
    let mut axes = numbers.split('_').filter(|n| !n.is_empty());
    match name {
        "WCSNAME" => numbers.is_empty(),
        _ if is_sip => numbers.starts_with('_') && axes.clone().count() == 2,
        "PV" | "PS" => axes.next().is_some_and(|axis| axis == "1" || axis == "2"),
        _ => !numbers.is_empty() && axes.all(|axis| axis == "1" || axis == "2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_of_the_first_two_axes_are_a_wcs_and_others_are_not() {
        for keyword in ["CTYPE1", "CRPIX2", "CD1_2", "PC2_1A", "PV2_13", "A_0_3", "BP_ORDER", "CRVAL1B", "EQUINOX"] {
            assert!(is_wcs(keyword), "{keyword}");
        }
        for keyword in ["CTYPE3", "CD3_1", "A", "B", "CD", "NAXIS1", "OBSERVER", "PCOUNT", "BZERO", "", "WCSAXES"] {
            assert!(!is_wcs(keyword), "{keyword}");
        }
    }

    #[test]
    fn numbers_are_read_from_texts_too_and_a_card_without_one_has_none() {
        let card = |text: &str| format!("{text:<80}");
        let text =
            [card("EXPOSURE= '30.5 '  / s"), card("ITIME   = 1.5D1"), card("OBJECT  = 'x'"), card("END")].concat();
        let cards = Cards::of(text.as_bytes());
        assert_eq!((cards.exposure(), cards.number("ITIME")), (Some(30.5), Some(15.0)));
        assert_eq!((cards.number("OBJECT"), cards.scaling()), (None, (1.0, 0.0)));
        assert_eq!(Cards::default().exposure(), None);
    }
}
