//! Any bytes as a FITS file: its pieces tile it. With an odd first byte the lines of the input become cards of 80 bytes.
#![no_main]

use collapsar_fuzz::{bounded::Bounded, check_pieces, seeds};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(256 << 20);

const CARDS: &str = "SIMPLE  =                    T\nBITPIX  =                  -32\nNAXIS   =                    2\n\
    NAXIS1  =                   10\nNAXIS2  =                   12\nEXTEND  =                    T\nEND\n";
const IMAGE: &str = "XTENSION= 'IMAGE   '\nBITPIX  =                   16\nNAXIS   =                    3\n\
    NAXIS1  =                   20\nNAXIS2  =                   12\nNAXIS3  =                    2\n\
    PCOUNT  =                    0\nGCOUNT  =                    1\nEXTNAME = 'SCI     '\nEND\n";
const TABLE: &str = "XTENSION= 'BINTABLE'\nBITPIX  =                    8\nNAXIS   =                    2\n\
    NAXIS1  =                   20\nNAXIS2  =                   12\nPCOUNT  =                  100\n\
    GCOUNT  =                    1\nEND\n";
const GROUPS: &str = "SIMPLE  =                    T\nBITPIX  =                  -64\nNAXIS   =                    2\n\
    NAXIS1  =                    0\nNAXIS2  =                   12\nGROUPS  =                    T\n\
    PCOUNT  =                    3\nGCOUNT  =                    7\nEND\n";

fn begin() -> Vec<Vec<u8>> {
    let texts = [CARDS.into(), GROUPS.into(), [CARDS, IMAGE].concat(), [CARDS, TABLE, IMAGE, IMAGE].concat()];
    texts
        .iter()
        .flat_map(|text: &String| {
            [[b"\x01", text.as_bytes()].concat(), [b"\x00", &laid_out(text.as_bytes())[..]].concat()]
        })
        .collect()
}

/// Each line a card; END fills the block, and a few blocks of data follow it.
fn laid_out(lines: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines.split(|&b| b == b'\n').take(200) {
        let mut card = [b' '; 80];
        let n = line.len().min(80);
        card[..n].copy_from_slice(&line[..n]);
        out.extend(card);
        if line.starts_with(b"END") {
            out.resize(out.len().next_multiple_of(2880), b' ');
            // after the E, N and D: how many blocks of data, and how many bytes are missing of them
            let n_blocks = line.get(3).map_or(1, |b| usize::from(*b % 4));
            let missing = line.get(4).map_or(0, |b| usize::from(*b));
            out.resize((out.len() + 2880 * n_blocks).saturating_sub(missing), 7);
        }
    }
    out
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let file = if how & 1 == 1 { laid_out(rest) } else { rest.to_vec() };
    check_pieces(&file);
});
