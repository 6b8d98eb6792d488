//! What golden files are made of: `tests/golden.rs` holds them against it, `examples/write_golden.rs` writes those that are missing.

use crate::tar;
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::file::archive::{Archive, Array, Section};
use collapsar::internals::model::Family;
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::tile::code::Mode;
use collapsar::internals::tile::coder::Coder;
use collapsar::internals::tile::runtime::Runtimes;
use collapsar::internals::tile::transform::vqae::Opened;
use collapsar::internals::weights::zoo;
use collapsar::internals::wire::{take_u8, take_varint};
use collapsar::internals::{Choice, Loss, Options};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of what today's encoder writes.
pub const NEWEST: &str = "encoder-4";
/// What is compressed, how, and what the file must show of it.
pub struct Case {
    pub name: &'static str,
    pub content: Vec<u8>,
    pub options: Options,
    pub shows: Box<dyn Fn(&Archive) -> bool>,
}

pub fn cases() -> Vec<Case> {
    let case =
        |name, content, options, shows: fn(&Archive) -> bool| Case { name, content, options, shows: Box::new(shows) };
    let frame = |seed| fits(&sky(seed, 64, 80), &[64, 80]);
    // one content by the network of a weights file
    let by = |name, content, options, of: &'static str| {
        let options = Options { model: model(of).model, ..options };
        Case { name, content, options, shows: Box::new(move |archive| coded_by(archive, Some(of))) }
    };
    let frame_by = |name, of| by(name, frame(1), Options::default(), of);
    let field_by = |name, of| by(name, sea(3, 64, 80), bounded(&[3, 64, 80]), of);
    let noise = |n: usize| (0..n).map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> 20) as u8).collect();
    vec![
        frame_by("fits-lattice-fast", "lattice-fast-1"),
        frame_by("fits-lattice-default", "lattice-default-1"),
        frame_by("fits-pixelcnn-fast", "pixelcnn-fast-1"),
        frame_by("fits-pixelcnn-default", "pixelcnn-default-1"),
        frame_by("fits-pixelcnn-fast-2", "pixelcnn-fast-2"),
        frame_by("fits-pixelcnn-default-2", "pixelcnn-default-2"),
        frame_by("fits-lattice-max", "lattice-max-1"),
        frame_by("fits-pixelcnn-max", "pixelcnn-max-1"),
        frame_by("fits-pixelcnn-max-2", "pixelcnn-max-2"),
        frame_by("fits-pixelcnn-deep", "pixelcnn-deep-1"),
        frame_by("fits-idf-default", "idf-default-1"),
        frame_by("fits-pixelcnn-tiny", "pixelcnn-tiny-1"),
        frame_by("fits-pixelcnn-small", "pixelcnn-small-1"),
        frame_by("fits-lattice-tiny", "lattice-tiny-1"),
        frame_by("fits-lattice-small", "lattice-small-1"),
        by("fits-vdm-default", fits(&hot(80, 96), &[80, 96]), Options::default(), "vdm-default-1"),
        case("level", wild(130, 128), at_level(&[130, 128]), |a| a.file.level == 5 && first(a).head.refit_bytes() > 0),
        case("fits-classic", frame(1), Options { model: Choice::Classic, ..Options::default() }, |a| coded_by(a, None)),
        case("fits-gz", gz(&frame(2)), model("lattice-fast-1"), |a| a.recipe.is_some()),
        case("mosaic", mosaic(88, 92), raw(Dtype::U16, &[88, 92]), |a| first(a).head.grid().n_phases == 4),
        case("stack", stack(5, 48, 56), raw(Dtype::U16, &[5, 48, 56]), |a| first(a).head.n_previous > 0),
        case("f32-ordered", floats(40, 44), raw(Dtype::F32, &[40, 44]), |a| map(a).contains("ordered f32")),
        case("f64-two-parts", doubles(24, 28), raw(Dtype::F64, &[24, 28]), |a| first(a).head.grid().n_limbs == 2),
        case("rank", ranks(72, 70), raw(Dtype::I32, &[72, 70]), |a| map(a).starts_with("rank")),
        case("words", columns(3000), raw(Dtype::F32, &[3000]), is_words),
        case("refitted", wild(130, 128), raw(Dtype::U16, &[130, 128]), |a| first(a).head.refit_bytes() > 0),
        case("around", fits(&sky(12, 48, 56), &[48, 56]), grown(), |a| coded_by_family(a, Family::PixelcnnDeep)),
        case("bounded", sea(3, 40, 44), bounded(&[3, 40, 44]), |a| !first(a).head.common.is_empty()),
        field_by("field", "pixelcnn-field-1"),
        field_by("field-2", "pixelcnn-field-2"),
        field_by("field-tiny", "pixelcnn-tiny-field-1"),
        field_by("field-small", "pixelcnn-small-field-1"),
        field_by("field-lattice-tiny", "lattice-tiny-field-1"),
        field_by("field-lattice-small", "lattice-small-field-1"),
        case("anchor", group(), Options { model: model("pixelcnn-default-1").model, ..Options::default() }, |a| {
            a.arrays().any(|array| !array.head.references.is_empty())
        }),
        case("counts", dice(96, 96), at_level(&[96, 96]), |a| {
            matches!(first(a).head.coder, Coder::Counts(_)) && mode(a) == Mode::Network
        }),
        case("waves", waves(12, 48, 64), by_waves(&[12, 48, 64]), |a| {
            matches!(first(a).head.coder, Coder::Wavelet { .. }) && mode(a) == Mode::Network
        }),
        case("painted", waves(2, 64, 80), transformed_field(&[2, 64, 80]), is_transformed),
        case("texts", observations(), Options::default(), |a| methods(a).contains(&(3, 0)) && told(a) == 2),
        case("other", [noise(700), b"one word, ".repeat(90)].concat(), by_model(), |a| a.arrays().count() == 0),
        case("empty", Vec::new(), by_model(), |a| a.file.n_bytes == 0),
    ]
}

