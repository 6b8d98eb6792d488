//! `models curves`: a training's log as a page of HTML.

use crate::measure::curves;
use clap::Args;
use collapsar::internals::error::{Error, Result};
use std::fs;
use std::path::PathBuf;

#[derive(Args)]
pub struct Curves {
    /// What `--log` of a training wrote.
    log: PathBuf,
    /// The page.
    #[arg(short, long)]
    out: PathBuf,
}

impl Curves {
    pub fn run(self) -> Result<()> {
        let Curves { log, out } = self;
        let lines = fs::read_to_string(&log).map_err(|e| Error::from(e).at(log.display()))?;
        let title = log.file_stem().unwrap_or_default().to_string_lossy();
        let page = curves::page(&title, &lines).map_err(|e| e.at(log.display()))?;
        fs::write(&out, page).map_err(|e| Error::from(e).at(out.display()))
    }
}
