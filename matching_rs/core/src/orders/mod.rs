//! What clients command: an order's way from its checks over the match to its rest or end.

mod amend;
mod atomic;
mod batch;
mod batch_id;
mod cancel;
mod matching;
mod plain;
pub(crate) mod prefetch;
mod resting;
mod risk;
mod submit;
mod taker;
mod terms;
