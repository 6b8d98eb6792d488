//! What an encoder chooses for an array, by measuring.

pub mod adapt;
pub mod check;
pub mod choice;
pub mod choose;
mod counts;
pub mod denoised;
mod draft;
pub mod lessons;
pub mod level;
mod measure;
mod networks;
mod plain;
pub mod recipe;
pub mod related;
pub mod task;
mod transform;
mod trial;
pub mod view;
mod windows;
mod with_references;
