//! A camera's own network: trained, used, needed, carried.

use crate::sandbox::{Sandbox, text};
use collapsar::internals::synthetic::{fits, two_amplifiers};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, seed) in [("a.fits", 1), ("b.fits", 2), ("c.fits", 3), ("new.fits", 9)] {
        sandbox.write(name, &fits(192, 256, &two_amplifiers(192, 256, seed)));
    }
    sandbox
}

const FRAMES: [&str; 3] = ["a.fits", "b.fits", "c.fits"];

#[test]
fn a_recipe_of_a_camera_codes_its_frames_and_restores_them() {
    let sandbox = sandbox();
    let adapt = ["adapt", "--json", "--steps", "120", "-o", "camera.recipe"];
    let told = &sandbox.json(0, &[&adapt[..], &FRAMES].concat())[0];
    assert_eq!((told["model"].as_str(), told["begun_with"].as_str()), (Some("camera"), Some("pixelcnn-small")));
    assert_eq!((told["adapted"].as_str(), told["files"].as_u64()), (Some("camera.recipe"), Some(3)));
    let (before, after) = (told["bits_before"].as_f64().unwrap(), told["bits_after"].as_f64().unwrap());
    assert!(after < 0.98 * before, "{before} to {after}");
    assert_eq!(told["bytes"].as_u64(), Some(sandbox.read("camera.recipe").len() as u64));

    let said = sandbox.says(0, &["compress", "--recipe", "camera.recipe", "--verify", "new.fits"]);
    assert!(said.contains("'camera' is not built in"), "{said}");
    let original = sandbox.read("new.fits");
    sandbox.fails(7, &["decompress", "-f", "new.fits.clps"], "is not built in");
    sandbox.says(0, &["decompress", "-f", "--weights", "camera.recipe", "new.fits.clps"]);
    assert!(sandbox.read("new.fits") == original);
    sandbox.says(0, &["test", "--weights", "camera.recipe", "new.fits.clps"]);
    let info = &sandbox.json(0, &["info", "--json", "--weights", "camera.recipe", "new.fits.clps"])[0];
    assert_eq!(info["arrays"][0]["model"].as_str(), Some("camera"));
    let by_recipe = sandbox.read("new.fits.clps").len();
    sandbox.says(0, &["compress", "-f", "--recipe", "camera.recipe", "--embed-weights", "new.fits"]);
    sandbox.says(0, &["decompress", "-f", "new.fits.clps"]);
    assert!(sandbox.read("new.fits") == original);
    // where a recipe is not enough: a search with its network
    sandbox.says(0, &["compress", "-f", "--weights", "camera.recipe", "new.fits"]);
    let searched = sandbox.read("new.fits.clps").len();
    sandbox.says(0, &["compress", "-f", "new.fits"]);
    let usual = sandbox.read("new.fits.clps").len();
    assert!(by_recipe < usual && searched < usual, "{by_recipe} and {searched}, {usual} before");
}

#[test]
fn weights_alone_are_written_where_the_name_says_so_and_seeds_decide() {
    let sandbox = sandbox();
    let write = |out: &str, more: &[&str]| {
        sandbox.says(0, &[&["adapt", "--name", "ours", "-o", out], more, &FRAMES].concat());
        sandbox.read(out)
    };
    let first = write("x.safetensors", &["--steps", "12", "-T", "1"]);
    assert!(first == write("y.safetensors", &["--steps", "12", "-T", "3"]), "threads decide nothing");
    assert!(first != write("z.safetensors", &["--steps", "12", "--seed", "1"]));
    assert!(write("one.safetensors", &["--minutes", "0.01", "-3"]).len() > 1000);
    let said = text(&sandbox.output(&["models", "--weights", "x.safetensors"]).stdout);
    assert!(said.contains("ours"), "{said}");
    sandbox.says(0, &["compress", "--weights", "x.safetensors", "new.fits"]);
    sandbox.says(0, &["test", "--weights", "x.safetensors", "new.fits.clps"]);
    // what was adapted can be adapted further
    sandbox.says(0, &["adapt", "--steps", "3", "--weights", "x.safetensors", "-o", "w.recipe", "a.fits", "b.fits"]);
}

#[test]
fn what_adapt_cannot_do_is_told_before_it_begins() {
    let sandbox = sandbox();
    sandbox.fails(1, &["adapt", "-o", "camera.txt", "a.fits"], "ends in .recipe or .safetensors");
    for (more, with) in [
        (&[][..], "--output"),
        (&["-o", "c.recipe", "--steps", "0"], "0 is not in 1.."),
        (&["-o", "c.recipe", "--minutes=-1"], "no number of minutes"),
        (&["-o", "c.recipe", "--steps", "9", "--minutes", "1"], "cannot be used with"),
    ] {
        let said = sandbox.says(1, &[&["adapt", "a.fits"], more].concat());
        assert!(said.contains(with), "{more:?}: {said}");
    }
    sandbox.fails(1, &["adapt", "-o", "c.recipe", "-1", "a.fits"], "level 1 uses no network");
    sandbox.fails(1, &["adapt", "-o", "c.recipe", "--model", "idf-default", "a.fits"], "cannot be adapted");
    sandbox.fails(2, &["adapt", "-o", "c.recipe", "none.fits"], "none.fits");
    sandbox.write("text.txt", b"words");
    sandbox.fails(1, &["adapt", "-o", "c.recipe", "text.txt"], "no arrays");
    sandbox.write("there.recipe", b"x");
    sandbox.fails(1, &["adapt", "-o", "there.recipe", "a.fits"], "-f");
    assert!(!sandbox.has("c.recipe") && sandbox.read("there.recipe") == b"x");
    sandbox.fails(3, &["compress", "--recipe", "there.recipe", "a.fits"], "not a recipe");
    sandbox.says(0, &["compress", "--learn-recipe", "-o", "plain.recipe", "a.fits"]);
    sandbox.fails(1, &["compress", "--weights", "plain.recipe", "a.fits"], "carries no weights");
}
