//! What the venue's staff command: accounts, money, listings, the venue itself.

mod accounts;
mod cash;
mod listing;
mod venue;
mod withdrawals;
