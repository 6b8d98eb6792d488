//! Arrays that are foreseen from other arrays of their file: there and back, in cut-outs, after damage, and from heads that lie.

mod tar;

use collapsar::internals::array::Dtype;
use collapsar::internals::codec::file::blocks::kind;
use collapsar::internals::container::{Limits, Reader, Writer};
use collapsar::internals::sample::Bound;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::weights::zoo;
use collapsar::internals::{
    Archive, Choice, ErrorKind, Loss, Options, References, Report, compress, compress_to, decompress, salvage,
};

/// One file of a group: dtype, shape, bytes.
type Field = (Dtype, Vec<usize>, Vec<u8>);

fn npy((dtype, shape, samples): &Field) -> Vec<u8> {
    let descr = match dtype {
        Dtype::U8 => "|u1",
        Dtype::U16 => "<u2",
        Dtype::I32 => "<i4",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        other => panic!("{} has no tar here", other.name()),
    };
    let shape: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut out = [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{dict:<117}\n").as_bytes()].concat();
    out.extend(samples);
    out
}

/// Files a.npy, b.npy … as a tar.
fn tar(fields: &[Field]) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> =
        ('a'..).zip(fields).map(|(name, field)| (format!("{name}.npy"), npy(field))).collect();
    tar::tar(files.iter().map(|(name, content)| (&name[..], &content[..])))
}

/// A slope under noise: what all fields of a group show, each in its own units.
fn scene(seed: u32, n: usize, h: usize, w: usize) -> Vec<i32> {
    let mut random = Lcg(seed);
    (0..n * h * w).map(|i| 3000 + (i % w / 3 + i / w % h / 2) as i32 + random.bell(40)).collect()
}

fn u16s(shape: &[usize], scene: &[i32], unit: impl Fn(i32) -> i32) -> Field {
    (Dtype::U16, shape.to_vec(), scene.iter().flat_map(|&v| (unit(v) as u16).to_le_bytes()).collect())
}

fn f32s(shape: &[usize], scene: &[i32], unit: impl Fn(usize, f32) -> f32) -> Field {
    let samples = scene.iter().enumerate().flat_map(|(i, &v)| unit(i, v as f32).to_le_bytes());
    (Dtype::F32, shape.to_vec(), samples.collect())
}

fn with(models: &[&str], loss: Loss, references: References) -> Options {
    let models = models.iter().flat_map(|name| zoo::by_name(name, &[]).unwrap()).collect();
    Options { model: Choice::These(models), loss, references, ..Options::default() }
}

fn run(bytes: &[u8], options: &Options) -> (Vec<u8>, Report) {
    compress_to(&bytes, Vec::new(), options, &|_| Ok(())).unwrap()
}

/// The file and the report, which comes back to the same bytes, with references or without.
fn there_and_back(bytes: &[u8], models: &[&str]) -> (Vec<u8>, Report) {
    let (packed, report) = run(bytes, &with(models, Loss::None, References::Auto));
    assert!(decompress(&packed).unwrap() == bytes);
    let (without, _) = run(bytes, &with(models, Loss::None, References::None));
    assert!(packed.len() <= without.len(), "{} with, {} without", packed.len(), without.len());
    (packed, report)
}

fn seen_by_each(report: &Report) -> Vec<Vec<&str>> {
    report.arrays.iter().map(|a| a.references.iter().map(String::as_str).collect()).collect()
}

#[test]
fn what_goes_together_is_a_reference_in_every_size_and_schedule() {
    for (n, h, w) in [(1, 70, 65), (1, 257, 300), (5, 33, 40), (3, 1, 4000)] {
        let shape = [n, h, w];
        let scene = scene(1, n, h, w);
        let group = tar(&[u16s(&shape, &scene, |v| v), u16s(&shape, &scene, |v| 30_000 - 5 * v)]);
        for models in [["pixelcnn-default"], ["lattice-default"]] {
            let (_, report) = there_and_back(&group, &models);
            assert_eq!(seen_by_each(&report), [vec![], vec!["a.npy"]], "{shape:?}");
        }
    }
}

