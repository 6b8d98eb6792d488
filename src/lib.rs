pub mod array;
pub mod container;
pub mod error;
pub mod source;
