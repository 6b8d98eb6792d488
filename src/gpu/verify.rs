//! A device is believed after it has given the plain kernels' answer, to the bit, for the model at hand.
//!
//! Every op of every net runs over random arenas, noise of all sizes and the ends of every range; then whole tiles are coded
//! and come back. The first difference refuses the device and names the op.

use super::Gpu;
use super::interface::{TileInts, TilePayload};
use super::op::Op;
use crate::error::{Error, Result};
use crate::kernel::activation_cache::ActivationCache;
use crate::kernel::causal_conv::{causal_conv, n_planes};
use crate::kernel::context::{Heads, context};
use crate::kernel::fast::{Kernels, Level};
use crate::kernel::interval::{Distributions, intervals};
use crate::kernel::mixture::{Mixtures, Window, mass, mixture};
use crate::kernel::predict::{Linear, predict};
use crate::kernel::quantise::{FEATURE_B, FEATURE_S, MAX_FEATURE, coarsen, quantise};
use crate::kernel::table::{Choices, LOG2_SKEW_STEPS, LOG2_TAIL_STEPS, choose};
use crate::kernel::{Arenas, MAX_INT, MAX_RESIDUAL, ONE, Offsets, PlaneStats, Site};
use crate::model::l3c::Steps;
use crate::model::vqae::Vqae;
use crate::model::{Family, Model, PassNet};
use crate::net::{Head, MAX_REACH};
use crate::synthetic::Lcg;
use crate::tile::cells;
use crate::tile::stream::PlaneContext;
use crate::tile::transform::Tile;
use crate::tile::transform::vqae::{Autoencoder, Block, blocks};
use std::sync::PoisonError;

/// Cells of a random run, a little more than a workgroup's threads.
const N: usize = 200;
const PITCH: usize = 64;

