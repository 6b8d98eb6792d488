use super::*;
use crate::array::Dtype;

const RMSE: f64 = 1.5491933384829668;
const SSIM: f64 = 0.9997900087794072;
const KL: f64 = 0.0796311433904425;
const WASSERSTEIN: f64 = 0.411;
const KS: f64 = 0.004;
const OTSU: (f64, f64) = (228.0, 227.0);
const MOVED: f64 = 0.004;
const OVERLAP: f64 = 0.9920318725099602;

fn ty(dtype: Dtype, shape: &[u64]) -> ArrayType {
    ArrayType { dtype, big_endian: false, shape: shape.to_vec() }
}

fn of(a: &[u8], b: &[u8], ty: &ArrayType) -> Quality {
    let stretch = |source| Stretch { source, offset: 0, ty };
    measure(stretch(&a as &dyn Source), stretch(&b as &dyn Source)).unwrap()
}

fn of_f32(a: &[f32], b: &[f32], shape: &[u64]) -> Quality {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    of(&bytes(a), &bytes(b), &ty(Dtype::F32, shape))
}

fn of_u16(a: &[u16], b: &[u16], shape: &[u64]) -> Quality {
    let bytes = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    of(&bytes(a), &bytes(b), &ty(Dtype::U16, shape))
}

#[test]
fn a_shift_by_a_constant_is_its_own_error() {
    let a: Vec<u16> = (0..3000u32).map(|i| (1000 + i * 7919 % 1001) as u16).collect();
    let b: Vec<u16> = a.iter().map(|x| x + 4).collect();
    for shape in [&[3000][..], &[50, 60], &[3, 20, 50], &[3000, 1]] {
        let q = of_u16(&a, &b, shape);
        assert_eq!((q.largest, q.rmse(), q.bias(), q.range), (4.0, 4.0, 4.0, Some((1000.0, 2000.0))));
        assert_eq!((q.n_changed, q.n_measured, q.n_masked), (3000, 3000, 0));
        assert_eq!(q.psnr(), Some(20.0 * 250f64.log10()));
        assert_eq!(q.distances.unwrap().wasserstein, 4.0);
        // both thresholds move along
        let s = q.segmentation.unwrap();
        assert_eq!((s.after - s.before, s.moved(), s.overlap()), (4.0, 0.0, 1.0));
        assert_eq!(q.residuals.counts.last(), Some(&3000));
    }
}

#[test]
fn what_is_the_same_is_perfect() {
    let a: Vec<f32> = (0..6000).map(|i| (i * 37 % 101) as f32 * 0.01).collect();
    let q = of_f32(&a, &a, &[60, 100]);
    assert_eq!((q.largest, q.rmse(), q.ssim(), q.psnr()), (0.0, 0.0, Some(1.0), Some(f64::INFINITY)));
    assert_eq!(q.distances, Some(Distances { kl: 0.0, js: 0.0, wasserstein: 0.0, ks: 0.0 }));
    assert_eq!(q.n_windows, 53 * 93);
    assert_eq!((q.residuals.counts.len(), q.n_changed), (1, 0));
}

#[test]
fn the_figures_are_those_that_arithmetic_in_whole_arrays_gives() {
    // the constants above are numpy's, windows one by one; sums in another order differ in the last digits
    let x = |i: usize| (37 * (i / 50) + 11 * (i % 50)) % 256 + 100;
    let a: Vec<u16> = (0..2000).map(|i| x(i) as u16).collect();
    let b: Vec<u16> = (0..2000).map(|i| (x(i) + (i / 50) * (i % 50) % 5 - 2) as u16).collect();
    let q = of_u16(&a, &b, &[40, 50]);
    let near = |found: f64, figure: f64| assert!((found / figure - 1.0).abs() < 1e-12, "{found} is not {figure}");
    near(q.rmse(), RMSE);
    near(q.ssim().unwrap(), SSIM);
    let d = q.distances.unwrap();
    near(d.kl, KL);
    near(d.wasserstein, WASSERSTEIN);
    near(d.ks, KS);
    let s = q.segmentation.unwrap();
    assert_eq!((s.before, s.after), OTSU);
    near(s.moved(), MOVED);
    near(s.overlap(), OVERLAP);
}

