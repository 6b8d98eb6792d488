//! What people and programs are told.

pub mod exit;
pub mod html;
pub mod json;
pub mod lost;
pub mod print;
pub mod progress;
pub mod svg;
pub mod table;
