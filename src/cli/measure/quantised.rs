//! int = round((x − min) / step) + 1,  step = 2E          x′ = min + (int − 1) · step          0: kept bit for bit
//!
//! Other people's lossless methods within the same bound: one quantiser for all of them, which keeps bit for bit what does not count
//! (fill values, NaN, infinities) and what would be further off after the cast to its dtype. Ints are as narrow as they can be. Methods
//! that take bytes get the low bytes of all ints first, then the next ones. Whatever is no int goes through zstd -19. What comes back is
//! held against the original like everything else.

use super::trial::{self, Original, Trial};
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::peers::Peer;
use collapsar::internals::sample::{Bound, Ordinary, Survey, bits, difference};
use collapsar::internals::source::Source;
use collapsar::internals::{Error, Loss, Result};
use std::io::Write;

pub const PEERS: [Peer; 3] = [Peer::Rice, Peer::Zstd(19), Peer::Pcodec(8)];
/// Larger files are not held in memory for others.
const MAX_BYTES: u64 = 1 << 30;
/// min, step, width and length of the ints.
const HEAD_BYTES: u64 = 8 + 8 + 1 + 8;
/// Floats count so far.
const MAX_INTS: f64 = 9_007_199_254_740_992.0;

pub fn name(peer: Peer) -> String {
    format!("quantised {}", peer.name())
}

/// An array as ints, and the samples that are kept.
struct Quantised {
    ints: Vec<u64>,
    kept: Vec<u8>,
    decoded: Vec<u8>,
}

/// What each peer makes of a file within the bounds that ours was held to; none where a bound is relative to each float.
pub fn trials(original: &Original, ours: &Trial) -> Result<Vec<(Peer, Trial)>> {
    let Some(loss) = ours.loss.filter(|loss| !matches!(loss, Loss::PwRel(_))) else { return Ok(Vec::new()) };
    if original.source.len() > MAX_BYTES {
        return Ok(Vec::new());
    }
    let (mut out, mut rest, mut at) = (trial::temporary()?, Vec::new(), 0);
    let mut n_bytes = [(); PEERS.len()].map(|()| Vec::new());
    for ((offset, ty, label), judged) in original.arrays.iter().zip(&ours.arrays) {
        let between = original.source.bytes(at, (offset - at) as usize)?;
        out.write_all(&between)?;
        rest.extend(between);
        let bytes = original.source.bytes(*offset, ty.n_bytes()? as usize)?;
        at = offset + ty.n_bytes()?;
        let loss = judged.coded.and_then(|coded| coded.noise).map_or(loss, |noise| noise.loss());
        let quantised = quantised(&bytes, ty, loss);
        for (peer, n_bytes) in PEERS.into_iter().zip(&mut n_bytes) {
            let n = match &quantised {
                Some(quantised) => quantised.n_bytes(peer, ty),
                None => n_packed(peer, bytes.clone(), ty),
            };
            n_bytes.push(n.map_err(|e| e.at(label))?);
        }
        out.write_all(quantised.as_ref().map_or(&bytes, |quantised| &quantised.decoded))?;
    }
    let last = original.source.bytes(at, (original.source.len() - at) as usize)?;
    out.write_all(&last)?;
    rest.extend(last);
    let n_rest = n_packed(Peer::Zstd(19), rest.clone(), &as_bytes(&rest))?;
    let trial = original.held_against(trial::whole(out)?, loss)?;
    let of = |(peer, n_bytes): (Peer, &Vec<u64>)| (peer, trial.at(n_rest + n_bytes.iter().sum::<u64>(), n_bytes));
    Ok(PEERS.into_iter().zip(&n_bytes).map(of).collect())
}

/// None where no bound concerns it, or it needs more ints than floats count: it stays as it is.
fn quantised(bytes: &[u8], ty: &ArrayType, loss: Loss) -> Option<Quantised> {
    let (dtype, n) = (ty.dtype, ty.dtype.n_bytes());
    let mut survey = Survey::new(dtype);
    survey.update(bytes, ty.big_endian);
    let (most, step) = match loss.bound(&survey)? {
        Bound::Near(n) => (n as f64, 2.0 * n as f64 + 1.0),
        Bound::Abs(e) => (e, 2.0 * e),
        Bound::PwRel(_) => return None,
    };
    let (min, max) = survey.range()?;
    // so that the cast does not take a sample over the bound
    let cast = match dtype {
        Dtype::F32 => f64::from(f32::EPSILON) / 2.0 * min.abs().max(max.abs()),
        Dtype::F64 => f64::EPSILON * min.abs().max(max.abs()),
        _ => 0.0,
    };
    let step = if cast < most / 2.0 { step - 2.0 * cast } else { step };
    // of halves: the range itself may be no float
    let (low, half) = (0.5 * min, 0.5 * step);
    if (0.5 * max - low) / half >= MAX_INTS {
        return None;
    }
    let ordinary = Ordinary::of(&survey);
    let mut all = Quantised { ints: Vec::new(), kept: Vec::new(), decoded: Vec::with_capacity(bytes.len()) };
    for (sample, x) in bytes.chunks_exact(n).zip(bits(dtype, bytes, ty.big_endian)) {
        let int = ((0.5 * ordinary.number(x) - low) / half).round();
        let y = sample_of(dtype, 2.0 * (low + int * half));
        let is_near = int.is_finite() && difference(dtype, x, y).abs() <= most;
        all.ints.push(if is_near { int as u64 + 1 } else { 0 });
        match (is_near, ty.big_endian) {
            (true, true) => all.decoded.extend(&y.to_be_bytes()[8 - n..]),
            (true, false) => all.decoded.extend(&y.to_le_bytes()[..n]),
            (false, _) => {
                all.kept.extend(sample);
                all.decoded.extend(sample);
            }
        }
    }
    Some(all)
}