impl Gpu {
    /// Compares this device with the plain kernels, once per model; an error of kind `Device` names the op that differs.
    pub fn verify(&self, model: &Model) -> Result<()> {
        let digest = *blake3::hash(&crate::weights::store(model)?).as_bytes();
        if self.verified.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest) {
            return Ok(());
        }
        let mut random = Lcg(1);
        if let Some(vqae) = &model.vqae {
            self.verify_vqae(vqae, &mut random).map_err(|e| e.at(&self.info.name))?;
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
            return Ok(());
        }
        for part in &model.nets {
            for max in [255, 4095, 65535, 65536, MAX_INT] {
                self.verify_net(part, max, &mut random).map_err(|e| e.at(&self.info.name))?;
            }
        }
        if model.family == Family::L3c {
            self.verify_scales(&mut random).map_err(|e| e.at(&self.info.name))?;
        }
        self.verify_heads(model.head(), &mut random).map_err(|e| e.at(&self.info.name))?;
        self.verify_tiles(model, &mut random).map_err(|e| e.at(&self.info.name))?;
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
        Ok(())
    }

    /// The stages of one net in turn, each on what the stage before has been shown to give.
    fn verify_net(&self, part: &PassNet, max: i32, random: &mut Lcg) -> Result<()> {
        let net = &part.net;
        let at = MAX_REACH as usize * (PITCH + 1);
        let address = |&(dy, dx): &(i32, i32)| dy * PITCH as i32 + dx;
        let offsets = Offsets {
            taps: net.taps.iter().map(address).collect(),
            ref_taps: net.ref_taps.iter().map(address).collect(),
            around: net.around().iter().map(address).collect(),
            hints: net.taps[..net.n_hints].iter().map(address).collect(),
        };
        let mut values = || (0..2 * at + N).map(|_| random.extreme(max) * ONE).collect::<Vec<i32>>();
        let own = values();
        let refs: Vec<Vec<i32>> = (0..net.n_refs).map(|_| values()).collect();
        let residuals: Vec<i32> = (0..2 * at + N).map(|_| random.signed(MAX_RESIDUAL)).collect();
        let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
        let stats = PlaneStats { median: random.extreme(max) * ONE, spread: 1 + random.extreme(MAX_RESIDUAL - 1) };
        let arenas = Arenas { values: &own, residuals: &residuals, refs: &refs, stats };
        let run = Site { arenas, offsets: &offsets, at, n: N, level: 3 };

        let most = 32767 / (part.linear.own().len() + net.n_refs * net.ref_taps.len()).max(1) as i32;
        let mut c = || random.signed(most) as i16;
        let decoded = (0..part.linear.own().len()).map(|_| c()).collect();
        let places = (0..net.n_refs).map(|_| (1..net.ref_taps.len()).map(|_| c()).collect()).collect();
        let mut cache = ActivationCache::default();
        for linear in [&Linear::new(decoded, places)?, &part.linear] {
            let (mut plain, mut gpu) = (vec![0; N], vec![0; N]);
            predict(linear, run, max, &mut plain);
            self.predict(linear, run, max, &mut gpu)?;
            same(Op::Predict, &plain, &gpu)?;
            let b = plain;

            let (mut plain, mut gpu) = (Heads::new(net.head.n_outputs(), N), Heads::new(net.head.n_outputs(), N));
            let (of_s, of_heads) = if net.is_plain() {
                context(net, run, &b, &mut plain);
                self.context(net, run, &b, &mut gpu)?;
                (Op::Context, Op::Context)
            } else {
                let span = offsets.around.iter().map(|o| o.unsigned_abs()).max().unwrap_or(0);
                cache.begin(n_planes(net), span as usize, N);
                causal_conv(net, run, &b, &mut cache, &mut plain);
                self.causal_conv(net, run, &b, &mut gpu)?;
                (Op::Features, Op::CausalConv)
            };
            same(of_s, &plain.s, &gpu.s)?;
            same(of_heads, &plain.heads, &gpu.heads)?;
            let ints: Vec<i32> = (0..N).map(|_| random.extreme(max)).collect();
            match net.head {
                Head::Mixture { k } => self.verify_symbols(&plain, k, &b, &ints, max)?,
                Head::Table => self.verify_choices(&plain, &b, max)?,
            }
        }
        Ok(())
    }

    /// Heads and scales that no trained net would give.
    fn verify_heads(&self, head: Head, random: &mut Lcg) -> Result<()> {
        for max in [0, 1, 255, 4095, 65535, 65536, MAX_INT] {
            let mut heads = Heads::new(head.n_outputs(), N);
            heads.s.iter_mut().for_each(|s| *s = 1 + random.extreme(MAX_RESIDUAL + 65535));
            heads.heads.iter_mut().for_each(|h| *h = random.signed(32767));
            let b: Vec<i32> = (0..N).map(|_| random.extreme(max * ONE)).collect();
            let ints: Vec<i32> = (0..N).map(|_| random.extreme(max)).collect();
            match head {
                Head::Mixture { k } => self.verify_symbols(&heads, k, &b, &ints, max)?,
                Head::Table => {
                    self.verify_choices(&heads, &b, max)?;
                    self.verify_choices(&shapes(random), &b, max)?;
                }
            }
        }
        Ok(())
    }

    fn verify_choices(&self, heads: &Heads, b: &[i32], max: i32) -> Result<()> {
        let (mut plain, mut gpu) = (Choices::new(N), Choices::new(N));
        choose(b, heads, max, &mut plain);
        self.choose(b, heads, max, &mut gpu)?;
        same(Op::Table, &plain.choice, &gpu.choice)?;
        same(Op::Table, &plain.middle, &gpu.middle)
    }

    fn verify_symbols(&self, heads: &Heads, k: usize, b: &[i32], ints: &[i32], max: i32) -> Result<()> {
        let window = Window { max };
        let (mut plain, mut gpu) = (Mixtures::new(k, N), Mixtures::new(k, N));
        mixture(b, heads, mass(window.n_symbols()), &mut plain);
        self.mixture(b, heads, mass(window.n_symbols()), &mut gpu)?;
        same(Op::Mixture, &plain.location, &gpu.location)?;
        same(Op::Mixture, &plain.log2_scale, &gpu.log2_scale)?;
        same(Op::Mixture, &plain.weight, &gpu.weight)?;
        // once where the ints are random, once where the mixtures expect them
        let near: Vec<i32> = (0..N).map(|i| ((plain.location[i] >> 6) + i as i32 % 5 - 2).clamp(0, max)).collect();
        for ints in [ints, &near] {
            let of = Distributions { mixtures: &plain, window, b };
            let (mut start, mut width) = (vec![0; N], vec![0; N]);
            let (mut gpu_start, mut gpu_width) = (vec![0; N], vec![0; N]);
            intervals(of, ints, &mut start, &mut width);
            self.intervals(of, ints, &mut gpu_start, &mut gpu_width)?;
            same(Op::Interval, &start, &gpu_start)?;
            same(Op::Interval, &width, &gpu_width)?;
        }
        Ok(())
    }

    /// What only scales know, of heads and predictions of all sizes.
    fn verify_scales(&self, random: &mut Lcg) -> Result<()> {
        let mut heads = Heads::new(3, N);
        heads.heads.iter_mut().for_each(|h| *h = random.signed(32767));
        // both sides of the edges between features
        heads.heads.iter_mut().step_by(3).zip(0..).for_each(|(h, i)| *h = 128 + ((i >> 1) << 8) - (i & 1));
        for max in [0, 1, 24, 65535] {
            let (mut plain, mut gpu) = (vec![0; N], vec![0; N]);
            quantise(N, &heads, MAX_FEATURE.min(max), &mut plain);
            self.quantise(&heads, MAX_FEATURE.min(max), &mut gpu)?;
            same(Op::Quantise, &plain, &gpu)?;
        }
        let b: Vec<i32> = (0..N).map(|_| random.extreme(MAX_INT) * ONE + random.extreme(ONE - 1)).collect();
        let s: Vec<i32> = (0..N).map(|_| 1 + random.extreme(MAX_RESIDUAL + 65535)).collect();
        for log2_step in [0, 1, 7, 15] {
            let steps = Steps::of(PlaneStats { median: 0, spread: ONE << log2_step });
            let (mut plain_s, mut plain, mut gpu_s, mut gpu) = (s.clone(), vec![0; N], s.clone(), vec![0; N]);
            coarsen(N, log2_step, &b, &mut plain_s, &mut plain);
            self.coarsen(steps, Some(1), &b, &mut gpu_s, &mut gpu)?;
            same(Op::Coarsen, &plain, &gpu)?;
            same(Op::Coarsen, &plain_s, &gpu_s)?;
            self.coarsen(steps, None, &b, &mut gpu_s, &mut gpu)?;
            same(Op::Coarsen, &[[FEATURE_B; N], [FEATURE_S; N]].concat(), &[gpu, gpu_s].concat())?;
        }
        Ok(())
    }

    /// Blocks of noise and of slopes, whole ones and those of which only some cells are seen.
    fn verify_vqae(&self, vqae: &Vqae, random: &mut Lcg) -> Result<()> {
        let autoencoder = Autoencoder { vqae, kernels: &Kernels::new(Level::Plain, []).with(vqae.meshes()) };
        let mut all = Vec::new();
        for (h, w, max) in [(64, 64, 1 << 20), (64, 70, 900), (20, 61, 90_000), (9, 200, 300)] {
            let ints: Vec<i32> =
                (0..h * w).map(|i| (max / 90 * (i / w % 64) as i32 + random.extreme(max / 4)).min(max)).collect();
            let classes: Vec<u8> = (0..h * w).map(|i| u8::from(i % w > 40 && i / w < 17)).collect();
            all.extend(blocks(Tile { ints: &ints, classes: &classes, h, w, max }));
        }
        all.retain(Block::is_coded);
        let mut found = all.clone();
        let heads = self.encode_blocks(vqae, &mut found.iter_mut().collect::<Vec<_>>())?;
        for (block, found) in all.iter_mut().zip(&found) {
            block.encode(autoencoder);
            if block.codes != found.codes {
                return Err(differs("mesh or nearest: a code"));
            }
        }
        let decoded = self.decode_blocks(vqae, &all.iter().collect::<Vec<_>>())?;
        for ((block, heads), decoded) in all.iter().zip(&heads).zip(&decoded) {
            same(Op::Mesh, &block.decode(autoencoder), decoded)?;
            same(Op::Mesh, decoded, heads)?;
        }
        Ok(())
    }

    /// Whole tiles: what fills the arenas is seen only there.
    fn verify_tiles(&self, model: &Model, random: &mut Lcg) -> Result<()> {
        let n_refs = model.nets.iter().map(|p| p.net.n_refs).max().unwrap_or(0);
        let linears = model.linears(n_refs);
        let (h, w, max) = (13, 10, 70000);
        let mut tile = || (0..h * w).map(|_| random.extreme(max)).collect::<Vec<i32>>();
        let planes: Vec<Vec<i32>> = (0..n_refs + 3).map(|_| tile()).collect();
        let refs: Vec<&[i32]> = planes[3..].iter().map(Vec::as_slice).collect();
        let kernels = model.kernels(Level::Plain);
        let context = PlaneContext {
            model,
            kernels: &kernels,
            linears: &linears,
            stats: PlaneStats { median: 640_000, spread: 300 },
            max,
        };
        let plan = model.plan_to_encode(h, w);
        let tiles: Vec<TileInts> = planes[..3].iter().map(|ints| TileInts { ints, refs: &refs }).collect();
        let payloads = self.encode(context, &plan, &tiles)?;
        for (payload, tile) in payloads.iter().zip(&tiles) {
            if *payload != cells::encode(context, &plan, tile.ints, &refs) {
                return Err(differs("the payload of a tile"));
            }
        }
        let payloads: Vec<TilePayload> = payloads.iter().map(|payload| TilePayload { payload, refs: &refs }).collect();
        let back = self.decode(context, &model.plan_to_decode(h, w), &payloads)?;
        match back.iter().zip(&tiles).all(|(back, tile)| back.as_deref() == Ok(tile.ints)) {
            true => Ok(()),
            false => Err(differs("a decoded tile")),
        }
    }
}

