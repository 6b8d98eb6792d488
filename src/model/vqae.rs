//! x → z_top → e_top → z_bottom → e_bottom → p        blocks of 64 × 64, bottom cells of 8 × 8, top cells of 16 × 16
//!
//! The meshes and codebooks of a two-level autoencoder: `encoder` meshes say latents, the nearest codes stand for them, `decoder` says
//! the pixels of codes, and `prior` meshes how likely the next code is.

use super::{Family, Model};
use crate::error::{Error, Result};
use crate::net::{Mesh, Sheet};

/// Pixels of a block, of a bottom cell and of a top cell, in a row.
pub const BLOCK: usize = 64;
pub const CELL: usize = 8;
pub const TOP_CELL: usize = 16;
/// Bottom and top cells of a block, in a row.
pub const SIDE: usize = BLOCK / CELL;
pub const TOP_SIDE: usize = BLOCK / TOP_CELL;
/// What is said of the size of a block beside its cells.
pub const SIZE: Sheet = Sheet { side: 1, width: 2 };
/// One byte says a code.
pub const MAX_CODES: usize = 256;
const PIXELS: Sheet = Sheet { side: SIDE, width: CELL * CELL };

/// Codes of one length, in 0..=127, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codebook {
    width: usize,
    codes: Vec<u8>,
}

impl Codebook {
    pub fn new(width: usize, codes: Vec<u8>) -> Result<Codebook> {
        let n = codes.len() / width.max(1);
        if !(1..=64).contains(&width) || !codes.len().is_multiple_of(width) || !(2..=MAX_CODES).contains(&n) {
            return Err(Error::corrupt(format!("{} bytes are no codes of {width}", codes.len())));
        }
        if codes.iter().any(|&e| e > 127) {
            return Err(Error::corrupt("a code above 127"));
        }
        Ok(Codebook { width, codes })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn n_codes(&self) -> usize {
        self.codes.len() / self.width
    }

    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    pub fn code(&self, index: u8) -> &[u8] {
        &self.codes[usize::from(index) * self.width..][..self.width]
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vqae {
    /// Pixels → latents of top cells.
    pub encoder_top: Mesh,
    /// Pixels, top codes → latents of bottom cells.
    pub encoder_bottom: Mesh,
    /// Top codes, bottom codes → 64 pixels of every bottom cell.
    pub decoder: Mesh,
    /// Top codes before, size → a logit for every top code.
    pub prior_top: Mesh,
    /// Bottom codes before, top codes, size → a logit for every bottom code.
    pub prior_bottom: Mesh,
    pub top: Codebook,
    pub bottom: Codebook,
}

/// Which of the meshes, in the order of the weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    EncoderTop,
    EncoderBottom,
    Decoder,
    PriorTop,
    PriorBottom,
}

impl Vqae {
    pub const N_MESHES: usize = 5;

    /// In the order of the weights file.
    pub fn meshes(&self) -> [&Mesh; Vqae::N_MESHES] {
        [&self.encoder_top, &self.encoder_bottom, &self.decoder, &self.prior_top, &self.prior_bottom]
    }

    pub fn new(meshes: [Mesh; Vqae::N_MESHES], top: Codebook, bottom: Codebook) -> Result<Vqae> {
        let [encoder_top, encoder_bottom, decoder, prior_top, prior_bottom] = meshes;
        let (t, b) = (Sheet { side: TOP_SIDE, width: top.width }, Sheet { side: SIDE, width: bottom.width });
        let logits = |sheet: Sheet, codes: &Codebook| Sheet { width: codes.n_codes(), ..sheet };
        let wanted = [
            (&encoder_top, &[PIXELS][..], t),
            (&encoder_bottom, &[PIXELS, t], b),
            (&decoder, &[t, b], PIXELS),
            (&prior_top, &[t, SIZE], logits(t, &top)),
            (&prior_bottom, &[b, t, SIZE], logits(b, &bottom)),
        ];
        for (mesh, sources, out) in wanted {
            if mesh.sources() != sources || mesh.out() != out {
                return Err(Error::corrupt(format!("a mesh of {:?} where {sources:?} come in", mesh.sources())));
            }
        }
        if !prior_top.is_causal() || !prior_bottom.is_causal() {
            return Err(Error::corrupt("a code would be predicted from one that is not known"));
        }
        Ok(Vqae { encoder_top, encoder_bottom, decoder, prior_top, prior_bottom, top, bottom })
    }

    /// Multiplications for an int of a block that is coded.
    pub fn n_mac(&self) -> usize {
        self.meshes().iter().map(|mesh| mesh.n_mac()).sum::<usize>() / (BLOCK * BLOCK)
    }
}

impl Model {
    pub fn of_vqae(name: &str, vqae: Vqae, hash: [u8; 32]) -> Model {
        Model { name: name.to_string(), family: Family::Vqae, nets: Vec::new(), vqae: Some(vqae), hash, per_octave: 1 }
    }
}
