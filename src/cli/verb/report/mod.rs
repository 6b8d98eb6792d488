//! bounds → (bits per sample, distortion) of ours and of others: `bounded`;     without loss → where bits go: `lossless`

mod bar;
mod bounded;
mod cards;
mod closer;
mod csv;
mod curves;
mod file;
mod fits;
mod folder;
mod keep;
mod lossless;
mod maps;
mod page;
mod places;
mod plot;
mod png;
mod rates;
mod scatter;
mod several;
mod sheet;
mod side;
mod single;
mod stretch;
mod study;

use crate::cli::args;
use crate::cli::talk::exit::Tally;
use collapsar::internals::Result;

pub fn run(args: &args::Report) -> Result<Tally> {
    if args.lossless { lossless::run(args) } else { bounded::run(args) }
}
