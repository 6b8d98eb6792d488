//! Small files of every kind.

use collapsar::internals::model::Family;
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::weights::store;
use std::io::Write;

pub fn fits() -> Vec<u8> {
    cube(1)
}

/// The same noise in every plane: only a prediction from the plane before can foresee it.
pub fn cube(n_planes: u32) -> Vec<u8> {
    let cards = [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "3"), ("NAXIS1", "96"), ("NAXIS2", "80")];
    let card = |key: &str, value: &str| format!("{:<80}", format!("{key:<8}= {value:>20}"));
    let mut out: String = cards.iter().map(|(key, value)| card(key, value)).collect();
    out += &card("NAXIS3", &n_planes.to_string());
    out += &format!("{:<80}", "END");
    let mut out = out.into_bytes();
    out.resize(2880, b' ');
    for plane in 0..n_planes {
        let mut random = Lcg(1);
        for i in 0..96 * 80u32 {
            out.extend(((1000 + plane + i % 96 + random.bits(10)) as u16).to_be_bytes());
        }
    }
    out.resize(out.len().next_multiple_of(2880), 0);
    out
}

/// A frame of 192 × 160 ints: noise of σ 20, nine stars, exposed for 30 s, with a place on the sky.
pub fn stars() -> Vec<u8> {
    exposed(30, 20.0)
}

/// The same, exposed for so long, with so much noise.
pub fn exposed(seconds: u32, sigma: f64) -> Vec<u8> {
    let (h, w) = (160usize, 192usize);
    let cards = [
        ("SIMPLE", "T".into()),
        ("BITPIX", "16".into()),
        ("NAXIS", "2".into()),
        ("NAXIS1", w.to_string()),
        ("NAXIS2", h.to_string()),
        ("EXPTIME", seconds.to_string()),
        ("CTYPE1", "'RA---TAN'".into()),
        ("CTYPE2", "'DEC--TAN'".into()),
        ("CRPIX1", "96.5".into()),
        ("CRPIX2", "80.5".into()),
        ("CRVAL1", "83.633".into()),
        ("CRVAL2", "22.014".into()),
        ("CD1_1", "-2.7778E-04".into()),
        ("CD2_2", "2.7778E-04".into()),
        ("OBSERVER", "'nobody'".into()),
    ];
    let card = |(key, value): &(&str, String)| format!("{:<80}", format!("{key:<8}= {value:>20}"));
    let mut out = cards.iter().map(card).collect::<String>() + &format!("{:<80}", "END");
    out = format!("{out:<2880}");
    let mut random = Lcg(seconds);
    let mut sky: Vec<f64> = (0..h * w)
        .map(|_| 1000.0 + sigma * ((0..12).map(|_| f64::from(random.bits(16)) / 65536.0).sum::<f64>() - 6.0))
        .collect();
    for star in 0..9 {
        let (y0, x0) = ((30 + 50 * (star / 3)) as f64 + 0.3, (30 + 60 * (star % 3)) as f64 - 0.2);
        for (i, x) in sky.iter_mut().enumerate() {
            let (dy, dx) = ((i / w) as f64 - y0, (i % w) as f64 - x0);
            *x += (2000 + 500 * star) as f64 * (-(dy * dy + dx * dx) / 5.0).exp();
        }
    }
    let mut bytes = out.into_bytes();
    bytes.extend(sky.iter().flat_map(|x| (x.round() as i16).to_be_bytes()));
    bytes.resize(bytes.len().next_multiple_of(2880), 0);
    bytes
}

pub fn npy() -> Vec<u8> {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 60), }";
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(118u16.to_le_bytes());
    out.extend(format!("{text:<117}\n").bytes());
    out.extend((0..2400).flat_map(|i| (i as f32 * 0.25 - 3.0).to_le_bytes()));
    out
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A .gz that no writer we know would make: stored blocks with an odd cut.
pub fn odd_gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let n_blocks = bytes.len().div_ceil(777);
    for (i, block) in bytes.chunks(777).enumerate() {
        out.push(u8::from(i + 1 == n_blocks));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(block);
    }
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    out.extend(crc.sum().to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// A weights file that is not built in.
pub fn weights() -> Vec<u8> {
    store(&synthetic::tiny(Family::Pixelcnn, 1, 1)).unwrap()
}

/// One whose layers read activations of other cells.
pub fn deep_weights() -> Vec<u8> {
    store(&synthetic::tiny(Family::PixelcnnDeep, 1, 1)).unwrap()
}
