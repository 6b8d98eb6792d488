use super::*;
use crate::error::ErrorKind;

/// A small generator, so that a synthetic tile is the same everywhere.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// Sum of four dice, −2·(n − 1) … 2·(n − 1): nearly Gaussian.
    fn bell(&mut self, n: u32) -> i32 {
        (0..4).map(|_| (self.next() % n) as i32).sum::<i32>() - 2 * (n as i32 - 1)
    }
}

fn tile(h: usize, w: usize, mut at: impl FnMut(usize, usize) -> u32) -> Vec<i32> {
    (0..h * w).map(|i| at(i / w, i % w) as i32).collect()
}

fn sky(h: usize, w: usize) -> Vec<i32> {
    let mut noise = Noise(7);
    tile(h, w, |y, x| {
        let star = if (y * 31 + x * 17) % 997 == 0 { 20_000 } else { 0 };
        (1000 + (x + y) as i32 / 8 + noise.bell(20) + star) as u32
    })
}

fn comes_back(ints: &[i32], h: usize, w: usize, max_int: u32) -> Vec<u8> {
    let payload = encode(ints, h, w, max_int);
    let mut out = vec![-1; h * w];
    decode(&payload, h, w, max_int, &mut out).unwrap();
    assert!(out == ints, "a tile of {h} × {w} changed");
    payload
}

#[test]
fn tiles_of_all_shapes_come_back() {
    for h in [1, 2, 3, 4, 5, 63, 64, 65] {
        for w in [1, 2, 3, 4, 5, 6, 63, 64, 65, 255, 257] {
            comes_back(&sky(h, w), h, w, 65535);
            comes_back(&sky(w, h), w, h, 65535);
        }
    }
}

#[test]
fn a_constant_tile_is_two_numbers() {
    assert_eq!(comes_back(&[5; 400], 20, 20, 65535), [CONSTANT, 5]);
    assert_eq!(comes_back(&[-1; 400], 20, 20, u32::MAX).len(), 6);
}

#[test]
fn noise_of_full_range_costs_its_bits_and_seven_bytes() {
    let mut noise = Noise(1);
    for n_bits in [1, 8, 16, 31, 32] {
        let ints = tile(64, 64, |_, _| noise.next() >> (32 - n_bits));
        let payload = comes_back(&ints, 64, 64, u32::MAX >> (32 - n_bits));
        assert!(payload.len() <= 64 * 64 * n_bits / 8 + 7);
    }
}

#[test]
fn extremes_of_32_bits_come_back() {
    let mut noise = Noise(2);
    let flips = tile(65, 65, |_, _| if noise.next().is_multiple_of(50) { u32::MAX } else { 0 });
    assert_ne!(mode_name(&comes_back(&flips, 65, 65, u32::MAX)), "packed");
    let edge = tile(64, 64, |_, x| if x < 30 { 0 } else { u32::MAX });
    comes_back(&edge, 64, 64, u32::MAX);
    let pairs = tile(1, 4097, |_, x| if x % 2 == 0 { 0x8000_0000 } else { 0x7fff_ffff });
    comes_back(&pairs, 1, 4097, u32::MAX);
}

#[test]
fn values_on_both_sides_of_16_bits_come_back() {
    for spread in [(1 << 15) - 1, 1 << 15, (1 << 16) - 1, 1 << 16, (1 << 16) + 1] {
        let mut noise = Noise(3);
        let mut ints = tile(65, 65, |y, x| 40 * (y + x) as u32 + noise.next() % 9);
        ints[2000] = spread;
        comes_back(&ints, 65, 65, u32::MAX);
    }
}

#[test]
fn a_smooth_field_of_32_bits_costs_its_noise() {
    let mut noise = Noise(4);
    let ints = tile(128, 128, |y, x| {
        let (y, x) = (y as u32, x as u32);
        0x4000_0000 + 3000 * y * y + 70_000 * x + 500 * x * y + noise.next() % 256
    });
    let payload = comes_back(&ints, 128, 128, u32::MAX);
    assert_eq!(mode_name(&payload), "linear");
    // Noise of 8 bits under a prediction from three noisy neighbours has twice its width: 9 bits and a little.
    assert!(payload.len() < 128 * 128 * 37 / 32, "{} bytes", payload.len());
}

#[test]
fn rare_photons_cost_a_tenth_of_a_bit() {
    let mut noise = Noise(5);
    let ints = tile(256, 256, |_, _| u32::from(noise.next().is_multiple_of(200)));
    // The entropy is 0.045 bits.
    assert!(comes_back(&ints, 256, 256, 65535).len() < 256 * 256 / 20 / 8);
}

#[test]
fn a_step_edge_is_nearly_free() {
    let ints = tile(256, 256, |_, x| if x < 100 { 10 } else { 60_000 });
    assert!(comes_back(&ints, 256, 256, 65535).len() < 300);
}

