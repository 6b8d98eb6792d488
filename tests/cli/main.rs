//! The command as its users meet it.

mod desk;
mod failures;
mod files;
mod lossy;
mod measured;
mod painted;
mod reports;
#[cfg(unix)]
mod signals;
