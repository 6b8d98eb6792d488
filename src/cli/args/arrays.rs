//! How the arrays of a file are found, seen and kept: the same for one file and for many.

use super::Raw;
use clap::Args as Group;
use collapsar::internals::References;

#[derive(Group)]
pub struct Arrays {
    /// Put the weights into the file, so that it can be restored without them
    #[arg(long)]
    pub embed_weights: bool,
    /// Arrays that others may be predicted from: auto (the default: those before them, where that pays), none, or names, numbers
    #[arg(long, value_name = "NAME,...", default_value = "auto", hide_default_value = true, value_delimiter = ',')]
    pub reference: Vec<String>,
    /// The first dimension of arrays counts fields: each is an array of its own, with its own range, and may be predicted from others
    #[arg(long)]
    pub fields: bool,
    #[command(flatten)]
    pub raw: Raw,
}

impl Arrays {
    pub fn references(&self) -> References {
        match self.reference.as_slice() {
            [word] if word == "auto" => References::Auto,
            [word] if word == "none" => References::None,
            names => References::These(names.to_vec()),
        }
    }
}
