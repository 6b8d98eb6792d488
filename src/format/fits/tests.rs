use super::super::tests::{array_types, arrays, cut, data, header, small_fits};
use super::super::{Format, Structure};
use crate::array::{ArrayType, Dtype};

/// A primary HDU of these cards and so many bytes of data.
fn primary(cards: &[&str], n: usize) -> Vec<u8> {
    let mut file = header(&[&["SIMPLE  =                    T"], cards].concat());
    file.extend(data(n));
    file
}

const IMAGE: [&str; 4] = ["BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 20", "NAXIS2  = 30"];

fn note(structure: &Structure) -> &str {
    structure.note.as_deref().unwrap_or("")
}

/// The file is kept whole, and the note says this.
fn assert_not_understood(file: &[u8], why: &str) {
    let structure = cut(file);
    assert_eq!((structure.format, arrays(&structure)), (Format::Other, vec![]), "{why}");
    assert_eq!(note(&structure), format!("begins like FITS, but HDU 0: {why}"));
}

#[test]
fn images_are_arrays_and_headers_padding_and_tables_are_bytes() {
    let structure = cut(&small_fits());
    assert_eq!(structure.format, Format::Fits);
    assert_eq!(arrays(&structure), [(5760, vec![2, 9, 11], "HDU 1 'SCI'")]);
    assert_eq!(structure.pieces.len(), 3);
    assert_eq!(structure.note, None);
}

#[test]
fn every_bitpix_has_its_dtype() {
    let dtypes =
        [(8, Dtype::U8), (16, Dtype::I16), (32, Dtype::I32), (64, Dtype::I64), (-32, Dtype::F32), (-64, Dtype::F64)];
    for (bitpix, dtype) in dtypes {
        let file = primary(&[&format!("BITPIX  = {bitpix}"), "NAXIS   = 1", "NAXIS1  = 300"], 300 * dtype.n_bytes());
        let big_endian = dtype != Dtype::U8;
        assert_eq!(array_types(&cut(&file)), [ArrayType { dtype, big_endian, shape: vec![300] }]);
    }
}

#[test]
fn naxis_may_be_999() {
    let mut cards = vec!["BITPIX  = 8".to_string(), "NAXIS   = 999".to_string(), "NAXIS1  = 300".to_string()];
    cards.extend((2..=999).map(|i| format!("NAXIS{i:<3}= 1")));
    let cards: Vec<&str> = cards.iter().map(String::as_str).collect();
    assert_eq!(array_types(&cut(&primary(&cards, 300)))[0].shape.len(), 999);
}

#[test]
fn a_table_is_skipped_with_its_heap_and_the_image_after_it_is_found() {
    let mut file = small_fits();
    file.extend(header(&[&["XTENSION= 'IMAGE'"], &IMAGE[..]].concat()));
    let start = file.len() as u64;
    file.extend(data(1200));
    let structure = cut(&file);
    assert_eq!(arrays(&structure)[1], (start, vec![30, 20], "HDU 3"));
}

#[test]
fn random_groups_are_skipped_and_the_image_after_them_is_found() {
    let cards = [
        "BITPIX  = -32",
        "NAXIS   = 3",
        "NAXIS1  = 0",
        "NAXIS2  = 50",
        "NAXIS3  = 10",
        "GROUPS  = T",
        "PCOUNT  = 7",
        "GCOUNT  = 3",
    ];
    let mut file = primary(&cards, 4 * 3 * (7 + 500));
    file.extend(header(&[&["XTENSION= 'IMAGE'"], &IMAGE[..]].concat()));
    let start = file.len() as u64;
    file.extend(data(1200));
    assert_eq!(arrays(&cut(&file)), [(start, vec![30, 20], "HDU 1")]);
}

#[test]
fn pcount_means_nothing_in_a_primary_image_and_keeps_an_image_extension_as_bytes() {
    let cards = [&IMAGE[..], &["PCOUNT  = 5", "GCOUNT  = 2"]].concat();
    assert_eq!(arrays(&cut(&primary(&cards, 1200))).len(), 1);

    let mut file = primary(&["BITPIX  = 8", "NAXIS   = 0"], 0);
    file.extend(header(&[&["XTENSION= 'IMAGE'"], &cards[..]].concat()));
    file.extend(data(2410));
    let structure = cut(&file);
    assert_eq!(arrays(&structure), []);
    assert_eq!(note(&structure), "HDU 1: an IMAGE with groups is kept as it is");
}

