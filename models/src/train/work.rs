//! data, settings → OUT; beside it OUT.training, where the training can be taken up
//!
//! OUT comes to its name when it is whole, and is never replaced unasked: a file that was coded with it needs its
//! very bytes.

use crate::data::corpus::Corpus;
use crate::train::log::{Log, Report};
use crate::train::settings::Settings;
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::Model;
use collapsar::internals::weights::store;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

pub struct Work {
    out: PathBuf,
    checkpoint: PathBuf,
}

impl Work {
    /// `folder`: of the checkpoint, where it is not that of the output. `again`: what an earlier training left is
    /// forgotten.
    pub fn new(out: PathBuf, folder: Option<PathBuf>, again: bool) -> Result<Work> {
        let name = out.file_name().ok_or_else(|| Error::argument("is not the name of a file").at(out.display()))?;
        let name = format!("{}.training", name.to_string_lossy());
        let folder = folder.unwrap_or_else(|| out.parent().unwrap_or(Path::new("")).to_owned());
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(&folder).map_err(|e| Error::from(e).at(folder.display()))?;
        }
        let checkpoint = folder.join(name);
        if again {
            forget(&checkpoint)?;
            forget(&out)?;
        } else if out.exists() && !checkpoint.exists() {
            let text = "exists already and is kept: give another name, or replace it with --again";
            return Err(Error::argument(text).at(out.display()));
        }
        Ok(Work { out, checkpoint })
    }

    /// To the end, from wherever an earlier training of the same settings stands; `train` is that of a family.
    pub fn train(
        self,
        settings: Settings,
        (training, validation): (Corpus, Corpus),
        mut log: Log,
        train: impl FnOnce(&Settings, (&Corpus, &Corpus), &mut Report) -> Result<Model>,
    ) -> Result<Model> {
        let settings = Settings { checkpoint: Some(self.checkpoint), ..settings };
        for frame in validation.frames() {
            log.line(json!({"held_out_file": frame.name, "class": frame.class}))?;
        }
        if validation.frames().next().is_none() {
            log.say(
                "nothing is held out, and the last weights are kept: one file of a class is too little to judge by",
            );
        }
        if settings.minutes.is_some() {
            log.say("the clock ends this training: another run will give other bytes (--steps would not)");
        }
        let model = train(&settings, (&training, &validation), &mut |event| log.take(event))?;
        let packed = store(&model)?;
        let (out, hash) = (self.out.display(), blake3::hash(&packed).to_hex());
        log.line(json!({"out": self.out, "blake3": hash.as_str(), "mac": model.n_mac()}))?;
        if std::fs::read(&self.out).is_ok_and(|bytes| bytes == packed) {
            log.say(&format!("{out} is finished already, blake3 {hash}"));
        } else {
            let mut output = Output::create(&self.out, Existing::Refuse(Some("--again")))?;
            output.write_all(&packed)?;
            output.commit()?;
            log.say(&format!("{out} is finished, blake3 {hash}"));
        }
        Ok(model)
    }
}

fn forget(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::from(e).at(path.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn weights_that_no_checkpoint_speaks_of_are_kept() {
        let scratch = Scratch::new("work");
        let out = scratch.path("w");
        let work = |again| Work::new(out.clone(), None, again).map(drop);
        assert_eq!(work(false), Ok(()));
        std::fs::write(&out, b"weights").unwrap();
        assert!(work(false).is_err());
        std::fs::write(scratch.path("w.training"), b"").unwrap();
        assert_eq!(work(false), Ok(()));
        assert_eq!(work(true), Ok(()));
        assert!(!out.exists() && !scratch.path("w.training").exists());
    }
}
