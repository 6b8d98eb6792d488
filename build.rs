//! Tells the binary which compiler made it; a release build may name its commit in COLLAPSAR_COMMIT.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=COLLAPSAR_COMMIT");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok().filter(|o| o.status.success());
    let version = version.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
    println!("cargo:rustc-env=COLLAPSAR_RUSTC={}", version.unwrap_or_else(|| "unknown".into()));
}
