//! Open orders by price and time.

pub(crate) mod levels;
mod marks;
pub(crate) mod order;
pub(crate) mod order_book;
pub(crate) mod pool;
pub(crate) mod ticks;
mod window;
