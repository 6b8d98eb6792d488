//! data, settings → OUT; beside it OUT.training, where the training can be taken up
//!
//! OUT comes to its name when it is whole, and is never replaced unasked: a file that was coded with it needs its very bytes.

use crate::data::Corpus;
use crate::log::Log;
use crate::train::{Settings, Start, train};
use burn::tensor::Device;
use collapsar::atomic::{Existing, Output};
use collapsar::error::{Error, Result};
use collapsar::net::store;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

pub struct Work {
    training: Corpus,
    validation: Corpus,
    out: PathBuf,
    checkpoint: PathBuf,
    log: Log,
}

impl Work {
    /// `again`: what an earlier training left is forgotten.
    pub fn new(
        data: &Path,
        out: PathBuf,
        checkpoint: Option<PathBuf>,
        again: bool,
        log: Option<&Path>,
    ) -> Result<Work> {
        let name = out.file_name().ok_or_else(|| Error::argument("is not the name of a file").at(out.display()))?;
        let name = format!("{}.training", name.to_string_lossy());
        let folder = checkpoint.unwrap_or_else(|| out.parent().unwrap_or(Path::new("")).to_owned());
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(&folder).map_err(|e| Error::from(e).at(folder.display()))?;
        }
        let checkpoint = folder.join(name);
        if again {
            for path in [&checkpoint, &out] {
                match std::fs::remove_file(path) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::from(e).at(path.display()));
                    }
                    _ => {}
                }
            }
        } else if out.exists() && !checkpoint.exists() {
            let text = "exists already and is kept: give another name, or replace it with --again";
            return Err(Error::argument(text).at(out.display()));
        }
        let (training, validation) = Corpus::read(data)?.split();
        Ok(Work { training, validation, out, checkpoint, log: Log::new(log)? })
    }

    /// To the end, from wherever an earlier training of the same settings stands.
    pub fn train(mut self, mut settings: Settings, start: &Start) -> Result<()> {
        settings.checkpoint = Some(self.checkpoint.clone());
        for frame in self.validation.frames() {
            self.log.line(json!({"held_out_file": frame.name, "class": frame.class}))?;
        }
        if self.validation.frames().next().is_none() {
            self.log.say("nothing is held out: one file of each class is too little to judge by");
        }
        if settings.minutes.is_some() {
            self.log.say("the clock ends this training: another run will give other bytes (--steps would not)");
        }
        let log = &mut self.log;
        let model = train(&settings, (&self.training, &self.validation), start, &mut |event| log.take(event))?;
        let packed = store(&model)?;
        let hash = blake3::hash(&packed).to_hex();
        self.log.line(json!({"out": self.out, "blake3": hash.as_str(), "mac": model.n_mac()}))?;
        if std::fs::read(&self.out).is_ok_and(|bytes| bytes == packed) {
            self.log.say(&format!("{} is finished already", self.out.display()));
            return Ok(());
        }
        let mut output = Output::create(&self.out, Existing::Refuse)?;
        output.write_all(&packed)?;
        output.commit()?;
        self.log.say(&format!("{} is finished, blake3 {hash}", self.out.display()));
        Ok(())
    }
}

/// Where tensors live: the CPU, or with the feature `wgpu` the default GPU.
pub fn device() -> Device {
    #[cfg(feature = "wgpu")]
    let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(not(feature = "wgpu"))]
    let device = Device::flex();
    device.autodiff()
}
