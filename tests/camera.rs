//! A network adapted to the frames of a camera, and the recipe that carries it.

use collapsar::internals::codec::search::level::Level;
use collapsar::internals::fit::train::{Told, Way};
use collapsar::internals::source::Source;
use collapsar::internals::synthetic::{fits, two_amplifiers};
use collapsar::internals::weights::{store, zoo};
use collapsar::internals::{
    Adapt, Adapted, Choice, Decoding, Error, ErrorKind, Memory, Options, Recipe, Training, Turn, adapt, compress,
    decompress, decompress_with, learn, read_recipe, read_weights, write_recipe,
};
use std::sync::Arc;

const SIDE: (usize, usize) = (192, 256);

fn frame(seed: u64) -> Vec<u8> {
    fits(SIDE.0, SIDE.1, &two_amplifiers(SIDE.0, SIDE.1, seed))
}

fn camera(n: u64) -> Vec<Vec<u8>> {
    (1..=n).map(frame).collect()
}

fn adapted_with(frames: &[Vec<u8>], options: &Options, seed: u64, n_steps: u64) -> Result<Adapted, Error> {
    let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let sources: Vec<&dyn Source> = slices.iter().map(|slice| slice as &dyn Source).collect();
    let training = Training { name: "camera".into(), seed };
    adapt(&sources, options, &training, &mut |_: Turn, told: Told| Way(told.step as f64 / n_steps as f64))
}

fn adapted(frames: &[Vec<u8>], seed: u64, n_steps: u64) -> Adapted {
    adapted_with(frames, &Options::default(), seed, n_steps).unwrap()
}

fn named(name: &str) -> Options {
    Options { model: Choice::These(zoo::by_name(name, &[]).unwrap()), ..Options::default() }
}

/// A recipe of a frame that carries the network.
fn recipe(adapted: &Adapted, frame: &[u8]) -> Recipe {
    let model = Arc::new(adapted.model.clone());
    let options = Options { model: Choice::These(vec![model.clone()]), adapt: Adapt::Off, ..Options::default() };
    let mut recipe = Recipe::default();
    recipe.carry(adapted.bytes.clone(), model);
    learn(&frame as &dyn Source, &options, &mut recipe).unwrap();
    recipe
}

#[test]
fn frames_that_no_step_was_taken_on_get_smaller() {
    let adapted = adapted(&camera(5), 0, 200);
    assert_eq!((adapted.model.name.as_str(), adapted.begun_with.as_str()), ("camera", "pixelcnn-small"));
    assert!(adapted.after * 1000 < adapted.before * 975, "{} of {}", adapted.after, adapted.before);
    assert_eq!(adapted.bytes, store(&adapted.model).unwrap());
    let model = Arc::new(adapted.model);
    let other = frame(77);
    // a refit to the frame itself finds a part of what was learnt
    for (adapt, most) in [(Adapt::Off, 980), (Adapt::Fast, 990)] {
        let with = Options { model: Choice::These(vec![model.clone()]), adapt, ..Options::default() };
        let after = compress(&other, &with).unwrap();
        let before = compress(&other, &Options { adapt, ..named("pixelcnn-small") }).unwrap();
        assert!(after.len() * 1000 < before.len() * most, "{} bytes, {} before ({adapt:?})", after.len(), before.len());
        assert_eq!(decompress(&after).unwrap_err().kind, ErrorKind::Model);
        let decoding = Decoding { models: vec![model.clone()], ..Decoding::default() };
        assert_eq!(decompress_with(&after, &decoding).unwrap(), other);
    }
}

#[test]
fn the_same_frames_and_seed_give_the_same_bytes_on_any_number_of_threads() {
    let frames = camera(3);
    let on = |n: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| adapted(&frames, seed, 30).bytes)
    };
    let one = on(1, 0);
    assert!(one == on(3, 0));
    assert!(one != on(3, 1));
}

#[test]
fn a_lattice_and_a_single_frame_are_trained_on_too() {
    let frames = camera(1);
    for name in ["lattice-small", "pixelcnn-fast"] {
        let adapted = adapted_with(&frames, &named(name), 0, 60).unwrap();
        assert!(adapted.after < adapted.before, "{name}: {} of {}", adapted.after, adapted.before);
        assert_eq!(adapted.begun_with, name);
    }
    let of = |level: Level| adapted_with(&frames, &Options { model: Choice::Level(level), ..Options::default() }, 0, 1);
    let gpu = Level::default().decoded_on(collapsar::internals::Decoder::Gpu);
    assert_eq!(of(gpu).unwrap().begun_with, "lattice-small");
    assert_eq!(of(Level::new(3).unwrap()).unwrap().begun_with, "pixelcnn-tiny");
    assert_eq!(of(Level::new(7).unwrap()).unwrap().begun_with, "pixelcnn-default");
}

