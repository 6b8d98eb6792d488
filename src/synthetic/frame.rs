//! A telescope frame: sky, stars with wings, photon and read noise, hot pixels. Seeded.
//!
//! Only + − × ÷ √, so that it is the same frame on every machine.

use super::random::Xorshift;

const SKY: f64 = 420.0;
const BIAS: f64 = 1000.0;
const ELECTRONS_PER_INT: f64 = 1.6;
const READ_NOISE: f64 = 5.0;
/// Radius of a star's core, in samples, and how far its wings reach.
const CORE: f64 = 1.8;
const WINGS: usize = 24;

/// h × w ints of 16 bits.
pub fn frame(h: usize, w: usize, seed: u64) -> Vec<u16> {
    let mut random = Xorshift::new(seed);
    let mut light = vec![0f64; h * w];
    for (i, v) in light.iter_mut().enumerate() {
        let (y, x) = ((i / w) as f64 / h as f64 - 0.5, (i % w) as f64 / w as f64 - 0.5);
        *v = SKY * (1.0 + 0.15 * x + 0.08 * y - 0.25 * (x * x + y * y));
    }
    for _ in 0..h * w / 5000 {
        star(&mut light, h, w, &mut random);
    }
    let noisy = light.iter().map(|&light| {
        let photons = (light / ELECTRONS_PER_INT).max(0.0);
        let sigma = (photons + READ_NOISE * READ_NOISE).sqrt();
        (BIAS + light + sigma * random.normal()).clamp(0.0, 65535.0) as u16
    });
    let mut ints: Vec<u16> = noisy.collect();
    for _ in 0..h * w / 10_000 {
        let at = random.below(h * w);
        ints[at] = (3000.0 + 60000.0 * random.uniform()) as u16;
    }
    ints
}

/// Moffat's profile of β = 2.5: 1 / (1 + r²/core²)^2.5.
fn star(light: &mut [f64], h: usize, w: usize, random: &mut Xorshift) {
    let (y0, x0) = (random.uniform() * h as f64, random.uniform() * w as f64);
    let u = random.uniform();
    let peak = 40.0 / (u * u + 0.0005); // many faint ones, few bright ones
    let range = |c: f64, n: usize| (c as usize).saturating_sub(WINGS)..(c as usize + WINGS + 1).min(n);
    for y in range(y0, h) {
        for x in range(x0, w) {
            let (dy, dx) = (y as f64 + 0.5 - y0, x as f64 + 0.5 - x0);
            let q = 1.0 + (dy * dy + dx * dx) / (CORE * CORE);
            light[y * w + x] += peak / (q * q * q.sqrt());
        }
    }
}

/// A frame of a camera that is like no other: its columns go to two amplifiers in turn, of which one has twice the gain, and every row
/// flickers by as much in both.
pub fn two_amplifiers(h: usize, w: usize, seed: u64) -> Vec<u16> {
    let mut random = Xorshift::new(seed);
    let mut out = Vec::with_capacity(h * w);
    for _ in 0..h {
        let flicker = 25.0 * random.normal();
        out.extend((0..w).map(|x| {
            let gain = (1 + x % 2) as f64;
            (600.0 + gain * (60.0 + flicker + 3.0 * random.normal())).clamp(0.0, 65535.0) as u16
        }));
    }
    out
}

/// The frame as a FITS file of unsigned 16-bit samples.
pub fn fits(h: usize, w: usize, ints: &[u16]) -> Vec<u8> {
    const BLOCK: usize = 2880;
    let cards = [
        ("SIMPLE", "T".to_string()),
        ("BITPIX", "16".to_string()),
        ("NAXIS", "2".to_string()),
        ("NAXIS1", w.to_string()),
        ("NAXIS2", h.to_string()),
        ("BSCALE", "1".to_string()),
        ("BZERO", "32768".to_string()),
    ];
    let mut out: Vec<u8> = cards
        .iter()
        .flat_map(|(key, value)| format!("{:<80}", format!("{key:<8}= {value:>20}")).into_bytes())
        .collect();
    out.extend(format!("{:<80}", "OBJECT  = 'SYNTHETIC FIELD'").bytes());
    out.extend(format!("{:<80}", "END").bytes());
    out.resize(out.len().next_multiple_of(BLOCK), b' ');
    out.extend(ints.iter().flat_map(|v| (v ^ 0x8000).to_be_bytes()));
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_frame_on_every_machine() {
        let frame = frame(64, 96, 3);
        let bytes: Vec<u8> = frame.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(blake3::hash(&bytes).to_hex()[..16], *"126d002a69eed04a");
        assert_eq!(fits(64, 96, &frame).len(), 2880 + (64 * 96 * 2usize).next_multiple_of(2880));
    }
}
