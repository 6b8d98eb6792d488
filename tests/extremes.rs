//! Every bound that is taken is read again and kept: all dtypes, all kinds of bounds, samples from one end of their type to the other.
//! Held to it by arithmetic of the test's own.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::error::ErrorKind;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::{Choice, Loss, Options, Report, Rounding, compress_to, decompress};

const H: usize = 13;
const W: usize = 31;
const N: usize = H * W;

fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F64)
}

fn mask(dtype: Dtype) -> u64 {
    u64::MAX >> (64 - 8 * dtype.n_bytes())
}

/// Bit patterns of samples, by what they are.
fn arrays(dtype: Dtype) -> Vec<(&'static str, Vec<u64>)> {
    if is_float(dtype) { floats(dtype) } else { integers(dtype) }
}

fn integers(dtype: Dtype) -> Vec<(&'static str, Vec<u64>)> {
    let (mask, top) = (mask(dtype), mask(dtype) / 2 + 1);
    let signed = matches!(dtype, Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64);
    let (lowest, highest) = if signed { (top, top - 1) } else { (0, mask) };
    let mut random = Lcg(u32::from(dtype as u8) + 1);
    let mut wide = || u64::from(random.below(u32::MAX)) << 32 | u64::from(random.below(u32::MAX));
    let mut anything: Vec<u64> = (0..N).map(|_| wide() & mask).collect();
    (anything[7], anything[300]) = (lowest, highest);
    let ends = [lowest, highest, 0, 1, highest - 1, (lowest + 1) & mask];
    vec![
        ("anything", anything),
        ("ends", (0..N).map(|i| ends[i % 6]).collect()),
        ("lower half", (0..N).map(|_| lowest.wrapping_add(wide() % top) & mask).collect()),
        ("two values", (0..N).map(|i| [lowest, highest][i % 2]).collect()),
        ("one value", vec![highest; N]),
        ("small", (0..N as u64).map(|i| i * 37 % 90).collect()),
    ]
}

fn floats(dtype: Dtype) -> Vec<(&'static str, Vec<u64>)> {
    let largest = if dtype == Dtype::F32 { f64::from(f32::MAX) } else { f64::MAX };
    let mut random = Lcg(3);
    let shares: Vec<f64> = (0..N).map(|_| f64::from(random.below(1 << 30)) / f64::from(1 << 30)).collect();
    let of = |f: &dyn Fn(f64) -> f64| shares.iter().map(|&s| f(s)).collect::<Vec<f64>>();
    let smooth = |scale: f64| (0..N).map(|i| ((i % W) as f64 + (i / W) as f64 * 0.3 - 9.0) / 20.0 * scale).collect();
    let outlier = |value: f64| (0..N).map(|i| if i == 77 { value } else { shares[i] }).collect();
    let mut all: Vec<(&str, Vec<f64>)> = vec![
        ("ends", (0..N).map(|i| [largest, -largest, largest / 2.0, 0.0, 1e-45][i % 5]).collect()),
        ("end to end", of(&|s| (2.0 * s - 1.0) * largest)),
        ("smooth end to end", smooth(largest * 0.95)),
        ("smooth up to the end", (0..N).map(|i| largest * (1.0 - (i % W) as f64 / 60.0)).collect()),
        ("one value", vec![largest; N]),
        ("outlier", outlier(largest * 1e-8)),
    ];
    for scale in match dtype {
        Dtype::F32 => [1e-42, 1e-38, 1.0, 1e30, 3e38],
        _ => [1e-320, 1e-300, 1e-170, 1e-160, 1.0],
    } {
        all.push(("noise", of(&|s| s * scale)));
        all.push(("smooth", smooth(scale)));
    }
    if dtype == Dtype::F64 {
        for scale in [1e152, 1e200, 1e300] {
            all.push(("large noise", of(&|s| s * scale)));
            all.push(("large and smooth", smooth(scale)));
        }
    }
    let mut all: Vec<(&str, Vec<u64>)> = all.into_iter().map(|(name, v)| (name, bits(dtype, &v))).collect();
    let mut wide = || u64::from(random.below(u32::MAX)) << 32 | u64::from(random.below(u32::MAX));
    all.push(("anything", (0..N).map(|_| wide() & mask(dtype)).collect()));
    all
}

