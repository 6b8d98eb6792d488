//! Any bytes as the code of a text, as a text, and as two texts of which one is told from the other.
#![no_main]

use collapsar::internals::codec::file::bytes::{Decoder, Encoder};
use collapsar::internals::error::Error;
use collapsar::internals::text::Known;
use collapsar::internals::wire::put_varint;
use collapsar_fuzz::{bounded::Bounded, script::Script, seeds};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(64 << 20);

fn begin() -> Vec<Vec<u8>> {
    let cards = ["SIMPLE  =                    T", "BITPIX  =                   16 / bits", "COMMENT", "END"];
    let text: String = cards.iter().map(|card| format!("{card:<80}")).collect();
    let code = Known::cards().encode(text.as_bytes());
    let lines = b"{\"a\": 1,\n \"b\": 2}\n\0\0\0\0";
    vec![
        [&[0, 64, 1], &code[..]].concat(),
        [&[1, 0], text.as_bytes()].concat(),
        [&[1, 0], &lines[..]].concat(),
        [&[2, 160], text.as_bytes()].concat(),
    ]
}

fn payload(encoder: &mut Encoder, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    put_varint(&mut payload, offset);
    payload.extend(encoder.encode(offset, bytes, true).expect("zstd has memory"));
    payload
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    match script.byte() % 3 {
        0 => {
            let n = usize::from(script.word());
            if let Ok(text) = Known::cards().decode(script.0, n) {
                assert_eq!(text.len(), n);
            }
        }
        1 => {
            script.byte();
            let code = Known::cards().encode(script.0);
            assert_eq!(Known::cards().decode(&code, script.0.len()).as_deref(), Ok(script.0));
        }
        _ => {
            let cut = (usize::from(script.byte()) * 8).min(script.0.len());
            let (first, second) = script.0.split_at(cut);
            let (mut encoder, decoder) = (Encoder::default(), Decoder::default());
            let one = payload(&mut encoder, 5, first);
            let two = payload(&mut encoder, 5 + cut as u64, second);
            let fetch = |offset| if offset == 5 { Ok(one.clone()) } else { Err(Error::corrupt("nothing begins there")) };
            assert_eq!(decoder.decode(&two, &fetch).as_deref(), Ok(second));
            assert_eq!(decoder.decode(&one, &fetch).as_deref(), Ok(first));
        }
    }
});
