//! The wire numbers of the command kinds.
#![allow(missing_docs, reason = "each constant is the number of the command of its name")]

pub const OPEN_VENUE: u8 = 1;
pub const OPEN_EPOCH: u8 = 2;
pub const SUBMIT_ORDER: u8 = 10;
pub const AMEND_ORDER: u8 = 11;
pub const CANCEL_ORDER: u8 = 12;
pub const CANCEL_ORDERS: u8 = 13;
pub const BATCH: u8 = 14;
pub const CONTINUE_CANCELS: u8 = 15;
pub const OPEN_ACCOUNT: u8 = 20;
pub const CHANGE_ACCOUNT: u8 = 21;
pub const MOVE_CASH: u8 = 22;
pub const SET_POSITION_LIMIT: u8 = 23;
pub const REQUEST_WITHDRAWAL: u8 = 24;
pub const SETTLE_WITHDRAWAL: u8 = 25;
pub const LIST_ASSET: u8 = 30;
pub const LIST_INSTRUMENT: u8 = 31;
pub const CHANGE_INSTRUMENT: u8 = 32;
pub const SET_FEE_TIER: u8 = 33;
pub const SET_KILL_SWITCH: u8 = 34;