#[test]
fn fill_values_and_nan_are_counted_and_part_of_no_figure() {
    let mut a: Vec<f32> = (0..4000).map(|i| 270.0 + (i * 7919 % 300) as f32 * 0.1).collect();
    let mut b: Vec<f32> = a.iter().map(|x| x + 0.5).collect();
    for i in 0..400 {
        (a[i], b[i]) = (1e20, 1e20);
    }
    (a[500], b[500]) = (f32::NAN, f32::NAN);
    (a[501], b[501]) = (f32::NAN, 0.0);
    b[502] = f32::INFINITY;
    let q = of_f32(&a, &b, &[40, 100]);
    assert_eq!((q.n_masked, q.n_masked_changed, q.n_lost, q.n_measured), (402, 1, 1, 4000 - 403));
    assert!(q.largest > 0.4999 && q.largest < 0.5001 && q.width() < 30.0, "{q:?}");
    assert_eq!(q.picture.plane, 0);
    assert!(q.picture.largest[0].is_nan() && !q.picture.largest[403].is_nan());
}

#[test]
fn the_picture_is_of_the_plane_with_the_largest_error() {
    let a: Vec<u16> = (0..3 * 20 * 30).map(|i| i % 97).collect();
    let mut b = a.clone();
    (b[7], b[600 + 5 * 30 + 8], b[1200]) = (a[7] + 1, a[600 + 5 * 30 + 8] + 9, a[1200] + 9);
    let q = of_u16(&a, &b, &[3, 20, 30]);
    let seen: Vec<(usize, f64)> = q.picture.largest.iter().copied().enumerate().filter(|(_, x)| *x > 0.0).collect();
    assert_eq!((q.picture.plane, seen), (1, vec![(5 * 30 + 8, 9.0)]));
}

#[test]
fn neither_threads_nor_tiles_change_a_figure() {
    let n = 600 * 1100;
    let a: Vec<f32> = (0..n).map(|i| ((i * 7919) % 10007) as f32 * 0.37).collect();
    let b: Vec<f32> = a.iter().enumerate().map(|(i, x)| x + (i % 13) as f32 * 0.001).collect();
    let with = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| format!("{:?}", of_f32(&a, &b, &[600, 1100])))
    };
    assert_eq!(with(1), with(3));
    assert_eq!(of_f32(&a, &b, &[600, 1100]).n_windows, 593 * 1093);
}

#[test]
fn arrays_of_different_types_are_not_compared_and_bytes_may_lie_either_way() {
    let (little, big) = (ty(Dtype::U16, &[300]), ArrayType { big_endian: true, ..ty(Dtype::U16, &[300]) });
    let samples: Vec<u16> = (0..300).collect();
    let a: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
    let b: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
    let stretch = |source, ty| Stretch { source, offset: 0, ty };
    let q = measure(stretch(&a, &little), stretch(&b, &big)).unwrap();
    assert_eq!((q.n_changed, q.largest), (0, 0.0));
    let other = ty(Dtype::I16, &[300]);
    assert!(measure(stretch(&a, &little), stretch(&b, &other)).is_err());
    let empty = ty(Dtype::U16, &[0, 4]);
    let q = measure(stretch(&a, &empty), stretch(&a, &empty)).unwrap();
    assert_eq!((q.n_samples, q.psnr(), q.ssim(), q.distances), (0, None, None, None));
}

#[test]
fn of_several_arrays_errors_are_weighed_by_samples_and_psnr_by_ranges() {
    let a: Vec<u16> = (0..1000).collect();
    let shifted = |by: u16| a.iter().map(|x| x + by).collect::<Vec<u16>>();
    let mut total = Total::default();
    total.add(&of_u16(&a, &shifted(3), &[1000]));
    total.add(&of_u16(&a, &shifted(4), &[1000]));
    assert_eq!((total.largest, total.rmse(), total.wasserstein), (4.0, 12.5f64.sqrt(), Some(4.0)));
    // one rounding apart per division
    assert!((total.psnr().unwrap() - 20.0 * (999.0 / 12.5f64.sqrt()).log10()).abs() < 1e-12);
}

