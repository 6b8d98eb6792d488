//! The command's verbs, a file each: what it can be told, and what it does.

pub mod curves;
pub mod deep;
pub mod denoise;
pub mod eval;
pub mod finetune;
pub mod l3c;
pub mod matrix;
pub mod options;
pub mod ratio;
pub mod table;
pub mod train;
pub mod vqae;

use clap::{Parser, Subcommand};
use collapsar::internals::error::Result;

#[derive(Parser)]
#[command(about = "Trains and measures the networks of collapsar")]
pub struct Arguments {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Train a family's nets on 16-bit frames or on float fields and write their integer weights. The same command
    /// given again takes up a training that was interrupted.
    Train(train::Train),
    /// Train a net whose layers read the activations of other cells, of family pixelcnn-deep, on patches of frames.
    Deep(deep::Deep),
    /// Train the three nets of family l3c together: what is transmitted of 2 × 2 ints, what is expected of it, what
    /// it says.
    L3c(l3c::L3c),
    /// Train the meshes and codebooks of a vqae on blocks of float fields.
    Vqae(vqae::Vqae),
    /// Train the net of `collapsar compress --denoise` on simulated frames, whose truth is known, and measure it.
    Denoise(denoise::Denoise),
    /// Adapt weights to the frames of one survey.
    Finetune(finetune::Finetune),
    /// Show a training's log as a page of HTML: loss against steps, and what held-out files of each class cost.
    Curves(curves::Curves),
    /// Bits per sample by class: of the model in floats and in integers, and of real payloads.
    Eval(eval::Eval),
    /// Ratio by survey of whole compressed files, each read back.
    Ratio(ratio::Ratio),
    /// Ratios and speeds by class of every model that is built in, of what is chosen by measuring, and of RICE,
    /// deflate and zstd; and what a family costs. Whole files, each decoded and compared.
    Table(table::Table),
    /// Train a model per survey and one on all, and measure each on the files that every survey keeps for that.
    Matrix(matrix::Matrix),
}

impl Verb {
    pub fn run(self) -> Result<()> {
        match self {
            Verb::Train(verb) => verb.run(),
            Verb::Deep(verb) => verb.run(),
            Verb::L3c(verb) => verb.run(),
            Verb::Vqae(verb) => verb.run(),
            Verb::Denoise(verb) => verb.run(),
            Verb::Finetune(verb) => verb.run(),
            Verb::Curves(verb) => verb.run(),
            Verb::Eval(verb) => verb.run(),
            Verb::Ratio(verb) => verb.run(),
            Verb::Table(verb) => verb.run(),
            Verb::Matrix(verb) => verb.run(),
        }
    }
}
