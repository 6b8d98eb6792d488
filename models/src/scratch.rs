//! A folder for one test, gone with it.

use std::path::PathBuf;

pub struct Scratch(PathBuf);

impl Scratch {
    /// `name` is the test's own.
    pub fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("collapsar-models-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        Scratch(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
