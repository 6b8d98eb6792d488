//! The words of libpressio's `external_compressor`.

use super::{Coding, Lossy, Resources};
use clap::Args as Group;
use std::ffi::OsString;

#[derive(Group)]
pub struct External {
    #[command(flatten)]
    pub lossy: Lossy,
    #[command(flatten)]
    pub coding: Coding,
    #[command(flatten)]
    pub resources: Resources,
    /// What libpressio adds: --api 5 --mode compress --input FILE --itype float --idim 500 --idim 100, and so on
    #[arg(value_name = "WORD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}
