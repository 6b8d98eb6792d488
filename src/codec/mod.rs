//! The loops between ints and payloads.

pub mod network;
