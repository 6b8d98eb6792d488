//! What came of a file: whether it is the same, how good it is, how large beside other codecs.

pub mod benchmark_files;
pub mod noise;
pub mod quantised;
pub mod trial;
pub mod verify;
