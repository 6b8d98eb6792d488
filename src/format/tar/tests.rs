use super::super::Format;
use super::super::tests::{arrays, cut, data, npy, small_fits, small_npy};

/// A header as POSIX has it, with the sum that is right.
fn header(name: &str, size: &[u8; 12], kind: u8) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..136].copy_from_slice(size);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    summed(block)
}

fn summed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn octal(n: usize) -> [u8; 12] {
    format!("{n:011o}\0").into_bytes().try_into().unwrap()
}

fn member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = header(name, &octal(content.len()), kind);
    out.extend(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A FITS, an NPY and a text, and what ends a tar.
fn group() -> Vec<u8> {
    let members =
        [member("a/b.fits", b'0', &small_fits()), member("c.npy", 0, &small_npy()), member("d", b'0', b"text")];
    [members.concat(), vec![0; 1024]].concat()
}

#[test]
fn the_arrays_of_a_tar_are_those_of_its_members() {
    let structure = cut(&group());
    assert_eq!((structure.format, &structure.note), (Format::Tar, &None));
    let at = 512 + small_fits().len().next_multiple_of(512) + 512;
    let start = at + small_npy().len() - 600;
    let expected = [(512 + 2 * 2880, vec![2, 9, 11], "a/b.fits: HDU 1 'SCI'"), (start as u64, vec![3, 5, 20], "c.npy")];
    assert_eq!(arrays(&structure), expected);
}

#[test]
fn a_name_may_stand_in_a_member_before_its_own() {
    let attributes = b"30 mtime=1700000000.123456789\n16 path=pax.npy\n11 odd=yes\n";
    for (before, name) in [
        (member("././@LongLink", b'L', b"dir/long.npy\0"), "dir/long.npy"),
        (member("PaxHeaders/x", b'x', attributes), "pax.npy"),
        (member("PaxHeaders/x", b'x', b"no lines at all"), "short"),
        (member("PaxHeaders/x", b'x', b"99999999999999999999 path=a\n"), "short"),
        (member("PaxHeaders/x", b'x', b"3 path=a\n"), "short"),
        (member("pax_global_header", b'g', b"14 path=other\n"), "short"),
        (member("dir/", b'5', b""), "short"),
    ] {
        let structure = cut(&[before, member("short", b'0', &small_npy())].concat());
        let names: Vec<&str> = arrays(&structure).iter().map(|a| a.2).collect();
        assert_eq!(names, [name]);
    }
    let mut prefixed = header("c.npy", &octal(small_npy().len()), b'0');
    prefixed[345..350].copy_from_slice(b"a/b/c");
    let structure = cut(&[summed(prefixed), small_npy()].concat());
    assert_eq!(arrays(&structure)[0].2, "a/b/c/c.npy");
}

#[test]
fn attributes_may_say_a_size_that_a_header_cannot() {
    let content = small_npy();
    let size = format!("12 size={}\n", content.len());
    let mut file = member("x", b'x', size.as_bytes());
    file.extend(header("big.npy", &octal(0), b'0'));
    file.extend(&content);
    assert_eq!(arrays(&cut(&file)).len(), 1);
}

#[test]
fn a_size_in_binary_is_read_and_one_beyond_all_files_ends_the_tar() {
    let content = small_npy();
    let mut binary = [0; 12];
    (binary[0], binary[10], binary[11]) = (0x80, (content.len() >> 8) as u8, content.len() as u8);
    let found = |size: &[u8; 12]| {
        let file = [header("c.npy", size, b'0'), content.clone()].concat();
        arrays(&cut(&file)).len()
    };
    assert_eq!(found(&binary), 1);
    let mut huge = [0xff; 12];
    assert_eq!(found(&huge), 0);
    (huge[0], huge[1], huge[2], huge[3]) = (0x80, 0, 0, 0);
    assert_eq!(found(&huge), 0);
    assert_eq!(found(b"77777777777\0"), 0);
    assert_eq!(found(b"777777777777"), 0);
    assert_eq!(found(b"0000000019x\0"), 0);
    assert_eq!(found(&[b' '; 12]), 0);
    assert_eq!(found(&octal(content.len() + 1)), 0);
}

#[test]
fn every_cut_of_a_tar_is_tiled_and_loses_no_array_before_it() {
    let group = group();
    let whole = arrays(&cut(&group)).len();
    for n in 0..group.len() {
        let structure = cut(&group[..n]);
        assert!(arrays(&structure).len() <= whole);
        assert_eq!(structure.format, if n < 512 { Format::Other } else { Format::Tar }, "{n}");
    }
    let cut_short = cut(&group[..512 + 3000]);
    assert_eq!(cut_short.note.as_deref(), Some("cut short within a/b.fits"));
}

#[test]
fn a_header_whose_sum_is_wrong_is_none() {
    let group = group();
    for bit in 0..512 * 8 {
        let mut wrong = group.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let structure = cut(&wrong);
        // the sum may be written in several ways, and only its field is not in it
        assert!((148..156).contains(&(bit / 8)) || structure.format != Format::Tar, "bit {bit}");
    }
    let second = 512 + small_fits().len().next_multiple_of(512);
    let mut wrong = group.clone();
    wrong[second] ^= 1;
    assert_eq!(arrays(&cut(&wrong)).len(), 1);
}

#[test]
fn a_tar_in_a_tar_and_an_odd_member_are_bytes() {
    assert_eq!(arrays(&cut(&member("inner.tar", b'0', &group()))), []);
    let odd = npy(1, "{'descr': '<u2'}", &data(2880));
    let structure = cut(&[member("odd.npy", b'0', &odd), member("c.npy", b'0', &small_npy())].concat());
    assert_eq!(arrays(&structure).len(), 1);
    assert!(structure.note.unwrap().starts_with("odd.npy: "));
}

#[test]
fn whatever_follows_a_header_is_tiled() {
    let mut state = 5u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for i in 0..300 {
        let mut block: Vec<u8> = (0..512).map(|_| random()).collect();
        block[257..262].copy_from_slice(b"ustar");
        if i % 2 == 0 {
            block[124..136].copy_from_slice(&octal(i * 3));
        }
        let mut file = summed(block);
        file.extend((0..i * 7).map(|_| random()));
        file.extend(group());
        cut(&file);
    }
}
