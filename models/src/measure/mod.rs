//! What nets code: in bits, in bytes of whole files, in tables.

pub mod curves;
pub mod eval;
pub mod families;
pub mod matrix;
pub mod ratio;
pub mod table;
