//! The matching and risk engine of CIFT Markets: pure, deterministic, no I/O, no clock.
//!
//! Commands go in (`command`), events come out (`event`); every number is a checked integer. The same commands
//! with the same times give the same events and the same state, bit for bit.
//!
//! Each folder is one idea, and none uses what uses it. From the floor up:
//!
//! - `bits`, `places`, `shares`, `reference`, `reason`, `command`: integers, lists of bits, a pool all accounts use, the band's
//!   centre, the words of the wire
//! - `event`, `frame`, `view`; `ids` (which client ids were seen), `money` (accounts, balances, positions, fees)
//! - `codec` (commands and events as bytes), `book` (orders by price and time)
//! - `instrument` (its rules, its fees and its book), `rows` (the journal's events as rows for the tables)
//! - `shared` (what all books share), `mass_cancel` (what of one is still to be done)
//! - `engine` (the state)
//! - `orders` and `admin`: what each command does with the state
//! - `dispatch` (a command to what does it), `queries` (reading the state), `snapshot` (the state as bytes)
//! - `journal`: the engine behind frames of bytes, batch by batch, each chained to the one before

mod admin;
mod bits;
mod book;
pub mod codec;
pub mod command;
mod dispatch;
mod engine;
pub mod event;
pub mod frame;
mod ids;
mod instrument;
pub mod journal;
mod mass_cancel;
mod money;
mod orders;
mod places;
mod queries;
pub mod reason;
mod reference;
pub mod rows;
mod shared;
mod shares;
mod snapshot;
mod view;

pub use engine::{Config, ENGINE_VERSION, Engine};
pub use money::account::{EXTERNAL, FEES, FIRST_USER, OPEN_ORDERS_MAX_DEFAULT};
pub use orders::prefetch::Foreseen;
pub use snapshot::SnapshotError;
pub use view::{
    AccountView, BalanceView, BookChange, BookView, Level, LookupView, OrderView, PositionView, Stats, WithdrawalView,
};
