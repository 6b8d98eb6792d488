//! What was found by attack, one test each: absurd claims, odd shapes, and files whose sums hold and whose numbers lie.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::array::head::Spec;
use collapsar::internals::container::Writer;
use collapsar::internals::error::{Error, ErrorKind, Result};
use collapsar::internals::grid::Layout;
use collapsar::internals::kernel::PlaneStats;
use collapsar::internals::model::{Family, Model};
use collapsar::internals::net::Refit;
use collapsar::internals::sample::{Map, Stats};
use collapsar::internals::synthetic;
use collapsar::internals::tile::coder::{CellCoder, Coder, Fitted};
use collapsar::internals::{Archive, Choice, Options, SalvageReport, compress, decompress, salvage};
use std::sync::Arc;

fn raw(dtype: Dtype, shape: &[u64]) -> Option<ArrayType> {
    Some(ArrayType { dtype, big_endian: false, shape: shape.to_vec() })
}

/// The head of an array of u16 in planes of h × w, with the usual tiles.
fn head(n_planes: u64, h: u64, w: u64) -> Spec {
    let mut stats = Stats::new(Dtype::U16);
    stats.update(&[0, 0, 1, 0, 255, 0], false);
    Spec {
        ty: ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![n_planes, h, w] },
        label: "claimed".into(),
        map: Map::candidates(&stats)[0].clone(),
        layout: Layout::usual(n_planes as usize, h as usize, w as usize, 1, 1),
        common: Vec::new(),
        n_previous: 0,
        key_interval: 0,
        references: Vec::new(),
        coder: Coder::Classic,
    }
}

fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    collapsar::internals::wire::put_varint(&mut out, value);
    out
}

/// A file whose sums hold: one array, and constant tiles (5 each) for the numbers given.
fn claim(head: &Spec, tiles: impl Iterator<Item = u64>) -> Vec<u8> {
    let n_bytes = head.ty.n_bytes().unwrap();
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.block(1, &[vec![3], varint(n_bytes)].concat()).unwrap();
    let mut bytes = vec![0, 0];
    head.write(&mut bytes);
    writer.block(5, &bytes).unwrap();
    for number in tiles {
        writer.block(6, &[vec![0], varint(number), vec![0, 0, 5]].concat()).unwrap();
    }
    writer.finish(n_bytes, [0; 32]).unwrap().0
}

fn opened(file: &[u8], models: &[Arc<Model>]) -> Result<()> {
    Archive::open(&file.to_vec(), models).map(|_| ())
}

fn salvaged(file: &[u8]) -> Result<SalvageReport> {
    salvage(&file.to_vec(), &mut std::io::sink(), &[], &|_| Ok(()))
}

#[test]
fn a_row_of_a_tera_sample_is_refused_before_its_tiles_are_counted() {
    for (h, w) in [(1, 1 << 40), (1 << 10, 1 << 30), (1, 1 << 26)] {
        let file = claim(&head(1, h, w), 0..3);
        assert_eq!(opened(&file, &[]).unwrap_err().kind, ErrorKind::Corrupt, "{h}×{w}");
        let tiles = salvaged(&file).map(|report| report.n_tiles); // 128 MiB that no tile is left of may be made up
        assert!(matches!(tiles, Ok(0) | Err(Error { kind: ErrorKind::Limit, .. })), "{h}×{w}");
    }
}

/// 41 KB of constant tiles took 1.9 GB where a band had two rows of 2²⁵ samples, phases and two parts.
#[test]
fn a_band_with_phases_is_as_bounded_as_one_without() {
    let mut wide = head(1, 2, 1 << 24);
    wide.layout = Layout::usual(1, 2, 1 << 24, 1, 4);
    assert_eq!(opened(&claim(&wide, 0..wide.layout.n_tiles()), &[]).unwrap_err().kind, ErrorKind::Corrupt);
    wide = head(1, 2, 1 << 23);
    wide.layout = Layout::usual(1, 2, 1 << 23, 1, 4);
    opened(&claim(&wide, 0..wide.layout.n_tiles()), &[]).unwrap();
}

