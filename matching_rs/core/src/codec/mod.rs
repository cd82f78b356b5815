//! Commands and events as MessagePack arrays, and nothing that allocates per command.
//!
//! A command is `[kind, version, …]`, an event `[kind, sequence, …]`; the fields stand in the order of `command`
//! and `event`. Decoding borrows its strings from the bytes and is total: bytes that are no command are a
//! `Refusal`, never a panic. Encoding always takes the shortest form, so equal values are equal bytes.

mod codes;
mod commands;
mod events;
mod forms;
mod quick;
mod read_command;
mod read_event;
mod reader;
mod slot;
mod writer;

pub use commands::encode_command;
pub use events::encode_event;
pub(crate) use events::encode_instrument_terms;
pub(crate) use quick::decode_quickly;
pub use read_command::{Refusal, decode_command};
pub use read_event::decode_event;
pub use reader::{Malformed, Reader};
pub use writer::Writer;
