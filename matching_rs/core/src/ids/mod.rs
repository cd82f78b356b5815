//! Clients' ids: which are valid, and which were seen within their window.

mod ends;
pub(crate) mod entry;
pub(crate) mod index;
mod sip;
pub(crate) mod table;
pub(crate) mod valid;
