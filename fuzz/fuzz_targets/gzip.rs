//! Any bytes as a .gz, as a recipe, and as content: what is found is what was there, and recipes make what they say.
#![no_main]

use collapsar::internals::format::gzip::{Inflated, Recipe, find, inflate, rewrap};
use collapsar_fuzz::{bounded::Bounded, inputs, script::Script, seeds};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static MEMORY: Bounded = Bounded::new(128 << 20);
const MAX_INNER: u64 = 1 << 20;

fn begin() -> Vec<Vec<u8>> {
    let gz = inputs::gzipped();
    let recipe =
        |writer: u8, level: u8| [&[1, writer, level, 2, 0, 0, 0, 0x1f, 0x8b], &b"abcabcabcabdabc"[..], &gz].concat();
    let recipes = (1..=3).flat_map(|writer| [1, 3, 4, 6, 9].map(|level| recipe(writer, level)));
    recipes.chain([[&[0], &gz[..]].concat()]).collect()
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    if script.byte() & 1 == 0 {
        let source = script.0.to_vec();
        let mut inner = Vec::new();
        if let Inflated::Whole(member) = inflate(&source, &mut inner, MAX_INNER).expect("memory can be read") {
            assert_eq!(member.inner_bytes, inner.len() as u64);
            if let Some(recipe) = find(&source, &member, &inner).expect("memory can be read") {
                let mut again = Vec::new();
                rewrap(&recipe, &mut inner.as_slice(), &mut again).expect("memory can be read");
                assert_eq!(again, source, "{}", recipe.name());
            }
        }
    } else {
        let mut rest = script.0;
        let Ok(recipe) = Recipe::read(&mut rest) else { return };
        let mut form = Vec::new();
        recipe.write(&mut form);
        assert_eq!(form, script.0[..form.len()]);
        let (mut made, mut inner) = (Vec::new(), Vec::new());
        rewrap(&recipe, &mut { rest }, &mut made).expect("memory can be read");
        if let Inflated::Whole(member) = inflate(&made, &mut inner, MAX_INNER).expect("memory can be read") {
            assert_eq!(inner, rest, "{}", recipe.name());
            assert!(find(&made, &member, &inner).expect("memory can be read").is_some(), "{} is not found again", recipe.name());
        }
    }
});