#[test]
fn the_largest_int_allowed_is_checked() {
    let ints = sky(40, 40);
    let payload = encode(&ints, 40, 40, 65535);
    let mut out = vec![0; 1600];
    assert_eq!(decode(&payload, 40, 40, 2000, &mut out).unwrap_err().kind, ErrorKind::Corrupt);
    let mut noise = Noise(10);
    let payload = encode(&tile(8, 8, |_, _| noise.next() % 256), 8, 8, 255);
    assert_eq!(mode_name(&payload), "packed");
    assert_eq!(decode(&payload, 8, 8, 200, &mut out[..64]).unwrap_err().kind, ErrorKind::Corrupt);
}

#[test]
fn every_truncation_and_every_byte_too_many_is_noticed() {
    let mut out = vec![0; 32 * 40];
    let photons = tile(32, 40, |y, x| u32::from((y * 7 + x * 3) % 29 == 0));
    for ints in [sky(32, 40), photons, vec![9; 32 * 40], tile(32, 40, |y, x| (y as u32) << 27 ^ (x as u32) << 3)] {
        let mut payload = encode(&ints, 32, 40, u32::MAX);
        for n in 0..payload.len() {
            assert!(decode(&payload[..n], 32, 40, u32::MAX, &mut out).is_err(), "{n} of {}", payload.len());
        }
        payload.push(0);
        assert!(decode(&payload, 32, 40, u32::MAX, &mut out).is_err());
    }
}

#[test]
fn no_damage_makes_it_panic_or_leave_the_limit() {
    let mut noise = Noise(6);
    let mut out = vec![0; 64 * 64];
    let smooth = tile(64, 64, |y, x| (y * y * 999 + x * 7777) as u32);
    for (ints, max_int) in [(sky(64, 64), 40_000), (smooth, 1 << 24)] {
        let payload = encode(&ints, 64, 64, max_int);
        for i in 0..1500 {
            let mut damaged = payload.clone();
            // Every second time in the header.
            let n = if i % 2 == 0 { 80 } else { damaged.len() };
            let at = noise.next() as usize % n;
            damaged[at] ^= 1 << (noise.next() % 8);
            if decode(&damaged, 64, 64, max_int, &mut out).is_ok() {
                assert!(out.iter().all(|&v| v as u32 <= max_int));
            }
        }
    }
}

#[test]
fn bytes_that_were_never_a_payload_do_not_make_it_panic() {
    let mut noise = Noise(8);
    let mut out = vec![0; 48];
    for i in 0..20_000u32 {
        let mut bytes: Vec<u8> = (0..noise.next() % 90).map(|_| (noise.next() >> (noise.next() % 32)) as u8).collect();
        if let Some(mode) = bytes.first_mut() {
            *mode = (i % 5) as u8;
        }
        if decode(&bytes, 6, 8, 1000, &mut out).is_ok() {
            assert!(out.iter().all(|v| (0..=1000).contains(v)), "{bytes:?}");
        }
    }
}

#[test]
fn the_estimate_is_near() {
    let mut noise = Noise(9);
    let ramp = tile(256, 256, |y, x| (1_000_000 + 500 * y + 900 * x) as u32 + noise.next() % 64);
    let counts = tile(256, 256, |_, _| (noise.next() % 8).saturating_sub(5));
    for ints in [sky(256, 256), ramp, counts] {
        let exact = 8 * encode(&ints, 256, 256, u32::MAX).len() as u64;
        let estimate = estimate_bits(&ints, 256, 256);
        // A fifth of the rows: one star more or less in the bands is worth a percent.
        assert!(exact.abs_diff(estimate) * 25 < exact, "{estimate} for {exact}");
    }
    assert_eq!(estimate_bits(&[3; 9], 3, 3), 32);
}

#[test]
fn white_noise_over_few_values_takes_its_entropy() {
    let mut noise = Noise(3);
    let shares = [7, 1, 0, 3, 9, 9, 2, 1, 0, 0, 5];
    let dice: Vec<u32> = (0..).zip(shares).flat_map(|(value, n)| std::iter::repeat_n(90 + value, n)).collect();
    for side in [64, 256] {
        let ints = tile(side, side, |_, _| dice[noise.next() as usize % dice.len()]);
        let payload = comes_back(&ints, side, side, 4095);
        let n = (side * side) as f64;
        let share = |value: u32| ints.iter().filter(|v| **v as u32 == value).count() as f64 / n;
        let entropy: f64 = (90..101).map(share).filter(|p| *p > 0.0).map(|p| -p * p.log2() * n / 8.0).sum();
        assert!((payload.len() as f64) < entropy * 1.002 + 60.0, "{} of {entropy}", payload.len());
    }
}
