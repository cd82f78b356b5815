//! Orders entered.

use cift_core::command::{OrderType, SelfTradePrevention, Side, SubmitOrder, TimeInForce};
use cift_core::event::{Event, Terms};
use cift_core::reason::Reason;

use super::accounts::Known;
use super::matching::{Bound, Stop, Taker};
use super::money::fee;
use super::risk::{Used, rests};
use super::{Naive, Order, PPM, narrow};

const REFUSED: u64 = 0xF_FFFF;

/// What must be the same for a repeat to be one.
pub(super) fn payload(order: &SubmitOrder<'_>) -> String {
    format!("{:?}", SubmitOrder { deadline: 0, ..*order })
}

impl Naive {
    /// Enter an order; false: it was refused, or known with another payload.
    pub(super) fn submit(&mut self, order: &SubmitOrder<'_>) -> bool {
        let payload = payload(order);
        let exists = self.is_user(order.account);
        match self.recognise_by(order.deadline, exists, (order.account, order.id), &payload) {
            Err(reason) => {
                self.refuse(order, reason);
                return false;
            }
            Ok(Known::Repeated { same }) => return same,
            Ok(Known::New) => {}
        }
        let checked = self.check_terms(order).and_then(|()| self.check_exposure(order, Used::default()));
        let checked = checked.and_then(|()| {
            let crosses = self.crosses(order.instrument, order.side, order.price.into());
            if order.flags & 1 != 0 && crosses { Err(Reason::PostOnlyWouldCross) } else { Ok(()) }
        });
        if let Err(reason) = checked {
            let (sequence, now) = (self.sequence + 1, self.now);
            self.ids.remember((order.account, order.id), payload, (sequence, sequence << 20 | REFUSED), now);
            self.ids.end(order.account, order.id, now);
            self.refuse(order, reason);
            return false;
        }
        self.accept(order, payload);
        true
    }

    /// Enter an order whose atomic batch has passed.
    pub(super) fn enter(&mut self, order: &SubmitOrder<'_>) -> bool {
        let payload = payload(order);
        match self.recognise(order.account, order.id, &payload) {
            Ok(Known::New) => self.accept(order, payload),
            Ok(Known::Repeated { same }) => return same,
            Err(reason) => {
                self.refuse(order, reason);
                return false;
            }
        }
        true
    }

