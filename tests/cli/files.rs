//! Files go in and come back: names, streams, folders, permissions.

use crate::inputs;
use crate::sandbox::{Sandbox, text};
use collapsar::internals::synthetic;
use std::fs;
use std::path::Path;

#[test]
fn every_kind_of_file_comes_back_and_the_source_is_kept() {
    let (fits, npy) = (inputs::fits(), inputs::npy());
    let kinds: [(&str, Vec<u8>); 7] = [
        ("a.fits", fits.clone()),
        ("a.npy", npy),
        ("a.fits.gz", inputs::gz(&fits)),
        ("odd.gz", inputs::odd_gz(&fits)),
        ("text", b"not an image".to_vec()),
        ("empty", Vec::new()),
        ("-dash é\n\x1b[2J.fits", fits),
    ];
    let sandbox = Sandbox::new();
    for (name, bytes) in &kinds {
        sandbox.write(name, bytes);
        let said = sandbox.says(0, &["compress", "--", name]);
        assert!(said.contains(" → ") && said.contains("  ratio ") && said.contains("LOSSLESS"), "{said}");
        assert!(!said.contains('\x1b'), "{said:?}");
        assert_eq!(&sandbox.read(name), bytes);
        let packed = format!("{name}.clps");
        assert!(sandbox.says(0, &["test", "--", &packed]).contains("OK"));
        fs::remove_file(sandbox.path(name)).unwrap();
        sandbox.says(0, &["decompress", "--", &packed]);
        assert_eq!(&sandbox.read(name), bytes, "{name}");
        assert!(sandbox.has(&packed));
    }
    assert_eq!(sandbox.names().len(), 2 * kinds.len(), "{:?}", sandbox.names());
}

#[test]
fn the_letters_of_zstd_work() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    sandbox.says(0, &["-z", "a.fits"]);
    sandbox.says(0, &["-t", "a.fits.clps"]);
    assert_eq!(sandbox.output(&["-dc", "a.fits.clps"]).stdout, inputs::fits());
    assert!(text(&sandbox.output(&["-l", "a.fits.clps"]).stdout).contains("bits per sample"));
    assert_eq!(sandbox.says(0, &["-dqf", "a.fits.clps"]), "");
}

#[test]
fn what_exists_is_kept_unless_forced() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("a.fits.clps", b"old")]);
    sandbox.fails(1, &["compress", "a.fits"], "a.fits.clps: exists already");
    assert_eq!(sandbox.read("a.fits.clps"), b"old");
    sandbox.says(0, &["compress", "-f", "a.fits"]);
    sandbox.fails(1, &["decompress", "a.fits.clps"], "exists already");
    sandbox.fails(1, &["compress", "-f", "-o", "a.fits", "a.fits"], "would replace itself");
    sandbox.says(0, &["compress", "a.fits", "-o", "other"]);
    sandbox.says(0, &["decompress", "other", "-o", "back"]);
    assert_eq!(sandbox.read("back"), inputs::fits());
    sandbox.fails(1, &["decompress", "other"], "does not end in .clps");
    sandbox.fails(1, &["compress", "a.fits.clps"], "is a .clps file already");
    assert_eq!(sandbox.names(), ["a.fits", "a.fits.clps", "back", "other"]);
}

#[test]
fn streams_go_in_and_out() {
    let sandbox = Sandbox::new();
    let packed = sandbox.piped(&["compress"], &inputs::fits());
    assert_eq!(packed.status.code(), Some(0), "{}", text(&packed.stderr));
    assert_eq!(sandbox.piped(&["decompress", "-"], &packed.stdout).stdout, inputs::fits());
    assert_eq!(sandbox.piped(&["test"], &packed.stdout).status.code(), Some(0));
    sandbox.write("a.fits", &inputs::fits());
    assert_eq!(sandbox.output(&["compress", "-c", "a.fits"]).stdout, packed.stdout);
    sandbox.fails(1, &["compress", "-c", "a.fits", "a.fits"], "several .clps files in one stream");
    sandbox.fails(1, &["compress", "-c", "--json", "a.fits"], "standard output takes the data");
    assert_eq!(sandbox.piped(&["compress", "-", "-o", "from-pipe.clps"], b"abc").status.code(), Some(0));
    assert_eq!(sandbox.output(&["decompress", "-c", "from-pipe.clps"]).stdout, b"abc");
}

#[test]
fn a_source_is_removed_only_after_its_copy_was_checked() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    let said = sandbox.says(0, &["compress", "--rm", "a.fits"]);
    assert!(said.contains("LOSSLESS, verified"), "{said}");
    assert_eq!(sandbox.names(), ["a.fits.clps"]);
    let mut packed = sandbox.read("a.fits.clps");
    sandbox.says(0, &["decompress", "--rm", "a.fits.clps"]);
    assert_eq!(sandbox.names(), ["a.fits"]);
    assert_eq!(sandbox.read("a.fits"), inputs::fits());
    sandbox.write("a.fits.clps", b"old");
    sandbox.says(1, &["compress", "--rm", "a.fits"]);
    assert!(sandbox.has("a.fits"));
    let middle = packed.len() / 2;
    packed[middle] ^= 1;
    sandbox.write("b.clps", &packed);
    sandbox.says(3, &["decompress", "--rm", "b.clps"]);
    assert!(sandbox.has("b.clps") && !sandbox.has("b"));
    sandbox.says(1, &["compress", "--rm", "-c", "a.fits"]);
    sandbox.says(1, &["compress", "--rm", "-k", "a.fits"]);
}

