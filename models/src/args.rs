//! The command line.

use crate::data::pool::N_DRAWS;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "Trains and measures the networks of collapsar")]
pub struct Arguments {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Train a family's nets on 16-bit frames or on float fields and write their integer weights. The same command given again takes up a training
    /// that was interrupted.
    Train {
        #[command(flatten)]
        net: Net,
        /// The name users call the model by; FAMILY-PRESET unless given.
        #[arg(long)]
        name: Option<String>,
        /// Weights to begin from.
        #[arg(long)]
        from: Option<PathBuf>,
        /// Leave the nets of --from as they are and train further ones, that look at 1, 2 … this many reference planes.
        #[arg(long, requires = "from", default_value_t = 0)]
        refs: usize,
        /// On float fields, quantised to bounds of 3 % of their range down to two millionths.
        #[arg(long)]
        fields: bool,
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 20000)]
        steps: u64,
        /// An end by the clock, if it comes before the steps'; what comes of it cannot be reproduced.
        #[arg(long)]
        minutes: Option<f64>,
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        way: Way,
    },
    /// Train a net whose layers look at the activations of other cells, of family pixelcnn-deep, on patches of frames.
    Deep {
        /// Where it looks at ints: fast, default or max.
        #[arg(long, default_value = "default")]
        preset: String,
        /// Activations of a cell and layer.
        #[arg(long, default_value_t = 24)]
        width: usize,
        /// Gated residual blocks.
        #[arg(long, default_value_t = 3)]
        blocks: usize,
        /// The name users call the model by.
        #[arg(long, default_value = "pixelcnn-deep")]
        name: String,
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 20000)]
        steps: u64,
        #[arg(long)]
        minutes: Option<f64>,
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        way: Way,
    },
    /// Train the three nets of family l3c together: what is transmitted of 2 × 2 ints, what is expected of it, what it says.
    L3c {
        /// The name users call the model by.
        #[arg(long, default_value = "l3c-default")]
        name: String,
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 20000)]
        steps: u64,
        #[arg(long)]
        minutes: Option<f64>,
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        way: Way,
    },
    /// Train the meshes and codebooks of a vqae on blocks of float fields.
    Vqae {
        /// Codes of a cell of 16 × 16 ints, and of one of 8 × 8.
        #[arg(long, default_value_t = 64)]
        top: usize,
        #[arg(long, default_value_t = 128)]
        bottom: usize,
        /// Numbers of a code.
        #[arg(long, default_value_t = 16)]
        width: usize,
        /// Activations of a cell and layer.
        #[arg(long, default_value_t = 48)]
        hidden: usize,
        /// How much errors count by frequency, beside their cost.
        #[arg(long, default_value_t = 0.0)]
        frequency: f32,
        /// Steps of each mesh that foresees codes.
        #[arg(long, default_value_t = 3000)]
        foresee: u64,
        /// The name users call the model by.
        #[arg(long, default_value = "vqae")]
        name: String,
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 20000)]
        steps: u64,
        #[arg(long)]
        minutes: Option<f64>,
        #[arg(long, default_value_t = 2e-3)]
        rate: f64,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        way: Way,
    },
    /// Adapt weights to the frames of one survey.
    Finetune {
        #[arg(long)]
        from: PathBuf,
        /// To the float fields of a dataset.
        #[arg(long)]
        fields: bool,
        /// Only the nets for reference planes: to planes of other fields in the same folder, beside those before.
        #[arg(long, requires = "fields")]
        cross: bool,
        /// The name users call the model by; that of the weights with the folder's behind it unless given.
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        out: PathBuf,
        /// Steps instead of minutes: the same bytes every time.
        #[arg(long)]
        steps: Option<u64>,
        #[arg(long, default_value_t = 3.0)]
        minutes: f64,
        /// As high as that of a training: a third of it left a fifth of the gain behind.
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        way: Way,
    },
    /// Bits per sample by class: of the model in floats and in integers, and of real payloads.
    Eval {
        /// One or more weights files.
        #[arg(long, num_args = 1.., required = true)]
        weights: Vec<PathBuf>,
        #[command(flatten)]
        data: Data,
        /// Only the files that training holds out.
        #[arg(long)]
        held_out: bool,
        /// Tiles of each plane.
        #[arg(long, default_value_t = 4)]
        tiles: usize,
        /// Fail where integers cost more than 0.3 % of the floats' bits.
        #[arg(long)]
        check: bool,
    },
    /// Ratio by survey of whole compressed files, each read back.
    Ratio {
        /// Weights files; what is built in unless given.
        #[arg(long, num_args = 1..)]
        weights: Vec<PathBuf>,
        #[command(flatten)]
        data: Data,
        /// Only the files that training holds out.
        #[arg(long)]
        held_out: bool,
    },
    /// Ratios and speeds by class of every model that is built in, of what is chosen by measuring, and of RICE, deflate and zstd; and
    /// what a family costs. Whole files, each decoded and compared.
    Table {
        #[command(flatten)]
        data: Data,
        /// One JSON object instead of Markdown.
        #[arg(long)]
        json: bool,
    },
    /// Train a model per survey and one on all, and measure each on the files that every survey keeps for that.
    Matrix {
        #[command(flatten)]
        net: Net,
        /// A folder for the models. The same command given again goes on where it was.
        #[arg(long)]
        out: PathBuf,
        /// Of each model.
        #[arg(long, default_value_t = 5.0)]
        minutes: f64,
        /// Steps instead of minutes: the same table every time.
        #[arg(long)]
        steps: Option<u64>,
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[arg(long, default_value_t = 4)]
        tiles: usize,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        way: Way,
    },
}

#[derive(Args)]
pub struct Net {
    /// pixelcnn or lattice.
    #[arg(long, default_value = "lattice")]
    pub family: String,
    /// fast, default or max.
    #[arg(long, default_value = "default")]
    pub preset: String,
}

#[derive(Args)]
pub struct Data {
    /// A folder with a folder of FITS or NPY files per class, or with files of one class, or in the layout of AstroCompress.
    #[arg(long)]
    pub data: PathBuf,
    /// At most so many files of each class.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    pub files: usize,
}

/// What every training can be told.
#[derive(Args)]
pub struct Way {
    /// A folder for checkpoints; that of the output unless given.
    #[arg(long)]
    pub checkpoint: Option<PathBuf>,
    /// Forget an earlier training of this output, and replace it.
    #[arg(long)]
    pub again: bool,
    /// A file for lines of JSON; standard output unless given, where that is no terminal.
    #[arg(long)]
    pub log: Option<PathBuf>,
    /// Cells per step.
    #[arg(long, default_value_t = 8192)]
    pub batch: usize,
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Draws of some tiles each that batches are mixed of.
    #[arg(long, default_value_t = N_DRAWS)]
    pub pool: u64,
}
