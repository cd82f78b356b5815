//! Orders and fills.

use std::collections::HashMap;

use super::units::{Moment, Trade};
use crate::command::Side;
use crate::event::{Event, Terms, TradeSide};
use crate::reason::Reason;

/// Where an order stands, as the tables number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    New = 0,
    PartiallyFilled = 1,
    Filled = 2,
    Canceled = 3,
    Rejected = 5,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FillRow {
    pub(super) trade_id: u64,
    pub(super) order_id: u64,
    pub(super) account: u32,
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) quantity: i64,
    pub(super) notional: i64,
    pub(super) fee: i64,
    pub(super) liquidity: u8,
    pub(super) executed_at: u64,
}

/// An order entered within the call: who, on what terms, when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered<'a> {
    pub(super) account: u32,
    pub(super) terms: Terms<'a>,
    pub(super) created_at: u64,
}

/// What the call did to an order; `None` is as it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderRow<'a> {
    pub(super) id: u64,
    pub(super) entered: Option<Entered<'a>>,
    pub(super) price: Option<i64>,
    pub(super) quantity: Option<i64>,
    pub(super) status: Option<Status>,
    pub(super) filled_added: i64,
    pub(super) canceled_added: i64,
    pub(super) leaves: i64,
    pub(super) filled_notional: Option<i64>,
    pub(super) fee: Option<i64>,
    pub(super) reason: Option<Reason>,
    pub(super) sequence: u64,
    pub(super) updated_at: u64,
}

/// The orders of a call, in the order they were first touched, and their fills.
#[derive(Debug, Default)]
pub(super) struct Orders<'a> {
    rows: Vec<OrderRow<'a>>,
    places: HashMap<u64, usize>,
    fills: Vec<FillRow>,
}

impl<'a> Orders<'a> {
    pub(super) fn entered(&self) -> impl Iterator<Item = (&OrderRow<'a>, &Entered<'a>)> {
        self.rows.iter().filter_map(|row| row.entered.as_ref().map(|entered| (row, entered)))
    }

    pub(super) fn changed(&self) -> impl Iterator<Item = &OrderRow<'a>> {
        self.rows.iter().filter(|row| row.entered.is_none())
    }

    pub(super) fn fills(&self) -> impl Iterator<Item = &FillRow> {
        self.fills.iter()
    }

    pub(super) fn take(&mut self, sequence: u64, at: u64, event: &Event<'a>) {
        match *event {
            Event::OrderAccepted { account, order_id, ref terms, .. } => {
                let row = self.touch(order_id, sequence, at);
                row.entered = Some(Entered { account, terms: *terms, created_at: at });
                row.status = Some(Status::New);
                // Of an order by quote amount, what is left is counted in quote units.
                row.leaves = if terms.quote_amount == 0 { terms.quantity } else { terms.quote_amount };
            }
            // An order for an account that does not exist belongs to nobody: it is in the journal alone.
            Event::OrderRejected { account_sequence: 0, .. } => {}
            Event::OrderRejected { account, order_id, reason, ref terms, .. } => {
                let row = self.touch(order_id, sequence, at);
                row.entered = Some(Entered { account, terms: *terms, created_at: at });
                row.status = Some(Status::Rejected);
                row.reason = Some(reason);
            }
            Event::OrderCanceled { order_id, reason, quantity, filled_notional, fee_total, .. } => {
                let row = self.touch(order_id, sequence, at);
                let done = reason == Reason::QuoteRemainder;
                row.status = Some(if done { Status::Filled } else { Status::Canceled });
                row.reason = Some(reason);
                row.canceled_added += quantity;
                row.leaves = 0;
                row.filled_notional = Some(filled_notional);
                row.fee = Some(fee_total);
            }
            Event::OrderAmended { order_id, price, quantity, leaves, .. } => {
                let row = self.touch(order_id, sequence, at);
                row.price = Some(price);
                row.quantity = Some(quantity);
                row.leaves = leaves;
            }
            Event::OrderReduced { order_id, quantity, leaves, .. } => {
                let row = self.touch(order_id, sequence, at);
                row.canceled_added += quantity;
                row.leaves = leaves;
            }
            _ => {}
        }
    }

    /// A fill for each side of a trade, the maker's first.
    pub(super) fn trade(&mut self, moment: Moment, trade: &Trade<'_>) {
        self.fill(moment, trade, trade.taker_side.opposite(), trade.maker, 0);
        self.fill(moment, trade, trade.taker_side, trade.taker, 1);
    }

    fn fill(&mut self, moment: Moment, trade: &Trade<'_>, side: Side, order: &TradeSide, liquidity: u8) {
        self.fills.push(FillRow {
            trade_id: moment.sequence,
            order_id: order.order_id,
            account: order.account,
            instrument: trade.instrument,
            side,
            price: trade.price,
            quantity: trade.quantity,
            notional: trade.notional,
            fee: order.fee,
            liquidity,
            executed_at: moment.at,
        });
        self.filled(moment, order, trade.quantity);
    }

    fn filled(&mut self, moment: Moment, order: &TradeSide, quantity: i64) {
        let row = self.touch(order.order_id, moment.sequence, moment.at);
        row.status = Some(if order.leaves == 0 { Status::Filled } else { Status::PartiallyFilled });
        row.filled_added += quantity;
        row.leaves = order.leaves;
        row.filled_notional = Some(order.filled_notional);
        row.fee = Some(order.fee_total);
    }

    fn touch(&mut self, id: u64, sequence: u64, at: u64) -> &mut OrderRow<'a> {
        let place = *self.places.entry(id).or_insert(self.rows.len());
        if place == self.rows.len() {
            self.rows.push(OrderRow {
                id,
                entered: None,
                price: None,
                quantity: None,
                status: None,
                filled_added: 0,
                canceled_added: 0,
                leaves: 0,
                filled_notional: None,
                fee: None,
                reason: None,
                sequence,
                updated_at: at,
            });
        }
        let row = &mut self.rows[place];
        row.sequence = sequence;
        row.updated_at = at;
        row
    }
}