fn of_f64(a: &[f64], b: &[f64]) -> Quality {
    let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    of(&bytes(a), &bytes(b), &ty(Dtype::F64, &[40, 50]))
}

#[test]
fn figures_grow_as_the_samples_do_however_small_or_large_they_are() {
    let a: Vec<f64> = (0..2000).map(|i| (i * 7919 % 2003) as f64 / 2048.0).collect();
    let b: Vec<f64> = a.iter().enumerate().map(|(i, x)| x + [1.0, -2.0, 0.0, 3.0][i % 4] / 4096.0).collect();
    let plain = of_f64(&a, &b);
    for e in [-1000, -700, -520, -460, -449, 480, 520, 1000] {
        // 2^e in two halves: neither is beyond a float
        let scaled = |v: &[f64]| v.iter().map(|x| x * 2f64.powi(e / 2) * 2f64.powi(e - e / 2)).collect::<Vec<f64>>();
        let q = of_f64(&scaled(&a), &scaled(&b));
        let back = |x: f64| x * 2f64.powi(-e / 2) * 2f64.powi(-e + e / 2);
        assert_eq!([q.largest, q.rmse(), q.bias()].map(back), [plain.largest, plain.rmse(), plain.bias()], "2^{e}");
        assert_eq!((q.psnr(), q.ssim(), q.segmentation.map(|s| s.moved())), {
            (plain.psnr(), plain.ssim(), plain.segmentation.map(|s| s.moved()))
        });
        let mut total = Total::default();
        total.add(&q);
        // one rounding apart per division
        assert!((total.psnr().unwrap() - plain.psnr().unwrap()).abs() < 1e-12);
        assert_eq!((total.rmse(), total.bias()), (q.rmse(), q.bias()));
    }
}

#[test]
fn differences_and_ranges_that_are_no_floats_leave_no_figure_infinite() {
    let m = f64::MAX;
    let a: Vec<f64> = (0..2000).map(|i| [m, -m, 0.5 * m, -0.25 * m, 0.0, 0.75 * m][i * 7 % 6]).collect();
    for b in [vec![-m; 2000], a.iter().map(|x| -x).collect(), a.iter().map(|x| x * 0.999).collect(), vec![0.0; 2000]] {
        let q = of_f64(&a, &b);
        let mut total = Total::default();
        total.add(&q);
        let figures = [q.largest, q.rmse(), q.bias(), q.width(), total.rmse(), total.bias()];
        let figures = figures
            .into_iter()
            .chain([q.psnr(), q.ssim(), total.psnr(), total.wasserstein, total.kl].map(Option::unwrap));
        assert!(figures.clone().all(f64::is_finite), "{:?}", figures.collect::<Vec<f64>>());
    }
    // a thousandth of three quarters of the largest in a range of two of it, by shares of it
    let b: Vec<f64> = a.iter().map(|x| x * 0.999).collect();
    let squares: f64 = a.iter().zip(&b).map(|(x, y)| (x / m - y / m).powi(2)).sum();
    let psnr = 20.0 * (2.0 / (squares / 2000.0).sqrt()).log10();
    assert!((of_f64(&a, &b).psnr().unwrap() - psnr).abs() < 1e-9);
}

#[test]
fn a_psnr_beyond_what_squares_and_ratios_can_say_is_finite() {
    let mut a: Vec<f64> = (0..2000).map(|i| (i * 7919 % 2003) as f64 * 1e-20).collect();
    a[77] = 1e300;
    let b: Vec<f64> = a.iter().map(|x| x + 1e-22).collect();
    let q = of_f64(&a, &b);
    let mut total = Total::default();
    total.add(&q);
    // 1e300 stays: the others are off by 1e−22
    let psnr = 20.0 * 322.0 - 10.0 * (1999f64 / 2000.0).log10();
    assert!((q.psnr().unwrap() - psnr).abs() < 1e-3, "{:?}", q.psnr());
    assert!(total.psnr().unwrap().is_finite());
    // the smallest floats, whose halves are none
    let a: Vec<f64> = (0..2000).map(|i| f64::from_bits(i % 3)).collect();
    let mut b = a.clone();
    b[1] = f64::from_bits(2);
    let psnr = 10.0 * (4.0 * 2000f64).log10();
    assert!((of_f64(&a, &b).psnr().unwrap() - psnr).abs() < 1e-9);
    assert_eq!(of_f64(&a, &vec![f64::NAN; 2000]).psnr(), None);
}