/// The bits of the sample that is nearest to a number; integers end where their dtype does.
fn sample_of(dtype: Dtype, x: f64) -> u64 {
    match dtype {
        Dtype::F32 => u64::from((x as f32).to_bits()),
        Dtype::F64 => x.to_bits(),
        Dtype::U8 => u64::from(x as u8),
        Dtype::U16 => u64::from(x as u16),
        Dtype::U32 => u64::from(x as u32),
        Dtype::U64 => x as u64,
        Dtype::I8 => u64::from(x as i8 as u8),
        Dtype::I16 => u64::from(x as i16 as u16),
        Dtype::I32 => u64::from(x as i32 as u32),
        Dtype::I64 => x as i64 as u64,
    }
}

impl Quantised {
    /// What a peer takes for it.
    fn n_bytes(&self, peer: Peer, ty: &ArrayType) -> Result<u64> {
        let largest = self.ints.iter().copied().max().unwrap_or(0);
        let dtypes = [(Dtype::U8, 0xff), (Dtype::U16, 0xffff), (Dtype::U32, 0xffff_ffff), (Dtype::U64, u64::MAX)];
        let dtype = dtypes.into_iter().find(|(_, most)| largest <= *most).map_or(Dtype::U64, |(dtype, _)| dtype);
        let n = dtype.n_bytes();
        let bytes: Vec<u8> = match peer.is_for_arrays() {
            true => self.ints.iter().flat_map(|int| int.to_le_bytes().into_iter().take(n)).collect(),
            false => (0..n).flat_map(|i| self.ints.iter().map(move |int| int.to_le_bytes()[i])).collect(),
        };
        let ints = n_packed(peer, bytes, &ArrayType { dtype, big_endian: false, shape: ty.shape.clone() })?;
        Ok(HEAD_BYTES + ints + n_packed(Peer::Zstd(19), self.kept.clone(), &as_bytes(&self.kept))?)
    }
}

/// The bytes of a file are an array of bytes to those who know no more.
fn as_bytes(bytes: &[u8]) -> ArrayType {
    ArrayType { dtype: Dtype::U8, big_endian: false, shape: vec![bytes.len() as u64] }
}

/// What comes back must be what went in.
fn n_packed(peer: Peer, bytes: Vec<u8>, ty: &ArrayType) -> Result<u64> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let packed = peer.pack(&bytes, ty)?;
    match peer.unpack(&packed, ty, bytes.len())? == bytes {
        true => Ok(packed.n_bytes()),
        false => Err(Error::verify(format!("{} does not give the bytes back", peer.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a decoder would do with the ints, their head and what was kept.
    fn decoded(of: &Quantised, (min, step): (f64, f64), n: usize, dtype: Dtype) -> Vec<u8> {
        let mut kept = of.kept.chunks(n);
        let sample = |int: &u64| match int.checked_sub(1) {
            Some(int) => sample_of(dtype, min + int as f64 * step).to_le_bytes()[..n].to_vec(),
            None => kept.next().unwrap().to_vec(),
        };
        of.ints.iter().flat_map(sample).collect()
    }

    #[test]
    fn every_sample_is_within_the_bound_or_the_same_bits() {
        let mut values: Vec<f32> = (0..3000).map(|i| ((i * i) as f32).sin() * 1e3).collect();
        (values[7], values[8]) = (f32::NAN, f32::INFINITY);
        values[1000..1100].fill(-9e33);
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let ty = ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![50, 60] };
        for e in [1.0, 1e-2, 1e-3] {
            let of = quantised(&bytes, &ty, Loss::Abs(e)).unwrap();
            for (x, y) in values.iter().zip(of.decoded.as_chunks::<4>().0) {
                let y = f32::from_le_bytes(*y);
                let is_same = x.to_bits() == y.to_bits();
                assert!(is_same || (f64::from(*x) - f64::from(y)).abs() <= e, "{e}: {x} {y}");
            }
            // fill values, NaN and infinity; and none because of the cast
            assert_eq!(of.kept.len(), 4 * 102, "{e}");
            assert!(PEERS.iter().all(|peer| of.n_bytes(*peer, &ty).unwrap() < bytes.len() as u64));
        }
    }

    #[test]
    fn ints_and_what_was_kept_are_all_that_a_decoder_needs() {
        let values: Vec<u16> = (0..2000u32).map(|i| (i * i * 31 % 65_536) as u16).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![40, 50] };
        let of = quantised(&bytes, &ty, Loss::Near(3)).unwrap();
        let min = f64::from(*values.iter().min().unwrap());
        assert_eq!(decoded(&of, (min, 7.0), 2, Dtype::U16), of.decoded);
        assert!(of.kept.is_empty() && of.decoded != bytes);
        let off = values.iter().zip(of.decoded.as_chunks::<2>().0);
        assert_eq!(off.map(|(x, y)| x.abs_diff(u16::from_le_bytes(*y))).max(), Some(3));
        let big: Vec<u8> = values.iter().flat_map(|x| x.to_be_bytes()).collect();
        let swapped = quantised(&big, &ArrayType { big_endian: true, ..ty.clone() }, Loss::Near(3)).unwrap();
        assert!(
            swapped.ints == of.ints
                && swapped.decoded.as_chunks::<2>().0[9] == {
                    let [a, b] = of.decoded.as_chunks::<2>().0[9];
                    [b, a]
                }
        );
        assert!(quantised(&bytes, &ty, Loss::Near(0)).is_none() && quantised(&bytes, &ty, Loss::PwRel(0.1)).is_none());
    }
}