#[test]
fn dtypes_differ_and_so_do_numbers_of_planes() {
    let (h, w) = (64, 80);
    let stack = scene(2, 4, h, w);
    let last = &stack[3 * h * w..];
    let ints = |scale: i32| stack.iter().flat_map(|v| (v * scale - 7).to_le_bytes()).collect::<Vec<u8>>();
    let group = tar(&[
        (Dtype::I32, vec![4, h, w], ints(1000)),
        u16s(&[h, w], last, |v| v / 2),
        (Dtype::U8, vec![h, w], last.iter().map(|v| ((v - 2800) / 2) as u8).collect()),
        u16s(&[4, h, w], &stack, |v| v + 11),
        u16s(&[4, h, w], &[last, last, last, last].concat(), |v| v),
    ]);
    let (packed, report) = there_and_back(&group, &["pixelcnn-default"]);
    let seen_by_each = seen_by_each(&report);
    assert!(seen_by_each[1].contains(&"a.npy") && seen_by_each[3].contains(&"a.npy"), "{seen_by_each:?}");
    assert!(seen_by_each[2..].iter().all(|seen| !seen.is_empty()), "{seen_by_each:?}");
    let archive = Archive::open(&packed, &[]).unwrap();
    let reference = archive.array(1).unwrap().head.references[0];
    assert_eq!((reference.back, reference.first, reference.stride), (1, 3, 0), "the plane that tells most");
    assert!(archive.array(4).unwrap().head.references.iter().all(|a| a.stride <= 1));
}

#[test]
fn phases_of_a_mosaic_look_at_those_of_another() {
    let (h, w) = (130, 141);
    let mut random = Lcg(3);
    let colour = |i: usize| [0, 4000, 9000, 2000][2 * (i / w % 2) + i % w % 2];
    let noise = scene(4, 1, h, w);
    let mosaic: Vec<i32> = noise.iter().enumerate().map(|(i, v)| v + colour(i)).collect();
    let other: Vec<i32> = mosaic.iter().map(|v| v + random.within(2)).collect();
    let group = tar(&[u16s(&[h, w], &mosaic, |v| v), u16s(&[h, w], &other, |v| 2 * v)]);
    let (packed, report) = there_and_back(&group, &["lattice-default"]);
    assert_eq!(seen_by_each(&report)[1], ["a.npy"]);
    let archive = Archive::open(&packed, &[]).unwrap();
    assert_eq!(archive.array(1).unwrap().head.grid().n_phases, 4);
    regions(&packed, 1, &group[group.len() - 1024 - (2 * h * w).next_multiple_of(512)..], (h, w));
}

/// Cut-outs of an array of u16 are what its samples show there; they begin at the end of the first block of `from`.
fn regions(packed: &[u8], number: u64, content: &[u8], (h, w): (usize, usize)) {
    let archive = Archive::open(&packed, &[]).unwrap();
    let array = archive.array(number).unwrap();
    let samples = &decompress(packed).unwrap()[array.offset as usize..][..2 * h * w];
    assert!(content.len() >= 2 * h * w);
    for (rows, columns) in [(0..h, 0..w), (h / 2..h / 2 + 1, w / 3..w / 3 + 2), (h - 1..h, 0..w), (3..9, w - 1..w)] {
        let cut =
            archive.region(array, 0, rows.start as u64..rows.end as u64, columns.start as u64..columns.end as u64);
        let at = |y: usize| &samples[2 * (y * w + columns.start)..2 * (y * w + columns.end)];
        assert_eq!(cut.unwrap().bytes, rows.clone().flat_map(at).copied().collect::<Vec<u8>>());
    }
}

#[test]
fn a_cut_out_decodes_the_tiles_of_its_anchors_that_it_sees() {
    let (h, w) = (600, 530);
    let scene = scene(5, 1, h, w);
    let units: [fn(i32) -> i32; 3] = [|v| v, |v| 3 * v, |v| 20_000 - v];
    let group = tar(&units.map(|unit| u16s(&[h, w], &scene, unit)));
    let (packed, report) = there_and_back(&group, &["pixelcnn-fast"]);
    assert!(seen_by_each(&report)[1..].iter().all(|seen| !seen.is_empty()));
    for number in 0..3 {
        regions(&packed, number, &group, (h, w));
    }
    let archive = Archive::open(&packed, &[]).unwrap();
    let array = archive.array(2).unwrap();
    let cut = archive.region(array, 0, 10..20, 10..20).unwrap();
    assert!((2..=3).contains(&cut.n_tiles), "{} tiles", cut.n_tiles);
}

