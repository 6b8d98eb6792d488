//! payload by a device = payload by the plain kernels, byte for byte; and the device decodes it to the ints.

use super::tiles::Tile;
use collapsar::internals::gpu::{Gpu, TileInts, TilePayload};
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::Model;
use collapsar::internals::tile::cells;
use collapsar::internals::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// How one device did with one model.
pub struct Conformance {
    pub model: String,
    /// A level of the CPU's kernels, or an adapter.
    pub level: String,
    pub n_tiles: usize,
    pub n_bytes_differing: usize,
    /// What else went wrong.
    pub fault: Option<Error>,
    /// blake3 of the plain payloads: the same on every machine.
    pub fingerprint: String,
}

impl Conformance {
    pub fn is_equal(&self) -> bool {
        self.n_bytes_differing == 0 && self.fault.is_none()
    }

    pub fn verdict(&self) -> String {
        match &self.fault {
            Some(fault) => fault.to_string(),
            None if self.is_equal() => "equal".into(),
            None => "DIFFERS".into(),
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "model": self.model, "level": self.level, "tiles": self.n_tiles, "fingerprint": self.fingerprint,
            "differing_bytes": self.n_bytes_differing, "equal": self.is_equal(),
            "fault": self.fault.as_ref().map(Error::to_string),
        })
    }
}

/// What the plain kernels say of some tiles: what all others are compared with.
pub struct Plain<'a> {
    model: &'a Model,
    tiles: &'a [Tile],
    payloads: Vec<Vec<u8>>,
}

impl<'a> Plain<'a> {
    pub fn new(model: &'a Model, tiles: &'a [Tile]) -> Plain<'a> {
        let kernels = model.kernels(Level::Plain);
        Plain { model, tiles, payloads: tiles.iter().map(|tile| encode(model, &kernels, tile)).collect() }
    }

    /// Every level of this machine; of the plain kernels, that what they wrote comes back.
    pub fn levels(&self) -> Vec<Conformance> {
        let level = |level: Level| {
            let kernels = self.model.kernels(level);
            self.compare(&level.name(), |tile, payload, linears| {
                let coded = if level == Level::Plain { payload.to_vec() } else { encode(self.model, &kernels, tile) };
                let mut back = vec![0; tile.ints.len()];
                let plan = self.model.plan_to_decode(tile.h, tile.w);
                cells::decode(tile.context(self.model, &kernels, linears), &plan, payload, &tile.refs(), &mut back)?;
                Ok((coded, back))
            })
        };
        Level::available().into_iter().map(level).collect()
    }

    pub fn adapter(&self, name: &str, gpu: &Gpu) -> Conformance {
        let kernels = self.model.kernels(Level::Plain); // symbols are popped with them
        let verified = gpu.verify(self.model);
        let mut outcome = self.compare(name, |tile, payload, linears| {
            let (context, refs) = (tile.context(self.model, &kernels, linears), tile.refs());
            let batch = [TileInts { ints: &tile.ints, refs: &refs }];
            let coded = gpu.encode(context, &self.model.plan_to_encode(tile.h, tile.w), &batch)?;
            let batch = [TilePayload { payload, refs: &refs }];
            let back = gpu.decode(context, &self.model.plan_to_decode(tile.h, tile.w), &batch)?;
            Ok((coded.concat(), back.into_iter().collect::<Result<Vec<_>>>()?.concat()))
        });
        outcome.fault = verified.err().or(outcome.fault);
        outcome
    }

    /// `code` gives a tile's payload, and the ints of a payload.
    fn compare(
        &self,
        level: &str,
        code: impl Fn(&Tile, &[u8], &[Linear]) -> Result<(Vec<u8>, Vec<i32>)>,
    ) -> Conformance {
        let mut hash = blake3::Hasher::new();
        self.payloads.iter().for_each(|payload| _ = hash.update(payload));
        let (mut n_bytes_differing, mut fault) = (0, None);
        for (tile, payload) in self.tiles.iter().zip(&self.payloads) {
            let linears = self.model.linears(tile.refs.len());
            match code(tile, payload, &linears) {
                Ok((coded, back)) => {
                    n_bytes_differing += differing(&coded, payload);
                    if back != tile.ints {
                        let what = format!("a tile of {}×{} does not come back", tile.h, tile.w);
                        fault.get_or_insert(Error::new(ErrorKind::Verify, what));
                    }
                }
                Err(error) => _ = fault.get_or_insert(error),
            }
        }
        let (model, n_tiles) = (self.model.name.clone(), self.tiles.len());
        let fingerprint = hash.finalize().to_hex().to_string();
        Conformance { model, level: level.to_string(), n_tiles, n_bytes_differing, fault, fingerprint }
    }
}

fn encode(model: &Model, kernels: &Kernels, tile: &Tile) -> Vec<u8> {
    let linears = model.linears(tile.refs.len());
    let plan = model.plan_to_encode(tile.h, tile.w);
    cells::encode(tile.context(model, kernels, &linears), &plan, &tile.ints, &tile.refs())
}

fn differing(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count() + a.len().abs_diff(b.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::verb::bench::{random, tiles};
    use collapsar::internals::model::Family;

    #[test]
    fn a_device_that_computes_otherwise_is_caught() {
        let model = random::model(Family::Lattice, &random::SIZES[0]).unwrap();
        let tiles = &tiles::odd()[..3];
        let plain = Plain::new(&model, tiles);
        assert!(plain.levels().iter().all(Conformance::is_equal));
        let right = |tile: &Tile, payload: &[u8]| (payload.to_vec(), tile.ints.clone());
        let flipped = plain.compare("flipped", |tile, payload, _| {
            let (mut coded, back) = right(tile, payload);
            coded[0] ^= 1;
            Ok((coded, back))
        });
        assert_eq!((flipped.n_bytes_differing, flipped.is_equal()), (tiles.len(), false));
        let wrong = plain.compare("wrong", |tile, payload, _| {
            let (coded, mut back) = right(tile, payload);
            back[0] += 1;
            Ok((coded, back))
        });
        assert!(!wrong.is_equal() && wrong.n_bytes_differing == 0);
    }
}
