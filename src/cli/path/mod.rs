//! Files: what is read, what results are called, where they go.

pub mod held;
pub mod input;
pub mod names;
pub mod output;
pub mod weights;
