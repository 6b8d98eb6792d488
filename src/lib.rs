pub mod array;
pub mod codec;
pub mod entropy;
pub mod error;
pub mod peers;
pub mod source;