#[test]
fn folders_are_walked_and_their_shape_is_kept() {
    let fits = inputs::fits();
    let sandbox = Sandbox::with(&[("night/a.fits", &fits), ("night/deep/b.fits", &fits), ("night/old.clps", b"x")]);
    sandbox.says(0, &["compress", "-r", "night", "--output-dir", "packed"]);
    assert!(
        sandbox.has("packed/a.fits.clps")
            && sandbox.has("packed/deep/b.fits.clps")
            && !sandbox.has("packed/old.clps.clps")
    );
    sandbox.says(0, &["test", "-r", "packed"]);
    sandbox.says(0, &["decompress", "-r", "packed", "--output-dir", "back"]);
    assert_eq!(sandbox.read("back/deep/b.fits"), fits);
    sandbox.says(0, &["compress", "-qr", "night"]);
    assert!(sandbox.has("night/deep/b.fits.clps"));
    sandbox.write("other/a.fits", b"another");
    let said = sandbox.says(1, &["compress", "night/a.fits", "other/a.fits", "--output-dir", "flat", "--rm", "-f"]);
    assert!(said.contains("has just been written for another file"), "{said}");
    assert_eq!(sandbox.read("other/a.fits"), b"another");
    sandbox.says(1, &["compress", "-o", "x", "night/a.fits", "other/a.fits"]);
}

#[test]
fn small_files_are_coded_side_by_side_to_the_same_bytes_and_told_in_order() {
    let names: Vec<String> = (0..12).map(|i| format!("{i:02}.fits")).collect();
    let sandbox = Sandbox::new();
    for (i, name) in names.iter().enumerate() {
        sandbox.write(name, &synthetic::fits(40 + i, 64, &synthetic::frame(40 + i, 64, i as u64)));
    }
    sandbox.write("one/03.fits.clps", b"kept");
    let files: Vec<&str> = names.iter().map(|name| &name[..]).chain(["none.fits"]).collect();
    let said = sandbox.says(1, &[&["compress", "-T", "1", "--output-dir", "one"], &files[..]].concat());
    assert!(said.contains("03.fits") && said.contains("none.fits"), "{said}");
    sandbox.write("many/03.fits.clps", b"kept");
    let told = sandbox.says(1, &[&["compress", "-T", "2", "--output-dir", "many"], &files[..]].concat());
    let first_words = |said: &str| {
        let word = |line: &str| line.trim_start_matches("collapsar: ").split(' ').next().unwrap_or("").to_string();
        said.lines().map(word).collect::<Vec<String>>()
    };
    assert_eq!(first_words(&told), first_words(&said));
    for name in &names {
        let name = format!("{name}.clps");
        assert_eq!(sandbox.read(&format!("many/{name}")), sandbox.read(&format!("one/{name}")), "{name}");
    }
    assert_eq!(sandbox.read("many/03.fits.clps"), b"kept");
}

#[test]
fn a_gz_that_cannot_be_made_again_is_given_back_unpacked_if_wished() {
    let odd = inputs::odd_gz(&inputs::fits());
    let sandbox = Sandbox::with(&[("a.fits.gz", &odd)]);
    sandbox.says(0, &["compress", "a.fits.gz"]);
    assert_eq!(sandbox.output(&["-dc", "a.fits.gz.clps"]).stdout, odd);
    fs::remove_file(sandbox.path("a.fits.gz.clps")).unwrap();
    let said = sandbox.says(0, &["compress", "--gunzip", "a.fits.gz"]);
    assert!(said.contains("given back unpacked"), "{said}");
    assert_eq!(sandbox.names(), ["a.fits.clps", "a.fits.gz"]);
    sandbox.says(0, &["decompress", "a.fits.clps"]);
    assert_eq!(sandbox.read("a.fits"), inputs::fits());
    sandbox.says(1, &["compress", "--gunzip", "--rm", "a.fits.gz"]);
    sandbox.write("b.gz", &inputs::gz(&inputs::fits()));
    sandbox.says(0, &["compress", "--gunzip", "b.gz"]);
    assert_eq!(sandbox.output(&["-dc", "b.gz.clps"]).stdout, inputs::gz(&inputs::fits()));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_unicode_and_a_pipe_with_a_name_work() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = Path::new(std::ffi::OsStr::from_bytes(b"a\xff.fits"));
    if fs::write(sandbox.0.path().join(name), inputs::fits()).is_err() {
        return; // not every file system takes such a name
    }
    let run = |verb: &str, name: &Path| sandbox.command(&[verb, "-f"]).arg(name).output().unwrap().status.code();
    assert_eq!(run("compress", name), Some(0));
    assert_eq!(run("decompress", Path::new(std::ffi::OsStr::from_bytes(b"a\xff.fits.clps"))), Some(0));
    assert_eq!(fs::read(sandbox.0.path().join(name)).unwrap(), inputs::fits());
}

#[cfg(unix)]
#[test]
fn modes_and_times_travel_both_ways() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(sandbox.path("a.fits")).unwrap().set_modified(time).unwrap();
    fs::set_permissions(sandbox.path("a.fits"), PermissionsExt::from_mode(0o640)).unwrap();
    sandbox.says(0, &["compress", "--rm", "a.fits"]);
    sandbox.says(0, &["decompress", "a.fits.clps"]);
    let meta = fs::metadata(sandbox.path("a.fits")).unwrap();
    assert_eq!((meta.modified().unwrap(), meta.permissions().mode() & 0o777), (time, 0o640));
}