/// The model of a weights file, which must be built in for ever.
fn model(name: &str) -> Options {
    Options { model: Choice::These(vec![zoo::by_hash(&hash(name), &[]).unwrap()]), ..Options::default() }
}

/// At no level: what the file says of one is 0.
fn by_model() -> Options {
    Options { model: Choice::Auto, ..Options::default() }
}

/// A net whose layers read other cells, in the file.
fn grown() -> Options {
    Options { model: Choice::These(vec![synthetic::grown()]), embed: true, ..Options::default() }
}

fn hash(name: &str) -> [u8; 32] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights").join(format!("{name}.safetensors"));
    *blake3::hash(&fs::read(path).unwrap()).as_bytes()
}

fn raw(dtype: Dtype, shape: &[u64]) -> Options {
    Options { raw: Some(ArrayType { dtype, big_endian: false, shape: shape.to_vec() }), ..model("lattice-default-1") }
}

/// As it comes.
fn at_level(shape: &[u64]) -> Options {
    Options { model: Choice::default(), ..raw(Dtype::U16, shape) }
}

/// In steps of a bound; the fill values of all planes lie in the same places.
fn bounded(shape: &[u64]) -> Options {
    Options { loss: Loss::Abs(0.03125), ..raw(Dtype::F32, shape) }
}

/// By the autoencoder, to a bound at which its blocks have codes.
fn transformed_field(shape: &[u64]) -> Options {
    Options { loss: Loss::Abs(3.0), model: model("vqae-default-1").model, ..raw(Dtype::F32, shape) }
}

fn by_waves(shape: &[u64]) -> Options {
    Options { loss: Loss::Abs(1.5), model: Choice::Wavelet, ..raw(Dtype::F32, shape) }
}

/// Of the first tile.
fn mode(archive: &Archive) -> Mode {
    let array = first(archive);
    let place = array.head.grid().place(0, 0, 0, 0, 0).unwrap();
    archive.tile(array, &place, array.first_block).unwrap().mode
}

