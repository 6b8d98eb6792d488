//! What was decided once, for many files.

use clap::Args as Group;
use std::path::PathBuf;

#[derive(Group)]
pub struct Recipes {
    /// Code arrays as a recipe says, without a search; those of another dtype or size are an error
    #[arg(long, value_name = "RECIPE", conflicts_with_all = ["alike", "learn_recipe"])]
    pub recipe: Option<PathBuf>,
    /// Write a recipe of what is decided for the arrays of the files to -o, and no .clps file
    #[arg(long, requires = "output", conflicts_with_all = ["alike", "rm", "verify"])]
    pub learn_recipe: bool,
    /// The files are alike: what is decided for the first array of a dtype and size, in the order given, is used for the others
    #[arg(long)]
    pub alike: bool,
}
