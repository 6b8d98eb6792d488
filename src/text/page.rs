//! Where in a card a symbol stands, and what is around it
//!
//! A card ends behind its 80th column, or where it says so.

pub const COLUMNS: usize = 80;
/// The rest of a card is filler; or, where it is told, an end of a line that stands in the text.
pub const END: u8 = b'\n';

/// Cards as symbols. What has not been told yet is `END`.
#[derive(Clone)]
pub struct Page {
    card: [u8; COLUMNS],
    above: [u8; COLUMNS],
    column: usize,
    /// The last two symbols, the nearest in the low byte.
    recent: u32,
    /// The kinds of the last four, the nearest in the low bits.
    shape: u32,
    /// Of the letters and digits at the end; 0 without any.
    word: u32,
}

pub const N_CONTEXTS: usize = 6;

impl Default for Page {
    fn default() -> Page {
        let empty = [END; COLUMNS];
        let end = u32::from(END);
        let shape = kind(END) * 0x1111;
        Page { card: empty, above: empty, column: 0, recent: end << 8 | end, shape, word: 0 }
    }
}

impl Page {
    /// A text of `n` bytes begins, so that its last card ends with it: the data of a FITS begin where a card ends.
    pub fn begin(&mut self, n: usize) {
        if self.column > 0 {
            self.turn();
        }
        self.column = (COLUMNS - n % COLUMNS) % COLUMNS;
    }

    /// Columns that are left of the card.
    pub fn room(&self) -> usize {
        COLUMNS - self.column
    }

    pub fn put(&mut self, symbol: u8) {
        self.recent = (self.recent << 8 | u32::from(symbol)) & 0xffff;
        self.shape = (self.shape << 4 | kind(symbol)) & 0xffff;
        self.word = if symbol.is_ascii_alphanumeric() { hash(self.word, u32::from(symbol)) } else { 0 };
        self.card[self.column] = symbol;
        self.column += 1;
        if symbol == END || self.column == COLUMNS {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.above = std::mem::replace(&mut self.card, [END; COLUMNS]);
        self.column = 0;
    }

    /// What the next symbol is looked up by.
    pub fn contexts(&self) -> [u32; N_CONTEXTS] {
        let (column, above) = (self.column as u32, u32::from(self.above[self.column]));
        [
            hash(column, 1),
            hash(self.recent & 255, 2),
            hash(self.recent, 3),
            hash(self.word, 4),
            hash(self.shape | column << 16, 5),
            hash(self.shape | above << 16, 6),
        ]
    }

    /// The kind of the last symbol.
    pub fn last_kind(&self) -> usize {
        (self.shape & 15) as usize
    }
}

/// Below 16.
fn kind(symbol: u8) -> u32 {
    match symbol {
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'a'..=b'z' => 3,
        b' ' => 4,
        END | 0 => 5,
        b'.' => 6,
        b'\'' => 7,
        b':' | b'-' | b'+' => 8,
        _ => 9,
    }
}

pub fn hash(a: u32, b: u32) -> u32 {
    let h = (a.wrapping_mul(0x9e37_79b1) ^ b).wrapping_mul(0x85eb_ca6b);
    (h ^ h >> 15).wrapping_mul(0xc2b2_ae35)
}
