//! Accounts, what they own, what is held of it, what they pay.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod fees;
mod sheet;
mod touched;
pub(crate) mod withdrawals;