#[test]
fn a_tile_of_so_many_rows_that_its_wavefronts_do_not_fit_memory_is_refused() {
    let mut tall = head(1, 1 << 16, 16);
    tall.layout.tile_h = 1 << 16;
    assert_eq!(opened(&claim(&tall, 0..1), &[]).unwrap_err().kind, ErrorKind::Corrupt);
}

#[test]
fn a_mosaic_of_one_row_or_column_is_refused() {
    for (h, w) in [(1, 50), (50, 1), (1, 1)] {
        let mut thin = head(1, h, w);
        thin.layout = Layout::usual(1, h as usize, w as usize, 1, 4);
        let n_tiles = thin.layout.n_tiles();
        assert_eq!(opened(&claim(&thin, 0..n_tiles), &[]).unwrap_err().kind, ErrorKind::Corrupt, "{h}×{w}");
    }
}

/// Each refers to the one before it: a cut-out of the last would recurse through all.
#[test]
fn a_chain_of_a_hundred_thousand_planes_is_refused() {
    let n_planes = 100_000;
    let mut chain = head(n_planes, 1, 1);
    (chain.n_previous, chain.key_interval) = (1, 1 << 20);
    assert_eq!(opened(&claim(&chain, 0..n_planes), &[]).unwrap_err().kind, ErrorKind::Corrupt);
}

#[test]
fn planes_too_large_to_be_kept_are_no_references() {
    let mut large = head(4, 1 << 14, 1 << 14);
    (large.n_previous, large.key_interval) = (3, 4);
    let n_tiles = large.layout.n_tiles();
    assert_eq!(opened(&claim(&large, 0..n_tiles), &[]).unwrap_err().kind, ErrorKind::Limit);
}

/// Salvage must not believe a head for which no tiles are there.
#[test]
fn an_array_of_a_tera_sample_without_tiles_is_not_made_up() {
    for (n, h, w) in [(1 << 40, 1, 1), (1 << 30, 16, 64), (1 << 14, 1 << 13, 1 << 13)] {
        assert_eq!(salvaged(&claim(&head(n, h, w), 0..2)).unwrap_err().kind, ErrorKind::Limit, "{n}×{h}×{w}");
    }
}

#[test]
fn a_report_of_very_many_lost_tiles_stays_short() {
    let report = salvaged(&claim(&head(200_000, 1, 1), 0..2)).unwrap();
    assert_eq!((report.n_tiles, report.n_tiles_lost), (200_000, 199_998));
    assert_eq!((report.n_lost, report.lost.len()), (1, 1), "what touches is one");
}

/// 30 bytes of head may ask for a copy of the whole model: not for thousands of arrays.
#[test]
fn refitted_models_of_very_many_arrays_are_refused() {
    let model = Arc::new(synthetic::model(Family::Pixelcnn, synthetic::LARGE));
    let net = &model.nets[0].net;
    let n_out = net.layers().last().unwrap().n_out;
    let refit = Refit { log2_steps: vec![0; n_out], counts: vec![0; n_out * (net.n_last_used() + 1)] };
    let mut refitted = head(1, 1, 1);
    let fits = vec![vec![Fitted { linears: model.linears(0), stats: PlaneStats { median: 0, spread: 64 } }]];
    refitted.coder = Coder::Cells(CellCoder { model: model.clone(), refits: vec![(0, refit)], fits });
    let mut writer = Writer::new(Vec::new()).unwrap();
    let n_arrays = 4000;
    writer.block(1, &[vec![3], varint(2 * n_arrays)].concat()).unwrap();
    for array in 0..n_arrays {
        let mut bytes = [varint(array), varint(2 * array)].concat();
        refitted.write(&mut bytes);
        writer.block(5, &bytes).unwrap();
        writer.block(6, &[varint(array), vec![0, 0, 0, 5]].concat()).unwrap();
    }
    let file = writer.finish(2 * n_arrays, [0; 32]).unwrap().0;
    assert_eq!(opened(&file, &[model]).unwrap_err().kind, ErrorKind::Limit);
}

