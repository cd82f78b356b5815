//! Clients' ids: which are valid, and which were seen within their window.

pub(crate) mod entry;
mod holders;
pub(crate) mod index;
mod saved;
mod sip;
pub(crate) mod table;
#[cfg(test)]
mod table_tests;
pub(crate) mod valid;
