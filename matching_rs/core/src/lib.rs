//! The matching and risk engine of CIFT Markets: pure, deterministic, no I/O, no clock.
//!
//! Commands go in (`command`), events come out (`event`); every number is a checked integer. The same commands
//! with the same times give the same events and the same state, bit for bit.

mod account;
mod accounts;
mod admin;
mod ahead;
mod amend;
mod atomic;
pub mod batch;
mod bits;
mod blocks;
mod book;
mod cancel;
pub mod codec;
pub mod command;
mod ends;
pub mod engine;
mod entry;
pub mod event;
pub mod frame;
mod ids;
mod index;
mod instrument;
mod levels;
mod listing;
mod marks;
mod matching;
mod members;
mod money;
mod order;
mod places;
mod plain;
mod pool;
pub mod query;
pub mod reason;
mod resting;
mod restore;
pub mod retrace;
mod risk;
pub mod rows;
mod shared;
mod sheet;
mod sip;
pub mod snapshot;
mod submit;
mod taker;
mod touched;
mod validate;
pub mod view;
mod views;
mod wire;
mod withdrawals;

pub use account::{EXTERNAL, FEES, FIRST_USER, OPEN_ORDERS_MAX_DEFAULT};
pub use ahead::Foreseen;
pub use engine::{Config, Engine};
pub use snapshot::SnapshotError;
pub use view::{
    AccountView, BalanceView, BookChange, BookView, Level, LookupView, OrderView, PositionView, Stats, WithdrawalView,
};

/// Raised whenever the same commands may give other events or another state.
pub const ENGINE_VERSION: u32 = 2;