fn bits(dtype: Dtype, values: &[f64]) -> Vec<u64> {
    let bits = |v: f64| if dtype == Dtype::F32 { u64::from((v as f32).to_bits()) } else { v.to_bits() };
    values.iter().map(|&v| bits(v)).collect()
}

fn losses() -> Vec<Loss> {
    let near = [1, 100, 1 << 31, (1 << 62) - 1, 1 << 62, (1 << 62) + 1, (1 << 63) - 1, 1 << 63, u64::MAX];
    let abs = [1e-310, 1e-200, 0.5, 1.0, 300.0, 4.7e18, 9.3e18, 2e19, 1e38, 3e38, 1e300, 1e308, 1.7e308, f64::MAX];
    let mut all: Vec<Loss> = near.into_iter().map(Loss::Near).collect();
    all.extend(abs.map(Loss::Abs));
    all.extend([1e-15, 1e-6, 0.1, 0.3, 0.4, 0.5, 0.7, 0.999].map(Loss::Rel));
    all.extend([1e-15, 3e-16, 1e-7, 0.4, 0.9].map(Loss::PwRel));
    all.extend([0.1, 5.0, 40.0, 60.0, 150.0, 300.0].map(Loss::Psnr));
    all.extend([0.25, 4.0].map(Loss::NoiseStep));
    all.push(Loss::Mantissa(5, Rounding::Round));
    all
}

fn coded(dtype: Dtype, loss: Loss, model: Choice, x: &[u64]) -> collapsar::internals::Result<(Vec<u8>, Report)> {
    let raw = ArrayType { dtype, big_endian: false, shape: vec![H as u64, W as u64] };
    let options = Options { raw: Some(raw), model, loss, ..Options::default() };
    let bytes: Vec<u8> = x.iter().flat_map(|w| w.to_le_bytes().into_iter().take(dtype.n_bytes())).collect();
    compress_to(&bytes, Vec::new(), &options, &|_| Ok(()))
}

fn decoded(dtype: Dtype, packed: &[u8]) -> collapsar::internals::Result<Vec<u64>> {
    let word = |b: &[u8]| b.iter().rev().fold(0, |w, &b| w << 8 | u64::from(b));
    Ok(decompress(packed)?.chunks(dtype.n_bytes()).map(word).collect())
}

/// What a sample is, of integers.
fn whole(dtype: Dtype, bits: u64) -> i128 {
    let shift = 64 - 8 * dtype.n_bytes();
    match dtype {
        Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => i128::from((bits << shift) as i64 >> shift),
        _ => i128::from(bits),
    }
}

fn number(dtype: Dtype, bits: u64) -> f64 {
    if dtype == Dtype::F32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
}

fn is_kept(dtype: Dtype, loss: Loss, report: &Report, x: &[u64], y: &[u64]) -> bool {
    if is_float(dtype) {
        floats_are_kept(dtype, loss, report, x, y)
    } else {
        integers_are_kept(dtype, loss, report, x, y)
    }
}

