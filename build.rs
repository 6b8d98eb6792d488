//! Tells the binary which compiler and which wgpu made it; a release build may name its commit in COLLAPSAR_COMMIT. Compiles the one
//! function that has to run before Rust does.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=COLLAPSAR_COMMIT");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok().filter(|o| o.status.success());
    let version = version.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
    println!("cargo:rustc-env=COLLAPSAR_RUSTC={}", version.unwrap_or_else(|| "unknown".into()));
    #[cfg(feature = "cli")]
    closed_streams();
    println!("cargo:rustc-check-cfg=cfg(collapsar_sanitize)");
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rustc-env=COLLAPSAR_WGPU={}", wgpu());
}

/// What runs in the binary, and only there, before Rust's own start.
#[cfg(feature = "cli")]
fn closed_streams() {
    const SOURCE: &str = "src/cli/talk/closed.c";
    println!("cargo:rerun-if-changed={SOURCE}");
    if std::env::var_os("CARGO_CFG_UNIX").is_some() {
        for object in cc::Build::new().file(SOURCE).compile_intermediates() {
            println!("cargo:rustc-link-arg-bins={}", object.display());
        }
    }
}

/// The version of wgpu, if it is built in.
fn wgpu() -> String {
    match std::env::var_os("CARGO_FEATURE_GPU") {
        Some(_) => locked("wgpu").unwrap_or_else(|| "unknown".into()),
        None => "not built in".into(),
    }
}

/// The version of a crate in Cargo.lock, where there is one.
fn locked(name: &str) -> Option<String> {
    let lock = std::fs::read_to_string("Cargo.lock").ok()?;
    let (_, after) = lock.split_once(&format!("name = \"{name}\""))?;
    let line = after.lines().find_map(|line| line.strip_prefix("version = "))?;
    Some(line.trim_matches('"').to_string())
}