    fn terms<'a>(&self, order: &SubmitOrder<'a>) -> Terms<'a> {
        let default = if self.is_user(order.account) {
            self.account(order.account).stp
        } else {
            SelfTradePrevention::CancelNewest
        };
        Terms {
            id: order.id,
            instrument: order.instrument,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            flags: order.flags,
            stp: order.stp.unwrap_or(default),
            price: order.price,
            quantity: order.quantity,
            quote_amount: order.quote_amount,
        }
    }

    pub(super) fn refuse(&mut self, order: &SubmitOrder<'_>, reason: Reason) {
        let account_sequence = self.next_account_sequence(order.account);
        let order_id = (self.sequence + 1) << 20 | REFUSED;
        let terms = self.terms(order);
        self.emit(&Event::OrderRejected { account_sequence, account: order.account, order_id, reason, terms });
    }

    fn accept(&mut self, order: &SubmitOrder<'_>, payload: String) {
        let terms = self.terms(order);
        let rates = self.instrument(order.instrument).rates(self.account(order.account).fee_tier);
        let sequence = self.sequence + 1;
        let id = sequence << 20 | self.slots.take();
        let account_sequence = self.next_account_sequence(order.account);
        let instrument_sequence = self.next_instrument_sequence(order.instrument);
        self.emit(&Event::OrderAccepted {
            account_sequence,
            instrument_sequence,
            account: order.account,
            order_id: id,
            terms,
            maker_ppm: u32::try_from(rates.maker).expect("a rate"),
            taker_ppm: u32::try_from(rates.taker).expect("a rate"),
        });
        self.ids.remember((order.account, order.id), payload, (sequence, id), self.now);
        let mut taker = self.taker(order, id, terms);
        let crosses = self.crosses(order.instrument, order.side, order.price.into());
        let stop = if order.flags & 1 != 0 && crosses {
            Stop::End(Reason::PostOnlyWouldCross)
        } else if order.time_in_force == TimeInForce::Fok && !self.would_fill(&taker) {
            Stop::End(Reason::FillOrKill)
        } else {
            self.walk(&mut taker)
        };
        let end = match stop {
            Stop::Uncrossed if rests(order) && !self.may_rest(order.account, 0) => Some(Reason::VenueOpenOrdersLimit),
            Stop::Uncrossed if rests(order) => {
                let rested = Order {
                    id,
                    account: order.account,
                    side: order.side,
                    price: taker.limit,
                    quantity: order.quantity.into(),
                    leaves: taker.leaves,
                    client_id: order.id.to_string(),
                    post_only: order.flags & 1 != 0,
                    stp: terms.stp,
                    rates,
                    fills: taker.fills,
                };
                return self.rest(order.instrument, rested);
            }
            Stop::Done => None,
            Stop::End(reason) => Some(reason),
            Stop::Uncrossed if order.order_type == OrderType::Limit => Some(Reason::ImmediateOrCancel),
            Stop::Uncrossed if self.first(order.instrument, order.side.opposite()).is_some() => {
                Some(Reason::SlippageCap)
            }
            Stop::Uncrossed => Some(Reason::NoLiquidity),
        };
        if let Some(reason) = end {
            self.tell_canceled(&taker, reason);
        }
        self.retire(order.account, order.id, id);
    }

    /// It would leave nothing that has to rest.
    pub(super) fn fills_whole(&self, order: &SubmitOrder<'_>) -> bool {
        self.would_fill(&self.taker(order, 0, self.terms(order)))
    }

    fn taker(&self, order: &SubmitOrder<'_>, id: u64, terms: Terms<'_>) -> Taker {
        let instrument = self.instrument(order.instrument);
        let asset = instrument.asset_of(order.side);
        let kept: i128 = self.kept.iter().filter(|one| one.0 == asset).map(|one| one.1).sum();
        let free = (self.free(order.account, asset) - kept).max(0);
        let by_quote = order.quote_amount > 0;
        let market = order.order_type == OrderType::Market;
        let (mut leaves, mut leaves_reason) = (i128::from(order.quantity), Reason::PositionLimit);
        if by_quote {
            let on_lot = |quantity: i128| quantity / instrument.lot * instrument.lot;
            let room = self.position_room(order.account, order.instrument, order.side, 0);
            leaves = on_lot(room.unwrap_or(i128::MAX));
            if order.side == Side::Sell && on_lot(free) <= leaves {
                (leaves, leaves_reason) = (on_lot(free), Reason::FundsExhausted);
            }
        }
        Taker {
            id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            stp: terms.stp,
            limit: self.worst(order),
            leaves,
            bound: match order.side {
                _ if by_quote => Bound::Quote(order.quote_amount.into()),
                Side::Buy if market => Bound::Budget(free),
                _ => Bound::Quantity,
            },
            leaves_reason,
            price: order.price.into(),
            quantity: order.quantity.into(),
            rates: instrument.rates(self.account(order.account).fee_tier),
            fills: Vec::new(),
            met_own: false,
        }
    }

    /// The worst price an order may trade at.
    pub(super) fn worst(&self, order: &SubmitOrder<'_>) -> i128 {
        match order.order_type {
            OrderType::Limit => order.price.into(),
            OrderType::Market => self.furthest(order.instrument, order.side),
        }
    }

    /// How far a market order may go from the touch it finds, rounded towards it.
    fn furthest(&self, number: u32, side: Side) -> i128 {
        let instrument = self.instrument(number);
        let touch = self.first(number, side.opposite()).map_or(0, |order| order.price / instrument.tick);
        let ticks = match side {
            Side::Buy if instrument.slippage == 0 => 1 << 61,
            Side::Buy => touch * (PPM + instrument.slippage) / PPM,
            Side::Sell if instrument.slippage == 0 => 1,
            Side::Sell => ((touch * (PPM - instrument.slippage).max(0) + PPM - 1) / PPM).max(1),
        };
        ticks * instrument.tick
    }

    /// A fill-or-kill order is tried on a copy of the venue.
    fn would_fill(&self, taker: &Taker) -> bool {
        let (mut copy, mut taker) = (self.clone(), taker.clone());
        let stop = copy.walk(&mut taker);
        !taker.met_own && matches!(stop, Stop::Done | Stop::End(Reason::QuoteRemainder))
    }

    pub(super) fn rest(&mut self, number: u32, order: Order) {
        let asset = self.instrument(number).asset_of(order.side);
        self.touch(order.account, asset);
        self.instrument_mut(number).orders.push(order);
    }

    pub(super) fn tell_canceled(&mut self, taker: &Taker, reason: Reason) {
        let account_sequence = self.next_account_sequence(taker.account);
        let instrument_sequence = self.next_instrument_sequence(taker.instrument);
        self.emit(&Event::OrderCanceled {
            account_sequence,
            instrument_sequence,
            account: taker.account,
            order_id: taker.id,
            instrument: taker.instrument,
            reason,
            quantity: narrow(taker.left()),
            price: narrow(taker.price),
            order_quantity: narrow(taker.quantity),
            filled_quantity: narrow(taker.fills.iter().map(|fill| fill.quantity).sum()),
            filled_notional: narrow(taker.fills.iter().map(|fill| fill.notional).sum()),
            fee_total: narrow(fee(&taker.fills)),
        });
    }
}