fn integers_are_kept(dtype: Dtype, loss: Loss, report: &Report, x: &[u64], y: &[u64]) -> bool {
    let (x, y): (Vec<i128>, Vec<i128>) = x.iter().zip(y).map(|(x, y)| (whole(dtype, *x), whole(dtype, *y))).unzip();
    let off = x.iter().zip(&y).map(|(x, y)| (x - y).unsigned_abs()).max().unwrap();
    let range = x.iter().max().unwrap() - x.iter().min().unwrap();
    match loss {
        Loss::Near(n) => off <= n.into(),
        Loss::Abs(e) => off <= e as u128,
        // e as a whole number of 53 bits, and how often it is halved
        Loss::Rel(e) if range > 1 << 53 => {
            let n_halvings = (0..).find(|&n| (e * 2f64.powi(n)).fract() == 0.0).unwrap();
            off <= (range as u128 * (e * 2f64.powi(n_halvings)) as u128) >> n_halvings
        }
        Loss::Rel(e) => off <= (range as f64 * e) as u128,
        Loss::Psnr(db) => {
            let squares: f64 = x.iter().zip(&y).map(|(x, y)| ((x - y) as f64).powi(2)).sum();
            squares == 0.0 || 10.0 * (range as f64 * range as f64 / (squares / N as f64)).log10() > db - 1e-9
        }
        Loss::NoiseStep(_) => off as f64 <= report.arrays[0].noise.map_or(0.0, |n| n.step / 2.0),
        _ => off == 0,
    }
}

fn floats_are_kept(dtype: Dtype, loss: Loss, report: &Report, x: &[u64], y: &[u64]) -> bool {
    let pairs: Vec<(f64, f64)> = x.iter().zip(y).map(|(x, y)| (number(dtype, *x), number(dtype, *y))).collect();
    let (finite, other): (Vec<usize>, Vec<usize>) = (0..N).partition(|&i| pairs[i].0.is_finite());
    if other.iter().any(|&i| x[i] != y[i]) || finite.iter().any(|&i| !pairs[i].1.is_finite()) {
        return false;
    }
    let pairs: Vec<(f64, f64)> = finite.iter().map(|&i| pairs[i]).collect();
    let all = |holds: &dyn Fn(f64, f64) -> bool| pairs.iter().all(|&(x, y)| holds(x, y));
    let (min, max) = pairs.iter().fold((f64::MAX, f64::MIN), |(a, b), (x, _)| (a.min(*x), b.max(*x)));
    match loss {
        Loss::Abs(e) => all(&|x, y| (x - y).abs() <= e),
        // halves: the range may be no float
        Loss::Rel(e) => all(&|x, y| (x / 2.0 - y / 2.0).abs() <= (max / 2.0 - min / 2.0) * e),
        Loss::PwRel(e) => all(&|x, y| (x - y).abs() <= e * x.abs()),
        Loss::Mantissa(n, _) => all(&|x, y| (x - y).abs() <= 2f64.powi(-(n as i32)) * x.abs() || x.abs() < 1e-37),
        Loss::Psnr(db) => {
            // of shares of the largest, so that squares are floats
            let unit = max.abs().max(min.abs());
            let share = |x: f64| if unit > 0.0 { x / unit } else { 0.0 };
            let squares: f64 = pairs.iter().map(|&(x, y)| (share(x) - share(y)).powi(2)).sum();
            let range = share(max) - share(min);
            squares == 0.0 || 10.0 * (range * range / (squares / pairs.len() as f64)).log10() > db - 1e-9
        }
        Loss::NoiseStep(_) => all(&|x, y| (x - y).abs() <= report.arrays[0].noise.map_or(0.0, |n| n.step / 2.0)),
        _ => x == y,
    }
}

/// Some words of each, or nothing.
fn first(failures: &[String]) -> String {
    format!("{} fail:\n{}", failures.len(), failures.iter().take(40).map(|f| f.clone() + "\n").collect::<String>())
}

