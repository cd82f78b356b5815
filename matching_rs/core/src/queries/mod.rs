//! Reading the engine: as Rust values, and as answers to queries in bytes.

pub(crate) mod answer;
mod state;