/// Each is copied, parsed and kept: a file of 64 MiB held a hundred thousand of them.
#[test]
fn weights_files_beyond_sixty_four_are_refused() {
    let weights = collapsar::internals::weights::store(&synthetic::loaded(Family::Pixelcnn)).unwrap();
    for (n, kind) in [(64, None), (65, Some(ErrorKind::Limit))] {
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.block(1, &[3, 0]).unwrap();
        (0..n).for_each(|_| writer.block(3, &weights).unwrap());
        let file = writer.finish(0, *blake3::hash(b"").as_bytes()).unwrap().0;
        assert_eq!(opened(&file, &[]).err().map(|e| e.kind), kind, "{n}");
        assert_eq!(salvaged(&file).unwrap().damage.len(), n - 64, "{n}");
    }
    let models = Choice::These(vec![synthetic::loaded(Family::Pixelcnn); 65]);
    let options = Options { model: models, embed: true, ..Options::default() };
    assert_eq!(compress(b"", &options).unwrap_err().kind, ErrorKind::Limit);
}

/// Constant tiles of 18 bytes hold 128 KiB each.
#[test]
fn four_gibibytes_of_one_value_are_not_decompressed_into_memory() {
    let huge = head(33, 1 << 13, 1 << 13);
    let file = claim(&huge, 0..huge.layout.n_tiles());
    assert!(file.len() < 2 << 20, "{} bytes", file.len());
    assert_eq!(decompress(&file).unwrap_err().kind, ErrorKind::Limit);
    opened(&file, &[]).unwrap();
}

/// Parsed, a text of JSON takes ten times its memory and more.
#[test]
fn a_weights_file_of_nothing_but_header_is_refused() {
    let text = [vec![b'['; 100], b"[],".repeat(1 << 20)].concat();
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend(text);
    assert_eq!(collapsar::internals::weights::load(&file).unwrap_err().kind, ErrorKind::Limit);
    assert_eq!(collapsar::internals::weights::load(&u64::MAX.to_le_bytes()).unwrap_err().kind, ErrorKind::Corrupt);
}

/// A plane or a row per sample cost a tile per sample, and more blocks than a file may hold.
#[test]
fn columns_and_stacks_of_single_samples_are_rows() {
    let n = 70_000u64;
    let bytes: Vec<u8> = (0..n).flat_map(|i| (i as u16 / 7).to_le_bytes()).collect();
    let len = |shape: &[u64]| {
        let options = Options { raw: raw(Dtype::U16, shape), model: Choice::Classic, ..Options::default() };
        let packed = compress(&bytes, &options).unwrap();
        assert_eq!(decompress(&packed).unwrap(), bytes);
        packed.len() as i64
    };
    let row = len(&[n]);
    for shape in [vec![n, 1], vec![1, n], vec![n, 1, 1], vec![1, n, 1], vec![1, 1, n, 1, 1], vec![2, n / 2, 1]] {
        // heads name their dimensions, and halves of the row have tiles of their own; a tile per sample took hundreds of kilobytes
        assert!((len(&shape) - row).abs() < 150, "{shape:?}: {} against {row}", len(&shape));
    }
}

#[test]
fn tiny_shapes_of_every_dtype_come_back() {
    let models =
        [Choice::Classic, Choice::These(vec![synthetic::loaded(Family::Pixelcnn), synthetic::loaded(Family::Lattice)])];
    for dtype in Dtype::ALL {
        for shape in [&[][..], &[1], &[0], &[1, 1], &[1, 0, 7], &[129], &[1, 129], &[129, 1], &[2, 2, 2, 2, 20], &[300]]
        {
            let n = shape.iter().product::<u64>() as usize * dtype.n_bytes();
            let bytes: Vec<u8> = (0..n).map(|i| (i * i / 7) as u8).collect();
            for choice in &models {
                let options =
                    Options { raw: raw(dtype, shape), model: choice.clone(), embed: true, ..Options::default() };
                let packed = compress(&bytes, &options).unwrap();
                assert_eq!(decompress(&packed).unwrap(), bytes, "{} {shape:?}", dtype.name());
            }
        }
    }
}