fn is_transformed(archive: &Archive) -> bool {
    let array = first(archive);
    let place = array.head.grid().place(0, 0, 0, 0, 0).unwrap();
    let code = archive.tile(array, &place, array.first_block).unwrap();
    let coder = array.head.tiles(array.head.coder.packed(&Runtimes::default()));
    let opened = coder.open(coder.blocks().unwrap(), &code, &place);
    matches!(opened, Ok((_, Opened::Blocks { .. })))
}

pub fn first<'a>(archive: &'a Archive) -> &'a Array {
    archive.arrays().next().expect("the file holds an array")
}

fn map(archive: &Archive) -> String {
    first(archive).head.map.name()
}

/// The head names the model, and a tile uses it.
pub fn coded_by(archive: &Archive, model: Option<&str>) -> bool {
    let named = first(archive).head.coder.model().map(|model| model.hash);
    named == model.map(hash) && (mode(archive) == Mode::Network) == model.is_some()
}

/// The first tile is classic, of mode 5.
fn is_words(archive: &Archive) -> bool {
    let array = first(archive);
    let place = array.head.grid().place(0, 0, 0, 0, 0).unwrap();
    let code = archive.tile(array, &place, array.first_block).unwrap();
    code.mode == Mode::Classic && code.bytes[0] == 5
}

fn coded_by_family(archive: &Archive, family: Family) -> bool {
    let array = first(archive);
    let place = array.head.grid().place(0, 0, 0, 0, 0).unwrap();
    let mode = archive.tile(array, &place, array.first_block).unwrap().mode;
    mode == Mode::Network && array.head.coder.model().is_some_and(|model| model.family == family)
}

/// About bell-shaped, 0 in the middle.
fn bell(random: &mut Lcg, n: u32) -> i32 {
    (0..4).map(|_| random.below(n) as i32).sum::<i32>() - 2 * (n as i32 - 1)
}

/// A slope, noise, stars with wings.
fn sky(seed: u32, h: usize, w: usize) -> Vec<u16> {
    let mut random = Lcg(seed);
    let mut ints: Vec<i32> =
        (0..h * w).map(|i| 900 + (2 * (i / w) + i % w) as i32 / 3 + bell(&mut random, 9)).collect();
    for _ in 0..h * w / 500 {
        let (y0, x0, peak) = (random.below(h as u32) as i32, random.below(w as u32) as i32, random.below(9000) as i32);
        for (i, int) in ints.iter_mut().enumerate() {
            let (dy, dx) = ((i / w) as i32 - y0, (i % w) as i32 - x0);
            let r2 = dy * dy + dx * dx;
            *int += peak / (1 + r2 * (2 + r2 / 4));
        }
    }
    ints.iter().map(|&int| int.clamp(0, 65535) as u16).collect()
}

/// White noise, and every tenth pixel or so is hot.
fn hot(h: usize, w: usize) -> Vec<u16> {
    let mut random = Lcg(5);
    let mut pixel = || 900 + bell(&mut random, 9) + if random.below(10) == 0 { random.below(3000) as i32 } else { 0 };
    (0..h * w).map(|_| pixel() as u16).collect()
}

/// White noise whose values are unevenly frequent, and now and then anything.
fn dice(h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(15);
    let sides: Vec<u16> =
        (0..40u16).flat_map(|side| std::iter::repeat_n(200 + side, usize::from(side * 7 % 11))).collect();
    let mut sample = || match random.below(300) {
        0 => random.below(3000) as u16,
        _ => sides[random.below(sides.len() as u32) as usize],
    };
    (0..h * w).flat_map(|_| sample().to_le_bytes()).collect()
}

