pub mod array;
pub mod codec;
pub mod entropy;
pub mod error;
pub mod kernel;
pub mod model;
pub mod net;
pub mod source;
mod wire;