#[test]
fn an_axis_of_no_length_has_no_data() {
    let mut cards = IMAGE;
    cards[3] = "NAXIS2  = 0";
    assert_eq!(cut(&primary(&cards, 0)).note, None);
}

#[test]
fn junk_after_end_is_kept_and_harms_nothing() {
    let mut file = primary(&IMAGE, 1200);
    let end = 5 * 80;
    assert_eq!(&file[end..end + 3], b"END");
    file[end + 8..2880].fill(0xfe);
    assert_eq!(arrays(&cut(&file)), [(2880, vec![30, 20], "HDU 0")]);
}

#[test]
fn junk_after_the_last_hdu_is_kept_and_noted() {
    for (n, junk) in [(1, "x"), (9, "XTENSION?"), (2880, "\0")] {
        let mut file = primary(&IMAGE, 1200);
        file.extend(junk.bytes().cycle().take(n));
        let structure = cut(&file);
        assert_eq!(arrays(&structure).len(), 1);
        assert_eq!(note(&structure), format!("{n} bytes follow HDU 0"));
    }
}

#[test]
fn missing_padding_at_the_end_harms_nothing() {
    let file = primary(&IMAGE, 1200);
    let structure = cut(&file[..2880 + 1200]);
    assert_eq!(arrays(&structure), [(2880, vec![30, 20], "HDU 0")]);
    assert_eq!(structure.note, None);
}

#[test]
fn data_cut_short_keep_their_complete_rows() {
    let file = primary(&IMAGE, 1200);
    for (n, rows) in [(1199, 29), (1160, 29), (1159, 28), (280, 7)] {
        let structure = cut(&file[..2880 + n]);
        assert_eq!(arrays(&structure), [(2880, vec![rows, 20], "HDU 0, cut short")]);
        assert_eq!(note(&structure), format!("HDU 0: the data are cut short: {n} of 1200 bytes are there"));
    }
    assert_eq!(arrays(&cut(&file[..2880 + 279])), []);
}

#[test]
fn a_cube_cut_short_keeps_its_complete_planes_and_then_rows() {
    let cards = ["BITPIX  = 8", "NAXIS   = 4", "NAXIS1  = 20", "NAXIS2  = 30", "NAXIS3  = 2", "NAXIS4  = 4"];
    let file = primary(&cards, 4800);
    let expected = [(2880, vec![5, 30, 20], "HDU 0, cut short"), (2880 + 3000, vec![20, 20], "HDU 0, cut short")];
    assert_eq!(arrays(&cut(&file[..2880 + 3000 + 419])), expected);
}

#[test]
fn a_vector_cut_short_keeps_its_complete_samples() {
    let file = primary(&["BITPIX  = -64", "NAXIS   = 1", "NAXIS1  = 1000"], 8000);
    assert_eq!(arrays(&cut(&file[..2880 + 807])), [(2880, vec![100], "HDU 0, cut short")]);
}

#[test]
fn simple_f_is_tried_all_the_same_and_noted() {
    let mut file = primary(&IMAGE, 1200);
    file[29] = b'F';
    let structure = cut(&file);
    assert_eq!(arrays(&structure).len(), 1);
    assert_eq!(note(&structure), "HDU 0: SIMPLE = F: it may not follow the standard");
}

#[test]
fn of_a_card_that_is_there_twice_the_first_counts() {
    let cards = [&IMAGE[..], &["NAXIS1  = 7", "BITPIX  = -64"]].concat();
    assert_eq!(arrays(&cut(&primary(&cards, 1200))), [(2880, vec![30, 20], "HDU 0")]);
}

