//! owner and group, as far as the caller may give them · permission bits

use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

/// Makes a file like another one; what cannot be done is left.
pub fn take(file: &File, of: &Metadata) {
    // the bits behind the owner: a file that is given away loses some
    let has_group = give_away(file, of);
    let _ = file.set_permissions(PermissionsExt::from_mode(mode(of.mode(), has_group)));
}

/// Whether it has the other's group now. Only root gives files away, others may choose among their own groups.
fn give_away(file: &File, of: &Metadata) -> bool {
    fchown(file, Some(of.uid()), Some(of.gid())).or_else(|_| fchown(file, None, Some(of.gid()))).is_ok()
}

/// Without setuid, setgid and sticky bit; another group than the one they were meant for may do no more than everyone.
fn mode(bits: u32, has_group: bool) -> u32 {
    let everyone = (bits & 0o007) << 3;
    bits & 0o777 & if has_group { 0o777 } else { 0o707 | everyone }
}

#[cfg(test)]
mod tests {
    use super::super::{Existing, Output};
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::chown;
    use std::path::Path;
    use std::time::{Duration, SystemTime};
    use tempfile::tempdir;

    fn write(path: &Path, like: Option<&Path>) {
        let mut output = Output::create(path, Existing::Replace).unwrap();
        if let Some(like) = like {
            output.like(&fs::metadata(like).unwrap());
        }
        output.write_all(b"z").unwrap();
        output.commit().unwrap();
    }

    #[test]
    fn modes_and_times_are_those_of_the_source() {
        let dir = tempdir().unwrap();
        let (source, path) = (dir.path().join("source"), dir.path().join("a"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        fs::write(&source, b"x").unwrap();
        write(&path, None);
        assert_eq!(mode(&path), mode(&source), "a new file follows the umask");

        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options().write(true).open(&source).unwrap().set_modified(time).unwrap();
        for bits in [0o400, 0o640, 0o755, 0o4711] {
            fs::set_permissions(&source, PermissionsExt::from_mode(bits)).unwrap();
            write(&path, Some(&source));
            assert_eq!(mode(&path) & 0o7777, bits & 0o777);
            assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
        }
    }

    #[test]
    fn owner_and_group_are_those_of_the_source_where_root_says_so() {
        let dir = tempdir().unwrap();
        let (source, path) = (dir.path().join("source"), dir.path().join("a"));
        fs::write(&source, b"x").unwrap();
        if chown(&source, Some(12_345), Some(23_456)).is_err() {
            return; // only root gives files away
        }
        fs::set_permissions(&source, PermissionsExt::from_mode(0o6750)).unwrap();
        write(&path, Some(&source));
        let meta = fs::metadata(&path).unwrap();
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (12_345, 23_456, 0o750));
    }

    #[test]
    fn a_group_that_was_not_meant_may_do_what_everyone_may() {
        for (bits, with_group, without) in
            [(0o640, 0o640, 0o600), (0o664, 0o664, 0o644), (0o4755, 0o755, 0o755), (0o2771, 0o771, 0o711)]
        {
            assert_eq!((mode(bits, true), mode(bits, false)), (with_group, without));
        }
    }
}
