pub mod array;
pub mod error;
pub mod sample;
pub mod source;