fn fits(samples: &[u16], shape: &[usize; 2]) -> Vec<u8> {
    let [h, w] = shape;
    let cards =
        [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "2"), ("NAXIS1", &w.to_string()), ("NAXIS2", &h.to_string())]
            .map(|(key, value)| format!("{key:<8}= {value:>20}"));
    let scale = [("BSCALE", "1"), ("BZERO", "32768")].map(|(key, value)| format!("{key:<8}= {value:>20}"));
    let mut out: Vec<u8> = Vec::new();
    for card in cards.iter().chain(&scale).map(String::as_str).chain(["END"]) {
        out.extend(format!("{card:<80}").bytes());
    }
    out.resize(2880, b' ');
    out.extend(samples.iter().flat_map(|v| (v ^ 0x8000).to_be_bytes()));
    out.resize(out.len().next_multiple_of(2880), 0);
    out
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

/// One noisy scene in four colours.
fn mosaic(h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(3);
    let scene: Vec<u32> = (0..h / 2 * (w / 2)).map(|_| random.below(100)).collect();
    let sample = |i: usize| {
        let (y, x) = (i / w, i % w);
        scene[y / 2 * (w / 2) + x / 2] + [500, 4000, 9000, 2000][2 * (y & 1) + (x & 1)] + random.below(3)
    };
    (0..h * w).map(sample).flat_map(|v| (v as u16).to_le_bytes()).collect()
}

/// Planes that show the same noise a little differently.
fn stack(n: usize, h: usize, w: usize) -> Vec<u8> {
    let (fixed, mut random) = (sky(4, h, w), Lcg(5));
    (0..n * h * w).flat_map(|i| (fixed[i % (h * w)] + random.below(4) as u16).to_le_bytes()).collect()
}

/// A frame, and one in other units that shows the same, as files of a tar.
fn group() -> Vec<u8> {
    let (frame, mut random) = (sky(13, 48, 56), Lcg(14));
    let other = frame.iter().map(|v| 20_000 - 2 * v.min(&9000) + random.below(3) as u16);
    let npy = |samples: Vec<u16>| {
        let dict = "{'descr': '<u2', 'fortran_order': False, 'shape': (48, 56), }";
        let mut out = [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{dict:<117}\n").as_bytes()].concat();
        out.extend(samples.iter().flat_map(|v| v.to_le_bytes()));
        out
    };
    tar::tar([("a.npy", &npy(frame.clone())[..]), ("b.npy", &npy(other.collect()))])
}

/// Frames of one night, as files of a tar.
fn observations() -> Vec<u8> {
    let file = |number: u32| {
        let mut header = String::new();
        let mut card = |keyword: String, value: String, comment: &str| {
            header += &format!("{:<80}", format!("{keyword:<8}= {value:>20}{comment}"));
        };
        for (keyword, value) in [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "2"), ("NAXIS1", "40"), ("NAXIS2", "32")]
        {
            card(keyword.to_string(), value.to_string(), "");
        }
        card("SEQUENCE".to_string(), number.to_string(), " / of the night");
        for lamp in 0..12 {
            card(
                format!("LAMP{lamp}"),
                (lamp * lamp * 7919 % 1000).to_string(),
                " / [mV] as it was before the shutter opened",
            );
        }
        header += "END";
        let samples = sky(20 + number, 32, 40);
        let data: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
        let mut out = [format!("{header:<2880}").into_bytes(), data].concat();
        out.resize(out.len().next_multiple_of(2880), 0);
        out
    };
    let files = [1, 2, 3].map(file);
    tar::tar([("1.fits", &files[0][..]), ("2.fits", &files[1]), ("3.fits", &files[2])])
}

/// Of chunks of bytes: the method, and of texts how far back the one begins that they are told from.
fn methods(archive: &Archive) -> Vec<(u8, u64)> {
    let chunks = archive.sections.iter().filter_map(|section| match section {
        Section::Bytes { block, .. } => Some(archive.reader.payload(*block).unwrap()),
        Section::Array(_) => None,
    });
    let method = |payload: Vec<u8>| {
        let mut from = payload.as_slice();
        take_varint(&mut from).unwrap();
        let method = take_u8(&mut from).unwrap();
        take_varint(&mut from).unwrap();
        (method, if method == 3 { take_varint(&mut from).unwrap() } else { 0 })
    };
    chunks.map(method).collect()
}

