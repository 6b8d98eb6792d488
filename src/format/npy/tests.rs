use super::super::Format;
use super::super::tests::{array_types, arrays, cut, data, npy, small_npy};
use crate::array::{ArrayType, Dtype};

fn dict(descr: &str, fortran_order: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}   \n")
}

fn samples() -> Vec<u8> {
    data(2880)
}

#[test]
fn the_array_begins_after_the_header_in_every_version() {
    for (version, start) in [(1, 10), (2, 12), (3, 12)] {
        let dict = dict("'<u2'", "False", "(3, 5, 20)");
        let structure = cut(&npy(version, &dict, &samples()[..600]));
        assert_eq!((structure.format, &structure.note), (Format::Npy, &None));
        assert_eq!(arrays(&structure), [(start + dict.len() as u64, vec![3, 5, 20], "array")]);
    }
}

#[test]
fn every_descr_has_its_dtype_and_byte_order() {
    let cases = [
        ("|b1", Dtype::U8, false),
        ("|u1", Dtype::U8, false),
        (">i1", Dtype::I8, false),
        ("<u2", Dtype::U16, false),
        (">i2", Dtype::I16, true),
        ("=u4", Dtype::U32, false),
        (">i4", Dtype::I32, true),
        ("<u8", Dtype::U64, false),
        (">i8", Dtype::I64, true),
        ("f4", Dtype::F32, false),
        (">f8", Dtype::F64, true),
    ];
    for (descr, dtype, big_endian) in cases {
        let file = npy(1, &dict(&format!("'{descr}'"), "False", "(256,)"), &samples()[..256 * dtype.n_bytes()]);
        assert_eq!(array_types(&cut(&file)), [ArrayType { dtype, big_endian, shape: vec![256] }], "{descr}");
    }
}

#[test]
fn an_array_in_fortran_order_is_the_array_of_the_reversed_shape() {
    let file = npy(1, &dict("'<f4'", "True", "(2, 30, 4)"), &samples()[..960]);
    assert_eq!(array_types(&cut(&file))[0].shape, [4, 30, 2]);
}

#[test]
fn the_dict_may_be_spelt_otherwise() {
    let file = npy(1, "{\"shape\":(3L,100L),\"fortran_order\":False,\"descr\":\"<u2\"}", &samples()[..600]);
    assert_eq!(array_types(&cut(&file))[0].shape, [3, 100]);
}

#[test]
fn what_follows_the_array_stays_bytes() {
    let structure = cut(&[small_npy(), vec![1, 2, 3]].concat());
    assert_eq!(arrays(&structure).len(), 1);
    assert_eq!(structure.note.unwrap(), "3 bytes follow the array");
}

#[test]
fn an_array_cut_short_keeps_its_complete_planes_and_then_rows() {
    let file = npy(1, &dict("'|u1'", "False", "(3, 30, 20)"), &samples()[..1799]);
    let start = (file.len() - 1799) as u64;
    let expected = [(start, vec![2, 30, 20], "array, cut short"), (start + 1200, vec![29, 20], "array, cut short")];
    assert_eq!(arrays(&cut(&file)), expected);
}

#[test]
fn samples_that_are_not_numbers_stay_bytes() {
    for descr in ["'|O'", "'<c8'", "'<f2'", "'<U5'", "'<M8[ns]'", "''", "[('x', '<f4'), ('y', '<f4')]"] {
        let structure = cut(&npy(1, &dict(descr, "False", "(100,)"), &samples()));
        assert_eq!((structure.format, structure.pieces.len()), (Format::Npy, 1), "{descr}");
        assert!(structure.note.unwrap().ends_with("are kept as they are"));
    }
}

#[test]
fn dicts_that_make_no_sense_leave_the_file_as_it_is() {
    let dicts = [
        "",
        "{",
        "{'descr'",
        "{'descr': '<f4'",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (100,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (100,), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-100,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10 10)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 100}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
    ];
    for dict in dicts {
        let structure = cut(&npy(1, dict, &samples()));
        assert_eq!(structure.pieces.len(), 1, "{dict}");
        assert!(structure.note.is_some(), "{dict}");
    }
}

#[test]
fn an_unknown_version_and_a_header_past_the_end_leave_the_file_as_it_is() {
    let mut file = small_npy();
    file[6] = 4;
    assert_eq!(cut(&file).note.unwrap(), "begins like NPY, but its version is not 1, 2 or 3");
    let mut file = npy(2, "{}", &samples());
    file[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(cut(&file).note.unwrap(), "begins like NPY, but its header is unreasonably long");
    assert_eq!(cut(&small_npy()[..50]).note.unwrap(), "begins like NPY, but ends within its header");
}

#[test]
fn a_scalar_is_too_small_to_be_an_array() {
    assert_eq!(arrays(&cut(&npy(1, &dict("'<f8'", "False", "()"), &samples()[..8]))), []);
}

#[test]
fn a_header_is_found_from_its_end_and_nothing_else_is() {
    let file = [&b"a tar may stand before it"[..], &small_npy()].concat();
    let start = file.len() - 600;
    let before = |n: usize| super::before(&file[..n]).map(|described| described.ty.shape);
    assert_eq!(before(start), Some(vec![3, 5, 20]));
    for n in [0, 20, start - 1, start + 1, file.len()] {
        assert_eq!(before(n), None, "{n}");
    }
}
