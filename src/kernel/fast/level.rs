//! What a machine can do, and how much of it is used: `COLLAPSAR_CPU=avx2` uses no more than AVX2. Bytes never depend on it.

use crate::error::{Error, Result};
use std::str::FromStr;
use std::sync::OnceLock;

/// The environment variable that names the highest level to be used.
pub const VARIABLE: &str = "COLLAPSAR_CPU";

/// From the plain kernels upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Plain,
    Avx2,
    AvxVnni,
    Avx512Vnni,
    /// AVX-512 with the products in tiles.
    Amx,
}

impl Level {
    const ALL: [Level; 5] = [Level::Plain, Level::Avx2, Level::AvxVnni, Level::Avx512Vnni, Level::Amx];

    /// The best that this machine can do, or the best that the environment allows.
    pub fn detect() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let highest = Level::allowed().ok().flatten().unwrap_or(Level::Amx);
            let allowed = Level::available().into_iter().filter(|level| *level <= highest);
            allowed.max().expect("the plain kernels are always there")
        })
    }

    /// What the environment names, if it does.
    pub fn allowed() -> Result<Option<Level>> {
        std::env::var(VARIABLE).ok().map(|name| name.parse()).transpose()
    }

    pub fn available() -> Vec<Level> {
        Level::ALL.into_iter().filter(|level| level.is_available()).collect()
    }

    /// As reports have it.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_available(self) -> bool {
        match self {
            Level::Plain => true,
            Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt"),
            Level::AvxVnni => Level::Avx2.is_available() && is_x86_feature_detected!("avxvnni"),
            Level::Avx512Vnni => {
                is_x86_feature_detected!("popcnt")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            Level::Amx => Level::Avx512Vnni.is_available() && super::amx::is_available(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn is_available(self) -> bool {
        self == Level::Plain
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name).ok_or_else(|| {
            let names = Level::ALL.map(Level::name).join(", ");
            Error::argument(format!("{VARIABLE}={name}: it may be {names}"))
        })
    }
}
