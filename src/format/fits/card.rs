//! card = keyword (8 bytes) | "= " | value | "/ comment"        80 bytes, printable ASCII
//!
//! Only cards with a number, a truth or a text are of use here; all others are None, odd ones among them.

pub const CARD_BYTES: usize = 80;

#[derive(Debug, PartialEq)]
pub struct Card {
    /// Padded with blanks.
    pub keyword: [u8; 8],
    pub value: Value,
}

#[derive(Debug, PartialEq)]
pub enum Value {
    Integer(i64),
    /// With a point or an exponent, or beyond 64 bits.
    Real(f64),
    Logical(bool),
    Text(String),
}

impl Card {
    /// Some telescopes write garbage after END, in its card and after it.
    pub fn is_end(card: &[u8; CARD_BYTES]) -> bool {
        card.starts_with(b"END     ")
    }

    pub fn parse(card: &[u8; CARD_BYTES]) -> Option<Card> {
        let (keyword, rest) = card.split_first_chunk::<8>()?;
        let value = rest.strip_prefix(b"=")?.trim_ascii();
        Some(Card { keyword: *keyword, value: Value::parse(value)? })
    }
}

impl Value {
    fn parse(text: &[u8]) -> Option<Value> {
        if let Some(quoted) = text.strip_prefix(b"'") {
            return Some(Value::Text(unquoted(quoted)));
        }
        let text = text.split(|&b| b == b'/').next()?.trim_ascii();
        match text {
            b"T" => Some(Value::Logical(true)),
            b"F" => Some(Value::Logical(false)),
            _ => number(std::str::from_utf8(text).ok()?),
        }
    }

    /// A number of either kind.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Integer(v) => Some(*v as f64),
            Value::Real(v) => Some(*v),
            _ => None,
        }
    }
}

/// An exponent may begin with D; "inf" and "nan" are no numbers of FITS.
fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse() {
        return Some(Value::Integer(integer));
    }
    let real = || text.replace(['D', 'd'], "E").parse().ok().map(Value::Real);
    text.bytes().all(|b| b.is_ascii_digit() || b"+-.EeDd".contains(&b)).then(real)?
}

/// The text up to its closing quote, '' standing for one quote; blanks at the end mean nothing. What is not printable
/// ASCII becomes '?': labels end up on terminals.
fn unquoted(quoted: &[u8]) -> String {
    let mut text = String::new();
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        if b == b'\'' && bytes.next_if_eq(&b'\'').is_none() {
            break;
        }
        text.push(if (b' '..=b'~').contains(&b) { b.into() } else { '?' });
    }
    text.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Value> {
        let mut card = [b' '; CARD_BYTES];
        card[..text.len()].copy_from_slice(text.as_bytes());
        Card::parse(&card).map(|c| c.value)
    }

    #[test]
    fn numbers_truths_and_texts_are_read_with_and_without_comments() {
        assert_eq!(parse("BITPIX  =                   16"), Some(Value::Integer(16)));
        assert_eq!(parse("BITPIX  = -32/single"), Some(Value::Integer(-32)));
        assert_eq!(parse("SIMPLE  =                    T / yes"), Some(Value::Logical(true)));
        assert_eq!(parse("EXTNAME = 'O''Hara  '  / a name"), Some(Value::Text("O'Hara".into())));
        assert_eq!(parse("EXTNAME = 'never closed"), Some(Value::Text("never closed".into())));
        assert_eq!(parse("EXTNAME = 'a\u{7}b'"), Some(Value::Text("a?b".into())));
        assert_eq!(parse("BZERO   =         3.2768D+04 / unsigned"), Some(Value::Real(32768.0)));
        assert_eq!(parse("NAXIS1  = 99999999999999999999"), Some(Value::Real(1e20)));
    }

    #[test]
    fn other_cards_are_passed_over() {
        for text in
            ["", "COMMENT NAXIS = 3", "NAXIS   3", "EXPTIME = nan", "EXPTIME = -inf", "DATE = 2026-11-28", "NAXIS   ="]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
