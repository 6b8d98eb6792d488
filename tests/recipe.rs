//! What was decided for one array codes others of its kind, and is refused for all else.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::source::Source;
use collapsar::internals::synthetic::frame;
use collapsar::internals::{
    Choice, ErrorKind, Options, Recipe, compress, decompress, learn, read_recipe, write_recipe,
};
use std::sync::Arc;

fn bytes(h: usize, w: usize, seed: u64) -> Vec<u8> {
    frame(h, w, seed).into_iter().flat_map(u16::to_le_bytes).collect()
}

fn options(h: usize, w: usize) -> Options {
    let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![h as u64, w as u64] };
    Options { raw: Some(ty), ..Options::default() }
}

fn learnt(from: &[u8], options: &Options) -> Recipe {
    let mut recipe = Recipe::default();
    learn(&from as &dyn Source, options, &mut recipe).unwrap();
    recipe
}

#[test]
fn others_of_a_kind_are_coded_by_a_recipe_and_come_back() {
    let (h, w) = (300, 280);
    let recipe = Arc::new(learnt(&bytes(h, w, 1), &options(h, w)));
    let with = Options { recipe: Some(recipe.clone()), ..options(h, w) };
    for seed in [1, 2] {
        let content = bytes(h, w, seed);
        let (packed, searched) = (compress(&content, &with).unwrap(), compress(&content, &options(h, w)).unwrap());
        assert_eq!(decompress(&packed).unwrap(), content);
        assert!(packed.len() < searched.len() + searched.len() / 50, "{} for {}", packed.len(), searched.len());
        assert_eq!(packed == searched, seed == 1, "the array that decided is coded as without a recipe");
    }
    // a recipe is its bytes: what is read again decides alike
    let again = read_recipe(&write_recipe(&recipe), &[]).unwrap();
    let packed = compress(&bytes(h, w, 2), &Options { recipe: Some(Arc::new(again)), ..options(h, w) }).unwrap();
    assert!(packed == compress(&bytes(h, w, 2), &with).unwrap());
}

#[test]
fn a_recipe_that_does_not_help_costs_no_more_than_classic_modes() {
    let (h, w) = (256, 256);
    let recipe = learnt(&bytes(h, w, 3), &options(h, w));
    let other: Vec<u8> = (0..h * w).flat_map(|i| ((i / w * 100 + i % 7) as u16).to_le_bytes()).collect();
    let packed = compress(&other, &Options { recipe: Some(Arc::new(recipe)), ..options(h, w) }).unwrap();
    let classic = compress(&other, &Options { model: Choice::Classic, ..options(h, w) }).unwrap();
    assert_eq!(decompress(&packed).unwrap(), other);
    assert!(packed.len() < classic.len() + 400, "{} for {}", packed.len(), classic.len());
}

#[test]
fn arrays_of_another_size_and_damaged_recipes_are_refused() {
    let recipe = learnt(&bytes(64, 64, 4), &options(64, 64));
    let with = Options { recipe: Some(Arc::new(recipe.clone())), ..options(32, 128) };
    let error = compress(&bytes(32, 128, 4), &with).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Argument);
    assert!(error.to_string().contains("it is for u16 of 64×64"), "{error}");
    let bytes = write_recipe(&recipe);
    for n in 0..bytes.len() {
        assert!(read_recipe(&bytes[..n], &[]).is_err(), "{n} bytes");
    }
    for bit in 0..8 * bytes.len() {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read_recipe(&wrong, &[]).err().map(|e| e.kind), Some(ErrorKind::Corrupt), "bit {bit}");
    }
}
