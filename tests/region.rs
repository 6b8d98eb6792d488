//! Boxes of arrays of any number of axes: what the whole shows there, from the tiles that it touches and no others.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::error::ErrorKind;
use collapsar::internals::model::Family;
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::{Archive, Choice, Options, compress};

/// A slope that drifts from plane to plane, with noise.
fn frame(plane: u16, h: usize, w: usize) -> Vec<u16> {
    let mut random = Lcg(u32::from(plane) + 7);
    (0..h * w).map(|i| 1000 + 9 * plane + (i % w + i / w) as u16 + random.below(9) as u16).collect()
}

#[test]
fn a_region_has_as_many_axes_as_its_array_and_decodes_only_what_it_touches() {
    let shape = [2, 3, 300, 280];
    let samples: Vec<u16> = (0..6).flat_map(|plane| frame(plane, 300, 280)).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
    let raw = Some(ArrayType { dtype: Dtype::U16, big_endian: true, shape: shape.to_vec() });
    let models = vec![synthetic::loaded(Family::Lattice)];
    let options = Options { model: Choice::These(models.clone()), raw, ..Options::default() };
    let packed = compress(&bytes, &options).unwrap();
    let archive = Archive::open(&packed, &models).unwrap();
    let array = archive.arrays().next().unwrap();
    let at = |i: [u64; 4]| i.iter().zip(shape).fold(0, |at, (&i, d)| at * d + i) as usize;
    for (origin, n) in [
        ([0, 0, 0, 0], [2, 3, 300, 280]),
        ([1, 1, 250, 250], [1, 2, 20, 30]),
        ([0, 2, 299, 279], [2, 1, 1, 1]),
        ([1, 0, 7, 9], [1, 3, 0, 5]),
        ([2, 3, 300, 280], [0, 0, 0, 0]),
    ] {
        let mut expected = Vec::new();
        for a in 0..n[0] {
            for b in 0..n[1] {
                for y in 0..n[2] {
                    for x in 0..n[3] {
                        expected.push(samples[at([origin[0] + a, origin[1] + b, origin[2] + y, origin[3] + x])]);
                    }
                }
            }
        }
        let mut out = vec![0u16; expected.len()];
        let n_tiles = archive.read_region(array, &origin, &n, &mut out).unwrap();
        assert!(out == expected, "{origin:?} {n:?}");
        let mut raw = vec![0; 2 * out.len()];
        assert_eq!(archive.read_region_bytes(array, &origin, &n, &mut raw).unwrap(), n_tiles);
        assert!(raw.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).eq(expected));
        assert_eq!(n_tiles == 0, out.is_empty());
    }
    // two planes by two rows by two columns of tiles; the first plane of all is predicted from none before it
    let mut out = [0u16; 4];
    assert_eq!(archive.read_region(array, &[0, 0, 255, 255], &[1, 1, 2, 2], &mut out).unwrap(), 4);
    assert_eq!(archive.read_region(array, &[0, 0, 0, 0], &[1, 1, 2, 2], &mut out).unwrap(), 1);
    let refused = |origin: &[u64], n: &[u64], out: &mut [u16]| archive.read_region(array, origin, n, out).unwrap_err();
    for (origin, n) in [
        (&[0, 0, 0][..], &[1, 1, 4][..]),
        (&[0, 0, 299, 0], &[1, 1, 2, 2]),
        (&[u64::MAX, 0, 0, 0], &[1, 1, 2, 2]),
        (&[0, 0, 0, 0], &[1, 1, 2, 3]),
    ] {
        assert_eq!(refused(origin, n, &mut out).kind, ErrorKind::Argument);
    }
    let as_floats = archive.read_region(array, &[0; 4], &[1, 1, 1, 2], &mut [0f32; 2]);
    assert_eq!(as_floats.unwrap_err().kind, ErrorKind::Argument);
}

#[test]
fn a_column_and_a_row_are_read_as_well() {
    for (shape, origin, n) in [(&[400, 1][..], &[7, 0][..], &[9, 1][..]), (&[400], &[7], &[9])] {
        let samples: Vec<u16> = (0..shape.iter().product::<u64>()).map(|i| 3 * i as u16 + 5).collect();
        let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
        let raw = Some(ArrayType { dtype: Dtype::U16, big_endian: false, shape: shape.to_vec() });
        let packed = compress(&bytes, &Options { model: Choice::Classic, raw, ..Options::default() }).unwrap();
        let archive = Archive::open(&packed, &[]).unwrap();
        let first = origin[0] as usize;
        let mut out = vec![0u16; n.iter().product::<u64>() as usize];
        let array = archive.arrays().next().unwrap();
        assert_eq!(archive.read_region(array, origin, n, &mut out).unwrap(), 1);
        assert_eq!(out, samples[first..][..out.len()]);
    }
}