/// Quiet and signalling, of either sign, beside both infinities and zeros and the smallest denormals.
#[test]
fn every_payload_of_a_nan_survives() {
    let f32s = (0..600u32).flat_map(|i| {
        let special = [0x7f80_0001, 0xffc0_0000 | i, 0x7fbf_ffff, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 0, 1, i];
        special[i as usize % 9].to_le_bytes()
    });
    let f64s = (0..600u64).flat_map(|i| {
        let special =
            [0x7ff0_0000_0000_0001, 0xfff8_0000_0000_0000 | i << 17, 0x7ff0 << 48, 0xfff0 << 48, 1 << 63, 0, 1];
        special[i as usize % 7].to_le_bytes()
    });
    for (dtype, bytes) in [(Dtype::F32, f32s.collect::<Vec<u8>>()), (Dtype::F64, f64s.collect())] {
        for shape in [[600, 1], [1, 600], [20, 30]] {
            let options = Options { raw: raw(dtype, &shape), ..Options::default() };
            assert_eq!(decompress(&compress(&bytes, &options).unwrap()).unwrap(), bytes);
        }
    }
}

#[test]
fn a_file_within_a_file_within_a_file_comes_back() {
    let bytes: Vec<u8> = synthetic::tile(64, 65, 60000).iter().flat_map(|&v| (v as u16).to_le_bytes()).collect();
    let options = Options { raw: raw(Dtype::U16, &[64, 65]), ..Options::default() };
    let once = compress(&bytes, &options).unwrap();
    let thrice = compress(&compress(&once, &Options::default()).unwrap(), &Options::default()).unwrap();
    assert_eq!(decompress(&decompress(&decompress(&thrice).unwrap()).unwrap()).unwrap(), bytes);
    // damaged, the outer one is salvaged, not the inner ones
    let mut damaged = thrice.clone();
    damaged[..16].fill(0);
    let mut left = Vec::new();
    salvage(&damaged, &mut left, &[], &|_| Ok(())).unwrap();
    assert_eq!(decompress(&decompress(&left).unwrap()).unwrap(), bytes);
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    use collapsar::internals::format::gzip::{Recipe, rewrap};
    let mut recipe = vec![1, 6, 10, 0, 0, 0, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let recipe = Recipe::read(&mut std::mem::take(&mut recipe).as_slice()).unwrap();
    let (mut inner, mut out) = (bytes, Vec::new());
    rewrap(&recipe, &mut inner, &mut out).unwrap();
    out
}

#[test]
fn a_gz_of_a_gz_comes_back() {
    let inner: Vec<u8> = (0..5000u32).flat_map(|i| (i / 9).to_string().into_bytes()).collect();
    for file in [gzipped(&inner), gzipped(&gzipped(&inner)), gzipped(b""), gzipped(&[0; 1 << 20])] {
        assert_eq!(decompress(&compress(&file, &Options::default()).unwrap()).unwrap(), file);
    }
}

#[test]
fn a_fits_file_of_a_thousand_images_comes_back() {
    let card = |text: &str| format!("{text:<80}").into_bytes();
    let header = |cards: &[&str]| {
        let mut block: Vec<u8> = cards.iter().flat_map(|text| card(text)).collect();
        block.resize(block.len().next_multiple_of(2880), b' ');
        block
    };
    let number = |key: &str, n: usize| format!("{key:<8}= {n:>20}");
    let mut file = header(&["SIMPLE  =                    T", &number("BITPIX", 8), &number("NAXIS", 0), "END"]);
    for i in 0..1000usize {
        let (naxis1, naxis2) = (number("NAXIS1", 10 + i % 7), number("NAXIS2", 13 + i % 3));
        file.extend(header(&[
            "XTENSION= 'IMAGE   '",
            &number("BITPIX", 16),
            &number("NAXIS", 2),
            &naxis1,
            &naxis2,
            "END",
        ]));
        let end = (file.len() + 2 * (10 + i % 7) * (13 + i % 3)).next_multiple_of(2880);
        file.extend((file.len()..end).map(|at| ((at * at) >> 9) as u8));
    }
    let packed = compress(&file, &Options::default()).unwrap();
    assert_eq!(Archive::open(&packed, &[]).unwrap().arrays().count(), 1000);
    assert_eq!(decompress(&packed).unwrap(), file);
}
