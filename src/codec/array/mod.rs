//! One array: its head, its bands of rows, the payloads of its tiles, and what it sees of other arrays.

pub mod band;
pub mod batch;
pub mod by;
pub mod head;
pub mod memory;
pub mod payload;
pub mod reference;
pub mod references;
pub mod refit;
