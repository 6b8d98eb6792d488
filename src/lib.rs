pub mod array;
pub mod atomic;
pub mod container;
pub mod error;
pub mod source;
