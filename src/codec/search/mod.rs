//! What an encoder chooses for an array, by measuring.

pub mod adapt;
pub mod choice;
pub mod choose;
pub mod measure;
pub mod related;
pub mod transform;
pub mod trial;
pub mod view;
pub mod windows;
