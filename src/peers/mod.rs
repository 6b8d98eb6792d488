//! Other people's methods, written from their published descriptions, to stand beside ours in `compare` and `demo`.

pub mod rice;
