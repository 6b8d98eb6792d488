//! The command as its users meet it.

mod adapt;
mod batch;
mod external;
mod failures;
mod files;
mod inputs;
mod levels;
mod lossy;
mod measured;
#[cfg(target_os = "linux")]
mod moving;
mod pages;
mod reports;
mod sandbox;
mod scripts;
mod shells;
#[cfg(unix)]
mod signals;
