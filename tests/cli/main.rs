//! The command as its users meet it.

mod failures;
mod files;
mod lossy;
mod measured;
#[cfg(target_os = "linux")]
mod moving;
mod painted;
mod reports;
mod sandbox;
mod scripts;
#[cfg(unix)]
mod signals;