/// Noise of σ 10 around 1000 with some stars on it, as floats.
fn sky(side: usize) -> Vec<f32> {
    let mut state = 9u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let mut x: Vec<f32> = (0..side * side).map(|_| 1000.0 + 10.0 * (0..12).map(|_| uniform()).sum::<f32>()).collect();
    for star in 1..side / 20 {
        let (y0, x0) = (star * 20, (star * 37) % (side - 40) + 20);
        for (i, sample) in x.iter_mut().enumerate() {
            let (dy, dx) = ((i / side) as f32 - y0 as f32, (i % side) as f32 - x0 as f32);
            *sample += 2000.0 * (-(dy * dy + dx * dx) / 5.0).exp();
        }
    }
    x
}

#[test]
fn what_did_not_change_cannot_be_told_apart() {
    let a = sky(160);
    let q = of_f32(&a, &a, &[160, 160]);
    assert_eq!((q.mmd, q.auc, q.power()), (Some(0.0), Some(0.5), Some(1.0)));
    assert!(q.spectrum.len() == 5 && q.spectrum.iter().all(|b| (b.ratio, b.residual) == (1.0, 0.0)), "{q:?}");
    let stars = q.stars.unwrap();
    assert_eq!((stars.n, stars.flux.largest, stars.shift.largest), (7, 0.0, 0.0));
    assert!(q.moments[0] == q.moments[1] && q.moments[0].skewness().unwrap() > 3.0);
}

#[test]
fn coarser_steps_are_told_apart_better_add_power_and_move_stars() {
    let a = sky(160);
    let stepped = |step: f32| a.iter().map(|x| (x / step).round() * step).collect::<Vec<f32>>();
    let [fine, middle, coarse] = [0.01, 10.0, 60.0].map(|step| of_f32(&a, &stepped(step), &[160, 160]));
    let auc = [&fine, &middle, &coarse].map(|q| q.auc.unwrap());
    assert!((auc[0] - 0.5).abs() < 0.03 && auc[1] > 0.8 && auc[2] > 0.95, "{auc:?}");
    let mmd = [&fine, &middle, &coarse].map(|q| q.mmd.unwrap());
    assert!(mmd[0] < 1e-3 && mmd[0] < mmd[1] && mmd[1] < mmd[2], "{mmd:?}");
    let highest = [&fine, &middle, &coarse].map(|q| q.spectrum[4].residual);
    assert!(highest[0] < 1e-4 && highest[0] < highest[1] && highest[1] < highest[2], "{highest:?}");
    let flux = [&fine, &middle].map(|q| q.stars.unwrap().flux.p95);
    assert!(flux[0] < 1e-4 && flux[0] < flux[1] && flux[1] < 0.05, "{flux:?}");
    let smooth: Vec<f32> = (0..a.len()).map(|i| (a[i] + a[(i + 1).min(a.len() - 1)]) / 2.0).collect();
    let smooth = of_f32(&a, &smooth, &[160, 160]);
    // (1 + cos 2πf) / 2 of the power is left along rows
    assert!(smooth.spectrum[0].ratio > 0.9 && smooth.spectrum[4].ratio < 0.7 && smooth.power().unwrap() < 0.7);
    assert!(smooth.stars.unwrap().shift.median > 0.3);
}

#[test]
fn arrays_too_small_for_windows_have_none() {
    let a: Vec<u16> = (0..30).collect();
    let b: Vec<u16> = a.iter().map(|x| x + 1).collect();
    for (shape, has_windows, has_spectrum) in [
        (&[30][..], true, true),
        (&[5, 6], true, false),
        (&[3, 10], false, false),
        (&[15], false, false),
        (&[], false, false),
    ] {
        let n = shape.iter().product::<u64>() as usize;
        let q = of_u16(&a[..n], &b[..n], shape);
        assert_eq!((q.mmd.is_some(), q.auc.is_some()), (has_windows, has_windows), "{shape:?}");
        assert_eq!((q.spectrum.is_empty(), q.stars), (!has_spectrum, None), "{shape:?}");
    }
}