#[test]
fn masks_of_both_sides_keep_their_bits_and_samples_their_bound() {
    let (n, h, w) = (3, 90, 100);
    let scene = scene(6, n, h, w);
    let land = |i: usize, at: usize| i / w % h + i % w < at || (at > 0 && i % 997 == 5);
    let shape = [n, h, w];
    let of = |at: usize, scale: f32| {
        f32s(
            &shape,
            &scene,
            move |i, v| if land(i, at) { 1e20 } else { (v + (i % 1009) as f32 / 1009.0).sqrt() * scale },
        )
    };
    let fields = [of(60, 1.0), of(80, 7.5), of(0, -3.0), of(70, 0.25)];
    let group = tar(&fields);
    for models in [["pixelcnn-field"], ["lattice-default"]] {
        let (packed, report) = run(&group, &with(&models, Loss::Rel(2e-3), References::Auto));
        assert!(
            seen_by_each(&report).iter().filter(|seen| !seen.is_empty()).count() >= 2,
            "{:?}",
            seen_by_each(&report)
        );
        let back = decompress(&packed).unwrap();
        let archive = Archive::open(&packed, &[]).unwrap();
        for array in archive.arrays() {
            let range = array.offset as usize..array.offset as usize + 4 * n * h * w;
            let Some(Bound::Abs(bound)) = array.head.map.bound() else { panic!("{}", array.head.map.name()) };
            for (a, b) in group[range.clone()].chunks_exact(4).zip(back[range].chunks_exact(4)) {
                let [x, y] = [a, b].map(|four| f32::from_le_bytes(four.try_into().unwrap()));
                let within = (f64::from(x) - f64::from(y)).abs() <= bound;
                assert!(a == b || (x.abs() < 1e19 && within), "{x} became {y}");
            }
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let scene = scene(7, 2, 300, 300);
    let shape = [2, 300, 300];
    let group = tar(&[u16s(&shape, &scene, |v| v), u16s(&shape, &scene, |v| v * 2), u16s(&shape, &scene, |v| v * 3)]);
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| compress(&group, &with(&["pixelcnn-fast"], Loss::None, References::Auto)).unwrap())
    };
    assert!(on(1) == on(2));
}

#[test]
fn names_say_which_arrays_come_into_question() {
    let scene = scene(8, 1, 64, 64);
    let group = tar(&[4, 3, 2].map(|scale| u16s(&[64, 64], &scene, |v| v * scale)));
    let referring_to = |names: &[&str]| {
        let references = References::These(names.iter().map(|name| name.to_string()).collect());
        let (packed, report) = run(&group, &with(&["pixelcnn-default"], Loss::None, references));
        assert!(decompress(&packed).unwrap() == group);
        report.arrays.into_iter().map(|a| a.references).collect::<Vec<_>>()
    };
    assert_eq!(referring_to(&["b.npy"]), [vec![], vec![], vec!["b.npy".to_string()]]);
    assert_eq!(referring_to(&["1"]), referring_to(&["b"]));
    assert!(referring_to(&["nowhere"]).iter().all(Vec::is_empty));
    assert_eq!(referring_to(&["a"])[1], ["a.npy"]);
}

#[test]
fn the_fields_of_one_array_may_be_arrays_of_their_own() {
    let (h, w) = (50, 60);
    let scene = scene(9, 1, h, w);
    let bytes = [1, 5, 3].into_iter().flat_map(|scale| u16s(&[h, w], &scene, |v| v * scale).2).collect();
    let group = npy(&(Dtype::U16, vec![3, h, w], bytes));
    let options = Options { fields: true, ..with(&["pixelcnn-default"], Loss::None, References::Auto) };
    let (packed, report) = run(&group, &options);
    assert!(decompress(&packed).unwrap() == group);
    assert_eq!(
        report.arrays.iter().map(|a| a.label.as_str()).collect::<Vec<_>>(),
        ["array [0]", "array [1]", "array [2]"]
    );
    assert_eq!(seen_by_each(&report)[1], ["array [0]"]);
}