/// Texts that are told from others.
fn told(archive: &Archive) -> usize {
    methods(archive).iter().filter(|(_, back)| *back > 0).count()
}

/// No common step and few values twice: square roots, which IEEE 754 rounds to the bit.
fn floats(h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(9);
    let sample = |v: &u16| (f32::from(*v) + random.below(1 << 12) as f32 / 4096.0).sqrt() - 31.0;
    let mut samples: Vec<f32> = sky(6, h, w).iter().map(sample).collect();
    samples[77] = f32::NAN;
    samples.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn doubles(h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(10);
    let sample = |v: &u16| (f64::from(*v) + f64::from(random.below(1 << 30)) / 1_073_741_824.0).sqrt();
    sky(7, h, w).iter().map(sample).flat_map(f64::to_le_bytes).collect()
}

/// Particles, event after event: values that no neighbour foresees and that come again with those around them.
fn columns(n: usize) -> Vec<u8> {
    let mut random = Lcg(13);
    let mut samples: Vec<f32> = Vec::new();
    while samples.len() < n {
        match samples.len() {
            known @ 100.. if random.below(3) > 0 => {
                let from = random.below(known as u32 - 20) as usize;
                samples.extend_from_within(from..from + 1 + random.below(20) as usize);
            }
            _ => samples.push((random.below(1 << 20) as f32 / 1024.0).sqrt() - 7.0),
        }
    }
    samples[..n].iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Planes of sea around land that is 1e20, with a NaN, an infinity, and a sample that no step comes near.
fn sea(n: usize, h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(12);
    let is_land = |y: usize, x: usize| (x > 9 + y / 3) != (y > 30 && x > 20);
    let sample = |i: usize| {
        let (plane, y, x) = (i / (h * w), i / w % h, i % w);
        let depth = (y * y + 9 * x + 40 * plane) as f32;
        if is_land(y, x) { 1e20 } else { depth.sqrt() + random.below(8) as f32 / 128.0 }
    };
    let mut samples: Vec<f32> = (0..n * h * w).map(sample).collect();
    (samples[3], samples[h * w + 5], samples[50]) = (f32::NAN, f32::NEG_INFINITY, 1e9);
    samples.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// How far it is to two places, one of which wanders, with a coast, a NaN and a sample that no step comes near.
fn waves(n: usize, h: usize, w: usize) -> Vec<u8> {
    let sample = |i: usize| {
        let [plane, y, x] = [i / (h * w), i / w % h, i % w].map(|at| at as f32);
        let far = |dy: f32, dx: f32| (dy * dy + dx * dx).sqrt();
        let (a, b) = (far(y - 20.0, x - 50.0 - 4.0 * plane), far(y - 50.0, x - 15.0));
        if x + y > 110.0 { 1e20 } else { a - b * 0.75 + (a * b).sqrt() * 0.5 }
    };
    let mut samples: Vec<f32> = (0..n * h * w).map(sample).collect();
    (samples[3], samples[h * w + 5]) = (f32::NAN, 1e9);
    samples.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Few values, far apart.
fn ranks(h: usize, w: usize) -> Vec<u8> {
    let values = [-2_000_000_011, -70_001, -13, 0, 5, 77, 1003, 65_537, 9_999_991, 1_234_567_891];
    let mut random = Lcg(8);
    let sample = |i: usize| values[((i / w + i % w) / 18 + random.below(2) as usize).min(values.len() - 1)];
    (0..h * w).map(sample).flat_map(i32::to_le_bytes).collect()
}

/// Now and then an int from anywhere: tails that no net has met.
fn wild(h: usize, w: usize) -> Vec<u8> {
    let mut random = Lcg(11);
    let sample = |i: usize| {
        let far = if random.below(16) == 0 { random.below(500) } else { 0 };
        1000 + (i / w + 2 * (i % w)) as u32 / 3 + random.below(3) + far
    };
    (0..h * w).map(sample).flat_map(|v| (v as u16).to_le_bytes()).collect()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