#[test]
fn headers_that_make_no_sense_leave_the_file_as_it_is() {
    let with = |i: usize, card| {
        let mut cards = IMAGE;
        cards[i] = card;
        primary(&cards, 1200)
    };
    assert_not_understood(&with(0, "BITPIX  = 24"), "BITPIX is 24");
    assert_not_understood(&with(0, "bitpix  = 16"), "BITPIX is missing or not a number");
    assert_not_understood(&with(1, "NAXIS   = 1000"), "NAXIS is 1000");
    assert_not_understood(&with(1, "NAXIS   = -1"), "NAXIS is -1");
    assert_not_understood(&with(1, "NAXIS   = 9223372036854775808"), "NAXIS is missing or not a number");
    assert_not_understood(&with(1, "NAXIS   = 3"), "NAXIS3 is missing or not a number");
    assert_not_understood(&with(2, "NAXIS1  = -20"), "NAXIS1 is -20");
    assert_not_understood(&with(3, "NAXIS2  = 9223372036854775807"), "the data would be larger than any file");
}

#[test]
fn data_that_only_a_huge_file_could_hold_are_cut_short_not_refused() {
    let mut cards = IMAGE;
    cards[3] = "NAXIS2  = 200000000000000000";
    assert_eq!(arrays(&cut(&primary(&cards, 1200))), [(2880, vec![72, 20], "HDU 0, cut short")]);
    cards[2] = "NAXIS1  = 200000000000000000";
    cards[3] = "NAXIS2  = 20";
    assert_eq!(arrays(&cut(&primary(&cards, 1200))), []);
}

#[test]
fn a_header_without_end_leaves_the_file_as_it_is() {
    let mut file = primary(&IMAGE, 1200);
    file[5 * 80] = b'?';
    assert_not_understood(&file, "the header has no END");
}

#[test]
fn a_bad_extension_costs_only_itself_and_what_follows() {
    let mut file = primary(&IMAGE, 1200);
    file.extend(header(&["XTENSION= 'IMAGE'", "BITPIX  = 17"]));
    file.extend(header(&[&["XTENSION= 'IMAGE'"], &IMAGE[..]].concat()));
    file.extend(data(1200));
    let structure = cut(&file);
    assert_eq!((structure.format, arrays(&structure).len()), (Format::Fits, 1));
    assert_eq!(note(&structure), "HDU 1: BITPIX is 17");
}

/// What the header says that ends where the array begins, and what stands there for no sample.
fn missing(cards: &[&str]) -> Option<(i64, String)> {
    let file = primary(&[&IMAGE[..], cards].concat(), 1200);
    let described = super::before(&file[..2880]).unwrap();
    assert_eq!((described.ty.dtype, described.ty.shape), (Dtype::I16, vec![30, 20]));
    described.missing.map(|missing| (missing.stored, missing.name))
}

#[test]
fn no_sample_is_blank_where_the_header_has_it_and_else_0_as_it_is_stored() {
    let name = |stored: i64, name: &str| Some((stored, name.to_string()));
    assert_eq!(missing(&["BLANK   = -32768"]), name(-32768, "BLANK, -32768"));
    assert_eq!(missing(&["BLANK   = 5", "BLANK   = 6", "BZERO   = 32768"]), name(5, "BLANK, 5"));
    assert_eq!(missing(&["BZERO   = 32768"]), name(-32768, "0, stored as -32768"));
    assert_eq!(missing(&["BZERO   = 3.2768D+04", "BSCALE  = 1.0"]), name(-32768, "0, stored as -32768"));
    let others = [&[][..], &["BLANK   = 40000"], &["BLANK   = 1.5"], &["BZERO   = 0.0"], &["BZERO   = -32768"]];
    others.iter().for_each(|cards| assert_eq!(missing(cards), None, "{cards:?}"));
    assert_eq!(missing(&["BZERO   = 32768", "BSCALE  = 2"]), None);
    assert_eq!(missing(&["BZERO   = 0.5"]), None);
}

#[test]
fn a_header_is_found_from_its_end_and_nothing_else_is() {
    let file = small_fits();
    let before = |n: usize| super::before(&file[..n]).map(|described| described.ty.shape);
    assert_eq!(before(5760), Some(vec![2, 9, 11]));
    for n in [0, 100, 2880, 5759, 5761, file.len()] {
        assert_eq!(before(n), None, "{n}");
    }
}