#[test]
fn what_cannot_be_adapted_is_said() {
    let frames = camera(2);
    let wrong = |frames: &[Vec<u8>], options: Options, says: &str| {
        let error = adapted_with(frames, &options, 0, 1).err().expect(says);
        assert_eq!(error.kind, ErrorKind::Argument);
        assert!(error.to_string().contains(says), "{error}");
    };
    for name in ["idf-default", "l3c-default", "pixelcnn-deep", "vdm-default", "vqae-default"] {
        wrong(&frames, named(name), "cannot be adapted");
    }
    wrong(&frames, named("default"), "name one model");
    for choice in [Choice::Classic, Choice::Wavelet, Choice::Auto] {
        wrong(&frames, Options { model: choice, ..Options::default() }, "begins with a network");
    }
    let level = Choice::Level(Level::new(1).unwrap());
    wrong(&frames, Options { model: level, ..Options::default() }, "level 1 uses no network");
    wrong(&[b"no array".to_vec()], Options::default(), "no arrays");
    let constant = fits(SIDE.0, SIDE.1, &vec![7; SIDE.0 * SIDE.1]);
    wrong(&[constant.clone(), constant], Options::default(), "nothing to learn from");
}

#[test]
fn a_training_that_needs_more_memory_than_is_allowed_is_refused() {
    let memory = Memory { most: Some(20 << 20), taken: 0 };
    let error = adapted_with(&camera(2), &Options { memory, ..Options::default() }, 0, 1).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Limit);
}

#[test]
fn a_recipe_carries_the_network_to_whoever_codes_or_decodes() {
    let adapted = adapted(&camera(3), 0, 30);
    let bytes = write_recipe(&recipe(&adapted, &frame(1)));
    let again = read_recipe(&bytes, &[]).unwrap();
    assert!(write_recipe(&again) == bytes);
    assert!(again.carried()[0].0 == adapted.bytes);
    let other = frame(9);
    let with = Options { recipe: Some(Arc::new(again)), ..Options::default() };
    let packed = compress(&other, &with).unwrap();
    // files name the network: whoever restores has the recipe, or the file has the weights
    assert_eq!(decompress(&packed).unwrap_err().kind, ErrorKind::Model);
    let decoding = Decoding { models: read_weights(&bytes).unwrap(), ..Decoding::default() };
    assert_eq!(decompress_with(&packed, &decoding).unwrap(), other);
    let whole = compress(&other, &Options { embed: true, ..with }).unwrap();
    assert_eq!(decompress(&whole).unwrap(), other);
    assert!(whole.len() > packed.len() + adapted.bytes.len());
}

#[test]
fn a_recipe_with_weights_that_is_cut_or_damaged_is_refused() {
    let adapted = adapted(&camera(2), 0, 1);
    let bytes = write_recipe(&recipe(&adapted, &frame(1)));
    for n in (0..bytes.len()).step_by(7) {
        assert!(read_recipe(&bytes[..n], &[]).is_err() && read_weights(&bytes[..n]).is_err(), "{n} bytes");
    }
    for bit in (0..8 * bytes.len()).step_by(5) {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read_recipe(&wrong, &[]).err().map(|e| e.kind), Some(ErrorKind::Corrupt), "bit {bit}");
    }
    // what a checksum cannot see: a version that is not known, and a network that is none
    let summed = |mut bytes: Vec<u8>| {
        let n = bytes.len() - 4;
        let sum = crc32c::crc32c(&bytes[..n]).to_le_bytes();
        bytes[n..].copy_from_slice(&sum);
        read_recipe(&bytes, &[]).err().map(|e| e.kind)
    };
    let mut later = bytes.clone();
    later[3] = 3;
    assert_eq!(summed(later), Some(ErrorKind::Unsupported));
    let mut network = bytes.clone();
    network[40] ^= 0xff;
    assert_eq!(summed(network), Some(ErrorKind::Corrupt));
    let mut count = bytes;
    count[4] = 17;
    assert!(summed(count).is_some());
    let plain = {
        let (mut recipe, first) = (Recipe::default(), frame(1));
        learn(&first.as_slice() as &dyn Source, &Options::default(), &mut recipe).unwrap();
        write_recipe(&recipe)
    };
    assert_eq!((plain[3], read_weights(&plain).unwrap_err().kind), (1, ErrorKind::Argument));
}