#[test]
fn a_damaged_tile_costs_those_that_look_at_it() {
    let (h, w) = (300, 520);
    let scene = scene(10, 1, h, w);
    let mut state = Lcg(11);
    let other: Vec<i32> = (0..h * w).map(|_| 2000 + state.bell(60)).collect();
    let shape = [h, w];
    let group = tar(&[u16s(&shape, &scene, |v| v), u16s(&shape, &other, |v| v), u16s(&shape, &scene, |v| v * 3)]);
    let (packed, report) = there_and_back(&group, &["pixelcnn-fast"]);
    assert_eq!(seen_by_each(&report), [vec![], vec![], vec!["a.npy"]]);
    let archive = Archive::open(&packed, &[]).unwrap();
    let (first, third) = (archive.array(0).unwrap(), archive.array(2).unwrap());
    let n_tiles = first.head.grid().n_tiles() as usize;
    assert_eq!(n_tiles, 6);
    for nth in 0..n_tiles {
        let mut wrong = packed.clone();
        wrong[archive.reader.blocks()[first.first_block + nth].offset as usize + 20] ^= 1;
        assert_eq!(decompress(&wrong).unwrap_err().kind, ErrorKind::Corrupt);
        let mut rest = Vec::new();
        let report = salvage(&wrong, &mut rest, &[], &|_| Ok(())).unwrap();
        assert_eq!((report.n_tiles, report.n_tiles_lost), (18, 2), "{report:?}");
        let why = "a tile of another array that it is predicted from is lost";
        assert!(report.lost.iter().any(|lost| lost.to_string().starts_with("c.npy") && lost.why == why), "{report:?}");
        assert_eq!(rest.len(), group.len());
        for (i, (a, b)) in group.iter().zip(&rest).enumerate() {
            let of =
                [first, third].into_iter().find(|a| (a.offset..a.offset + 2 * (h * w) as u64).contains(&(i as u64)));
            let is_lost = of.is_some_and(|array| {
                let sample = (i - array.offset as usize) / 2;
                sample / w / 256 * 3 + sample % w / 256 == nth
            });
            assert!(a == b || is_lost, "byte {i} where tile {nth} is lost");
        }
    }
    // without the head of its reference an array is lost but for what has no reference
    let mut wrong = packed.clone();
    wrong[archive.reader.blocks()[first.first_block - 1].offset as usize + 20] ^= 1;
    let mut rest = Vec::new();
    let report = salvage(&wrong, &mut rest, &[], &|_| Ok(())).unwrap();
    assert_eq!((report.n_tiles, report.n_tiles_lost), (12, 6), "{report:?}");
    assert_eq!(rest.len(), group.len());
}

/// The file with another payload in the place of a block's.
fn replaced(packed: &[u8], block: usize, payload: &[u8]) -> Vec<u8> {
    let reader = Reader::open(&packed, &Limits::default()).unwrap();
    let mut writer = Writer::new(Vec::new()).unwrap();
    for (i, info) in reader.blocks().iter().enumerate() {
        let own = reader.payload(i).unwrap();
        writer.block(info.kind, if i == block { payload } else { &own }).unwrap();
    }
    writer.finish(reader.content_len(), *reader.content_blake3()).unwrap().0
}

#[test]
fn a_head_that_lies_is_an_error() {
    let scene = scene(12, 2, 24, 30);
    let group = tar(&[u16s(&[2, 24, 30], &scene, |v| v), u16s(&[2, 24, 30], &scene, |v| 2 * v)]);
    let (packed, report) = run(&group, &with(&["pixelcnn-fast"], Loss::None, References::Auto));
    assert_eq!(seen_by_each(&report)[1], ["a.npy"]);
    let archive = Archive::open(&packed, &[]).unwrap();
    let array = archive.array(1).unwrap();
    let (block, head, first) = (array.first_block - 1, &array.head, array.offset as usize);
    assert_eq!(archive.reader.blocks()[block].kind, kind::HEAD);
    let payload = archive.reader.payload(block).unwrap();
    let mut reference = Vec::new();
    head.references[0].write(&mut reference);
    let at = payload.windows(reference.len()).position(|bytes| bytes == reference).unwrap();
    // one array back, of plane 0, one further each
    assert_eq!(payload[at..at + 3], [1, 0, 1]);
    for (i, to, kind) in
        [(0, 2, ErrorKind::Corrupt), (0, 0, ErrorKind::Corrupt), (1, 1, ErrorKind::Corrupt), (2, 2, ErrorKind::Corrupt)]
    {
        let mut wrong = payload.clone();
        wrong[at + i] = to;
        let error = decompress(&replaced(&packed, block, &wrong)).unwrap_err();
        assert_eq!(error.kind, kind, "{i} {to}: {error}");
    }
    for i in 0..payload.len() {
        for flip in [1, 2, 4, 0x80, 0xff] {
            let mut wrong = payload.clone();
            wrong[i] ^= flip;
            let file = replaced(&packed, block, &wrong);
            // a label may be any
            assert!(decompress(&file).map_or(true, |content| content == group));
            let mut out = Vec::new();
            match salvage(&file, &mut out, &[], &|_| Ok(())) {
                // an array may claim to be longer, or to lie where others lie
                Ok(report) => {
                    let is_begun = out.len() == group.len() && out[..first] == group[..first];
                    assert!(out.len() >= group.len() && (is_begun || !report.is_whole()), "{i} {flip:#x}: {report:?}");
                }
                Err(error) => {
                    let of_the_file = matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Model | ErrorKind::Limit);
                    assert!(of_the_file, "{i} {flip:#x}: {error}");
                }
            }
        }
    }
}
