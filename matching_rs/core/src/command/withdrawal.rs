//! Money on its way out: requested, then booked or released.

/// How a requested withdrawal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WithdrawalEnd {
    /// The money leaves.
    Booked = 0,
    /// The account may use it again.
    Released = 1,
}

/// A request to withdraw: from here on the amount is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestWithdrawal<'a> {
    /// Which account.
    pub account: u32,
    /// The command's id, as that of `MoveCash`; it names the withdrawal until that is settled.
    pub id: &'a str,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Of what.
    pub asset: u16,
    /// Smallest units, > 0.
    pub amount: i64,
}

/// The end of a requested withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettleWithdrawal<'a> {
    /// Which account.
    pub account: u32,
    /// The command's id, as that of `MoveCash`.
    pub id: &'a str,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// The id it was requested under.
    pub request: &'a str,
    /// Booked or released.
    pub end: WithdrawalEnd,
}