#[test]
fn every_bound_that_is_taken_is_read_and_kept() {
    let (mut n, mut n_lossy, mut failures) = (0, 0, Vec::new());
    for dtype in Dtype::ALL {
        for (name, x) in arrays(dtype) {
            for loss in losses() {
                n += 1;
                let found = coded(dtype, loss, Choice::Classic, &x).and_then(|(packed, report)| {
                    let y = decoded(dtype, &packed)?;
                    n_lossy += usize::from(x != y);
                    Ok((is_kept(dtype, loss, &report, &x, &y), report.is_lossless() == (x == y)))
                });
                if found != Ok((true, true)) {
                    failures.push(format!("{} {name} {loss:?}: {found:?}", dtype.name()));
                }
            }
        }
    }
    assert!(failures.is_empty(), "of {n}, {}", first(&failures));
    assert!(n > 3000 && n_lossy > 1000, "{n_lossy} of {n} lost something");
}

#[test]
fn every_bound_of_floats_that_waves_take_is_read_and_kept() {
    let (mut n, mut failures) = (0, Vec::new());
    for dtype in [Dtype::F32, Dtype::F64] {
        for (name, x) in arrays(dtype) {
            for loss in losses() {
                if !matches!(loss, Loss::Abs(_) | Loss::Rel(_) | Loss::Psnr(_)) {
                    continue;
                }
                let found = match coded(dtype, loss, Choice::Wavelet, &x) {
                    // too tight a bound for waves
                    Err(error) if error.kind == ErrorKind::Argument => continue,
                    found => found.and_then(|(packed, report)| {
                        n += 1;
                        Ok(is_kept(dtype, loss, &report, &x, &decoded(dtype, &packed)?))
                    }),
                };
                if found != Ok(true) {
                    failures.push(format!("{} {name} {loss:?}: {found:?}", dtype.name()));
                }
            }
        }
    }
    assert!(failures.is_empty(), "of {n}, {}", first(&failures));
    assert!(n > 300, "waves took {n}");
}

#[test]
fn what_a_bound_covers_whole_is_one_value() {
    for dtype in Dtype::ALL {
        let x = arrays(dtype).swap_remove(if is_float(dtype) { 1 } else { 0 }).1;
        let most = if dtype.n_bytes() == 8 { 3 - usize::from(!is_float(dtype)) } else { 1 };
        let losses = match is_float(dtype) {
            true => vec![Loss::Abs(1.7e308), Loss::Abs(f64::MAX)],
            false => vec![Loss::Near((1 << 63) - 1), Loss::Near(u64::MAX), Loss::Abs(1e20)],
        };
        for loss in losses {
            let mut y = decoded(dtype, &coded(dtype, loss, Choice::Classic, &x).unwrap().0).unwrap();
            y.sort_unstable();
            y.dedup();
            assert!(y.len() <= most, "{}: {loss:?} left {} values", dtype.name(), y.len());
        }
    }
}

#[test]
fn a_bound_that_is_broken_is_seen() {
    let (ints, floats) = (arrays(Dtype::I64).swap_remove(5).1, bits(Dtype::F64, &[1e-170; N]));
    let report = Report::default();
    for (dtype, loss, x, wrong) in [
        (Dtype::I64, Loss::Near(3), &ints, ints[9] + 4),
        (Dtype::I64, Loss::Abs(3.9), &ints, ints[9] + 4),
        (Dtype::I64, Loss::Rel(0.1), &ints, ints[9] + 9),
        (Dtype::I64, Loss::Psnr(60.0), &ints, ints[9] + 3),
        (Dtype::F64, Loss::Abs(1e-180), &floats, 1.1e-170f64.to_bits()),
        (Dtype::F64, Loss::Rel(0.1), &floats, 1.1e-170f64.to_bits()),
        (Dtype::F64, Loss::PwRel(0.01), &floats, 1.1e-170f64.to_bits()),
        (Dtype::F64, Loss::Psnr(60.0), &floats, 1.1e-170f64.to_bits()),
        (Dtype::F64, Loss::Near(9), &floats, 1.1e-170f64.to_bits()),
    ] {
        let mut y = x.clone();
        assert!(is_kept(dtype, loss, &report, x, &y));
        y[9] = wrong;
        assert!(!is_kept(dtype, loss, &report, x, &y), "{loss:?}");
    }
}
