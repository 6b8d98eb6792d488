//! Threads, memory and device of a run.

use super::parse::{device, size};
use clap::Args as Group;
use collapsar::internals::device::Wish;

#[derive(Group)]
pub struct Resources {
    /// Number of threads; 0 is one per core
    #[arg(short = 'T', long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// Use no more memory than this, as in 800M or 2G; an error where that is not enough
    #[arg(short = 'M', long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Where networks run: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", hide_default_value = true, value_parser = device)]
    pub device: Wish,
    /// Fail where no GPU can be used
    #[arg(long)]
    pub require_gpu: bool,
}
