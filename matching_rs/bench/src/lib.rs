//! The standard order flow: its format, its generator, and a peer that runs it.

pub mod engine;
pub mod flow;
pub mod generate;
mod naive;
pub mod peer;
