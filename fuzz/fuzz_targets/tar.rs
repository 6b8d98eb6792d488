//! Any bytes as a tar: its pieces tile it. With an odd first byte the input is a name, a size and a content, and the rest is made.
#![no_main]

use collapsar_fuzz::{bounded::Bounded, check_pieces, seeds};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(256 << 20);

const NPY: &[u8] = b"\x93NUMPY\x01\x00\x3e\x00{'descr': '<i2', 'fortran_order': False, 'shape': (20, 30), }\n";

fn begin() -> Vec<Vec<u8>> {
    let parts: [(u8, &[u8], &[u8]); 5] = [
        (b'0', b"00000002260\0", NPY),
        (b'x', b"00000000020\0", b"16 path=pax.npy\n"),
        (b'L', b"00000000011\0", b"long.npy\0"),
        (b'0', b"\x80\0\0\0\0\0\0\0\0\0\x04\xb0", NPY),
        (b'0', b"77777777777\0", NPY),
    ];
    let odd = parts.map(|(kind, size, content)| [&[1, kind], size, content].concat());
    odd.iter().map(|file| [&[0][..], &laid_out(&file[1..])].concat()).chain(odd.clone()).collect()
}

/// A member of this kind, size and content with a header whose sum is right, and a page of samples.
fn laid_out(input: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..5].copy_from_slice(b"a.npy");
    let (head, content) = input.split_at(input.len().min(13));
    let (kind, size) = head.split_first().map_or((b'0', head), |(kind, size)| (*kind, size));
    header[124..124 + size.len()].copy_from_slice(size);
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&b| u32::from(b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = [&header, content].concat();
    out.resize(out.len() + 2000, 3);
    out
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let file = if how & 1 == 1 { laid_out(rest) } else { rest.to_vec() };
    check_pieces(&file);
});
