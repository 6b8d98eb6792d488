//! Words → values.

use collapsar::internals::array::Dtype;
use collapsar::internals::device::Wish;
use collapsar::internals::{Adapt, Decoder, Level, Rounding};

type Parsed<T> = std::result::Result<T, String>;

pub fn device(text: &str) -> Parsed<Wish> {
    match (text, text.strip_prefix("gpu:")) {
        ("auto", _) => Ok(Wish::Auto),
        ("cpu", _) => Ok(Wish::Cpu),
        ("gpu", _) => Ok(Wish::Gpu(None)),
        (_, Some(n)) => n.parse().map(|n| Wish::Gpu(Some(n))).map_err(|_| format!("'{n}' is not the number of a GPU")),
        _ => Err("auto, cpu, gpu and gpu:N are possible".into()),
    }
}

pub fn adapt(text: &str) -> Parsed<Adapt> {
    match text {
        "off" => Ok(Adapt::Off),
        "short" => Ok(Adapt::Short),
        "fast" => Ok(Adapt::Fast),
        "max" => Ok(Adapt::Max),
        _ => Err("off, short, fast and max are possible".into()),
    }
}

pub fn level(text: &str) -> Parsed<Level> {
    let level = text.parse().ok().and_then(Level::new);
    level.ok_or_else(|| format!("levels are {} to {}", Level::FIRST, Level::LAST))
}

pub fn decoder(text: &str) -> Parsed<Decoder> {
    match text {
        "cpu" => Ok(Decoder::Cpu),
        "gpu" => Ok(Decoder::Gpu),
        _ => Err("cpu and gpu are possible".into()),
    }
}

pub fn rounding(text: &str) -> Parsed<Rounding> {
    match text {
        "round" => Ok(Rounding::Round),
        "trunc" => Ok(Rounding::Trunc),
        _ => Err("round and trunc are possible".into()),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<u64>);

pub fn shape(text: &str) -> Parsed<Shape> {
    let dimension = |d: &str| d.trim().parse().map_err(|_| format!("'{d}' is not a dimension"));
    Ok(Shape(text.split([',', 'x', '×']).map(dimension).collect::<Parsed<_>>()?))
}

pub fn dtype(text: &str) -> Parsed<Dtype> {
    Dtype::from_name(text).map_err(|e| e.message)
}

/// Bytes, or with K, M, G, T: of 1024.
pub fn size(text: &str) -> Parsed<u64> {
    let upper = text.to_uppercase();
    let digits = upper.trim_end_matches("IB").trim_end_matches('B');
    let (digits, shift) = match digits.chars().last() {
        Some('K') => (&digits[..digits.len() - 1], 10),
        Some('M') => (&digits[..digits.len() - 1], 20),
        Some('G') => (&digits[..digits.len() - 1], 30),
        Some('T') => (&digits[..digits.len() - 1], 40),
        _ => (digits, 0),
    };
    let n: Option<u64> = digits.trim().parse().ok();
    n.and_then(|n| n.checked_mul(1 << shift)).ok_or_else(|| format!("'{text}' is no size: write 800M or 2G"))
}

/// A share of a whole, as 1% or 0.01.
pub fn share(text: &str) -> Parsed<f64> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    number
        .ok()
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| format!("'{text}' is no share: write 1% or 0.01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_shapes_and_devices_are_read_or_refused() {
        assert_eq!(size("800M"), Ok(800 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("12"), Ok(12));
        for wrong in ["", "M", "-1", "99999999T", "1.5G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!((share("1%"), share("100 %"), share("0.5")), (Ok(0.01), Ok(1.0), Ok(0.5)));
        for wrong in ["0%", "101%", "nan", "", "-1", "x%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert_eq!(shape("10,512x7"), Ok(Shape(vec![10, 512, 7])));
        assert!(shape("10,").is_err());
        assert_eq!(device("gpu:3"), Ok(Wish::Gpu(Some(3))));
        assert!(device("gpu:x").is_err());
    }
}
