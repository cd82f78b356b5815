//! What a client keeps from its feeds alone: books from the public one, its account's events from its own.

use std::collections::BTreeMap;

use cift_core::BookView;
use cift_core::codec::{Malformed, Reader, decode_event};
use cift_core::event::Event;

/// Price → quantity, orders.
type Levels = BTreeMap<i64, (i64, u64)>;

#[derive(Debug, Default)]
pub struct Book {
    sequence: u64,
    bids: Levels,
    asks: Levels,
}

impl Book {
    /// Take one block; it must name the one before.
    pub fn update(&mut self, block: &[u8]) {
        self.read(&mut Reader::new(block)).expect("a book's block");
    }

    fn read(&mut self, r: &mut Reader<'_>) -> Result<(), Malformed> {
        assert_eq!(r.array()?, 11);
        let (_number, _at, _instrument) = (r.unsigned()?, r.unsigned()?, r.unsigned()?);
        assert_eq!(r.unsigned()?, self.sequence, "no gap passes unseen");
        self.sequence = r.unsigned()?;
        for side in [&mut self.bids, &mut self.asks] {
            for _ in 0..r.array()? {
                assert_eq!(r.array()?, 3);
                let (price, quantity, orders) = (r.signed()?, r.signed()?, r.unsigned()?);
                assert_eq!(quantity == 0, orders == 0, "a level without orders is gone");
                if quantity == 0 {
                    side.remove(&price);
                } else {
                    side.insert(price, (quantity, orders));
                }
            }
        }
        for best in [self.bids.last_key_value(), self.asks.first_key_value()] {
            let told = r.optional(|r| {
                assert_eq!(r.array()?, 2);
                Ok((r.signed()?, r.signed()?))
            })?;
            assert_eq!(told, best.map(|(&price, &(quantity, _))| (price, quantity)), "best bid or offer");
        }
        for _ in 0..r.array()? {
            assert_eq!(r.array()?, 4);
            let (_trade_id, price, quantity, side) = (r.unsigned()?, r.signed()?, r.signed()?, r.unsigned()?);
            assert!(price > 0 && quantity > 0 && side < 2);
        }
        assert!(r.unsigned()? < 3, "a status");
        r.end()
    }

    pub fn equals(&self, view: &BookView) -> bool {
        let told = |levels: &[cift_core::Level]| -> Levels {
            levels.iter().map(|level| (level.price, (level.quantity, u64::from(level.orders)))).collect()
        };
        self.sequence == view.instrument_sequence && self.bids == told(&view.bids) && self.asks == told(&view.asks)
    }
}

/// One account's feed: how far it has come.
#[derive(Debug, Default)]
pub struct Account {
    pub sequence: u64,
}

impl Account {
    /// Take one block; its events go on without a gap.
    pub fn update(&mut self, account: u32, block: &[u8]) {
        let mut reader = Reader::new(block);
        let r = &mut reader;
        let head = (r.array(), r.unsigned(), r.unsigned(), r.u32());
        assert!(matches!(head, (Ok(4), Ok(_), Ok(_), Ok(owner)) if owner == account), "{head:?}");
        for _ in 0..r.array().expect("events") {
            let (_, event) = decode_event(r).expect("an event");
            if let Some(sequence) = sequence_of(&event, account) {
                self.sequence += 1;
                assert_eq!(sequence, self.sequence, "no gap passes unseen: {event:?}");
            }
        }
        assert_eq!(r.end(), Ok(()), "nothing follows");
    }
}

/// An event's place among an account's; none for those that only answer a command.
fn sequence_of(event: &Event<'_>, account: u32) -> Option<u64> {
    let (owner, sequence) = match *event {
        Event::Trade { ref maker, ref taker, .. } => {
            let side = if maker.account == account { maker } else { taker };
            (side.account, side.account_sequence)
        }
        Event::OrderAccepted { account_sequence, account, .. }
        | Event::OrderRejected { account_sequence, account, .. }
        | Event::OrderCanceled { account_sequence, account, .. }
        | Event::OrderAmended { account_sequence, account, .. }
        | Event::OrderReduced { account_sequence, account, .. }
        | Event::AccountOpened { account_sequence, account, .. }
        | Event::AccountChanged { account_sequence, account, .. }
        | Event::CashMoved { account_sequence, account, .. }
        | Event::BalanceChanged { account_sequence, account, .. }
        | Event::PositionChanged { account_sequence, account, .. }
        | Event::PositionLimitSet { account_sequence, account, .. }
        | Event::WithdrawalRequested { account_sequence, account, .. }
        | Event::WithdrawalSettled { account_sequence, account, .. } => (account, account_sequence),
        Event::CommandDuplicate { account, .. }
        | Event::CommandRejected { account, .. }
        | Event::OrdersCanceled { account, .. }
        | Event::BatchDone { account, .. } => (account, 0),
        _ => panic!("{event:?} is nobody's"),
    };
    assert_eq!(owner, account, "{event:?}");
    Some(sequence).filter(|&sequence| sequence > 0)
}
