//! `models table`: the tables of AstroCompress, and what a family costs.

use crate::data::survey::{Part, surveys};
use crate::measure::families;
use crate::verb::options::Data;
use clap::Args;
use collapsar::internals::error::Result;

#[derive(Args)]
pub struct Table {
    #[command(flatten)]
    data: Data,
    /// One JSON object instead of Markdown.
    #[arg(long)]
    json: bool,
}

impl Table {
    pub fn run(self) -> Result<()> {
        let surveys = surveys(&self.data.data, Part::Test, self.data.files)?;
        let measured = families::measure(&surveys, &families::coders())?;
        match self.json {
            true => println!("{}", measured.json()?),
            false => print!("{}", measured.markdown()?),
        }
        Ok(())
    }
}