/// Heads of every scale, tail and skew, and of both sides of the edges between them.
fn shapes(random: &mut Lcg) -> Heads {
    let mut heads = Heads::new(Head::Table.n_outputs(), N);
    for i in 0..N {
        heads.s[i] = 1 << (i % 22);
        let log2_scale = 32 * (i as i32 % 190) - 256 * (i as i32 % 22) + 16;
        let tail = (1 << LOG2_TAIL_STEPS >> 1) + ((i as i32 % 9) << LOG2_TAIL_STEPS);
        let skew = (1 << LOG2_SKEW_STEPS >> 1) + ((i as i32 % 7 - 3) << LOG2_SKEW_STEPS);
        let of_cell = [random.signed(1100), log2_scale, tail, skew];
        of_cell.iter().enumerate().for_each(|(h, at)| heads.heads[h * N + i] = at - random.extreme(1));
    }
    heads
}

fn same<T: PartialEq>(op: Op, plain: &[T], gpu: &[T]) -> Result<()> {
    match plain.iter().zip(gpu).filter(|(p, g)| p != g).count() {
        0 => Ok(()),
        n => Err(differs(&format!("{}, in {n} of {} numbers,", op.name(), plain.len()))),
    }
}

fn differs(what: &str) -> Error {
    Error::device(format!("{what} is not what the CPU computes; the device cannot be used"))
}
