//! The bytes that go in and out: golden ones, arbitrary ones, hostile ones.

mod arbitrary;
mod frames;
mod golden;
mod hostile;
mod named;
mod round_trip;
mod snapshots;
