//! What a figure was measured on: without it no two can be compared.

use collapsar::internals::kernel::fast::Level;
use serde_json::{Value, json};

pub fn json() -> Value {
    json!({
        "cpu": cpu(), "level": level(), "cores": cores(), "threads": rayon::current_num_threads(),
        "os": std::env::consts::OS, "arch": std::env::consts::ARCH,
        "version": env!("CARGO_PKG_VERSION"), "commit": option_env!("COLLAPSAR_COMMIT"), "rustc": env!("COLLAPSAR_RUSTC"),
        "wgpu": env!("COLLAPSAR_WGPU"),
    })
}

pub fn text() -> String {
    format!(
        "collapsar {}{}, {}, wgpu {}\n{}, {} cores, {} threads, {} {}; kernels: {}\n",
        env!("CARGO_PKG_VERSION"),
        option_env!("COLLAPSAR_COMMIT").map_or(String::new(), |c| format!(" ({c})")),
        env!("COLLAPSAR_RUSTC"),
        env!("COLLAPSAR_WGPU"),
        cpu(),
        cores(),
        rayon::current_num_threads(),
        std::env::consts::OS,
        std::env::consts::ARCH,
        level(),
    )
}

/// The best that this CPU can do.
fn level() -> String {
    Level::detect().name()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// As Linux names it; elsewhere not known.
pub fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|l| l.strip_prefix("model name").and_then(|l| l.split_once(':')));
    model.map_or("a CPU of unknown model".into(), |(_, name)| name.trim().to_string())
}
