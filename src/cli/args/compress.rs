//! a.fits → a.fits.clps

use super::{Coding, Files, Lossy, Place, Progress, Raw, Recipes, Resources, Talk};
use clap::Args as Group;
use collapsar::internals::References;

#[derive(Group)]
pub struct Compress {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub lossy: Lossy,
    #[command(flatten)]
    pub coding: Coding,
    #[command(flatten)]
    pub recipes: Recipes,
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
    /// A .gz that cannot be made again to the bit may be given back unpacked
    #[arg(long, conflicts_with_all = ["rm", "verify"])]
    pub gunzip: bool,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}

impl Compress {
    pub fn references(&self) -> References {
        match self.reference.as_slice() {
            [word] if word == "auto" => References::Auto,
            [word] if word == "none" => References::None,
            names => References::These(names.to_vec()),
        }
    }
}
