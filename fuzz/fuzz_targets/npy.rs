//! Any bytes as an NPY file: its pieces tile it. With an odd first byte the input is only the dict, and the rest is made.
#![no_main]

use collapsar_fuzz::{bounded::Bounded, check_pieces, seeds};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(256 << 20);

fn begin() -> Vec<Vec<u8>> {
    let dicts = [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 10), }",
        "{'descr': '>i2', 'fortran_order': True, 'shape': (3, 40, 2), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2000,), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (), }",
        "{'shape': (18446744073709551615L, 2), 'descr': \"=c8\", 'fortran_order': False}",
    ];
    dicts
        .iter()
        .flat_map(|d| [[b"\x01", d.as_bytes()].concat(), [b"\x00", &laid_out(d.as_bytes())[..]].concat()])
        .collect()
}

/// Version 1, the dict, and a page of samples.
fn laid_out(dict: &[u8]) -> Vec<u8> {
    let n = dict.len().min(60_000) as u16;
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(n.to_le_bytes());
    out.extend(&dict[..n as usize]);
    out.resize(out.len() + 2000, 3);
    out
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let file = if how & 1 == 1 { laid_out(rest) } else { rest.to_vec() };
    check_pieces(&file);
});
