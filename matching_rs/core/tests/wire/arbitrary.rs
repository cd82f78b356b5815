//! Arbitrary commands, from a seed.

use cift_core::command::{
    AccountStatus, AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, CashKind, ChangeAccount,
    ChangeInstrument, Command, InstrumentKind, InstrumentStatus, ListAsset, ListInstrument, MoveCash, OpenAccount,
    OrderType, RequestWithdrawal, SelfTradePrevention, SetFeeTier, SetPositionLimit, SettleWithdrawal, Side,
    SubmitOrder, TimeInForce, WithdrawalEnd,
};

const IDS: [&str; 6] = [
    "a",
    "order-1",
    "0123456789012345678901234567890",
    "01234567890123456789012345678901",
    "Ünïcödé",
    "0123456789012345678901234567890123456789012345678901234567890123",
];

/// `SplitMix64`: all that is needed here, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).expect("below a usize")
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// An integer of any width, 1 to `bits` bits.
    fn wide(&mut self, bits: u32) -> u64 {
        let used = 1 + u32::try_from(self.below(bits as usize)).expect("small");
        self.roll() >> (64 - used)
    }

    fn u8(&mut self) -> u8 {
        u8::try_from(self.wide(8)).expect("8 bits")
    }

    fn u16(&mut self) -> u16 {
        u16::try_from(self.wide(16)).expect("16 bits")
    }

    fn u32(&mut self) -> u32 {
        u32::try_from(self.wide(32)).expect("32 bits")
    }

    fn u63(&mut self) -> u64 {
        self.wide(63)
    }

    fn int(&mut self) -> i64 {
        let magnitude = self.wide(64).cast_signed();
        if self.below(4) == 0 { magnitude } else { magnitude.saturating_abs() }
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    fn side(&mut self) -> Side {
        self.pick(&[Side::Buy, Side::Sell])
    }

    fn stp(&mut self) -> SelfTradePrevention {
        use SelfTradePrevention::{CancelBoth, CancelNewest, CancelOldest, Decrement};
        self.pick(&[CancelNewest, CancelOldest, CancelBoth, Decrement])
    }

    fn submit(&mut self) -> SubmitOrder<'static> {
        SubmitOrder {
            account: self.u32(),
            id: self.pick(&IDS),
            deadline: self.u63(),
            instrument: self.u32(),
            side: self.side(),
            order_type: self.pick(&[OrderType::Limit, OrderType::Market]),
            time_in_force: self.pick(&[TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]),
            flags: self.u8(),
            stp: self.maybe(Self::stp),
            price: self.int(),
            quantity: self.int(),
            quote_amount: self.int(),
        }
    }

    fn amend(&mut self) -> AmendOrder {
        AmendOrder {
            account: self.u32(),
            deadline: self.u63(),
            order_id: self.u63(),
            price: self.maybe(Self::int),
            quantity: self.maybe(Self::int),
        }
    }

    fn cancel(&mut self) -> CancelOrder<'static> {
        let id = self.maybe(|dice| dice.pick(&IDS)).unwrap_or("");
        CancelOrder { account: self.u32(), deadline: self.u63(), order_id: self.u63(), id }
    }

    fn member(&mut self) -> BatchMember<'static> {
        match self.below(3) {
            0 => BatchMember::Submit(self.submit()),
            1 => BatchMember::Amend(self.amend()),
            _ => BatchMember::Cancel(self.cancel()),
        }
    }

    /// Any command.
    pub fn command(&mut self) -> Command<'static> {
        match self.below(19) {
            0 => {
                Command::OpenVenue { hash_key: (u128::from(self.roll()) << 64 | u128::from(self.roll())).to_le_bytes() }
            }
            1 => Command::OpenEpoch { epoch: self.u63() },
            2 => Command::SubmitOrder(self.submit()),
            3 => Command::AmendOrder(self.amend()),
            4 => Command::CancelOrder(self.cancel()),
            5 => Command::CancelOrders(CancelOrders {
                account: self.u32(),
                deadline: self.u63(),
                instrument: self.u32(),
                side: self.maybe(Self::side),
                price_min: self.maybe(Self::int),
                price_max: self.maybe(Self::int),
            }),
            6 => {
                let count = self.below(101);
                let members = (0..count).map(|_| self.member()).collect();
                let id = self.maybe(|dice| dice.pick(&IDS)).unwrap_or("");
                let atomic = self.below(2) == 0;
                Command::Batch(Batch { account: self.u32(), id, deadline: self.u63(), atomic, members })
            }
            7 => Command::OpenAccount(OpenAccount {
                id: self.pick(&IDS),
                deadline: self.u63(),
                owner: self.u63(),
                group: self.u32(),
            }),
            8 => Command::ChangeAccount(ChangeAccount {
                account: self.u32(),
                deadline: self.u63(),
                status: self.maybe(|dice| dice.pick(&[AccountStatus::Active, AccountStatus::Suspended])),
                killed: self.maybe(|dice| dice.below(2) == 0),
                fee_tier: self.maybe(Self::u8),
                open_orders_max: self.maybe(Self::u32),
                stp: self.maybe(Self::stp),
            }),
            9 => Command::MoveCash(MoveCash {
                account: self.u32(),
                id: self.pick(&IDS),
                deadline: self.u63(),
                kind: self.pick(&[CashKind::Deposit, CashKind::Withdrawal, CashKind::Adjustment]),
                asset: self.u16(),
                amount: self.int(),
            }),
            10 => Command::RequestWithdrawal(RequestWithdrawal {
                account: self.u32(),
                id: self.pick(&IDS),
                deadline: self.u63(),
                asset: self.u16(),
                amount: self.int(),
            }),
            11 => Command::SettleWithdrawal(SettleWithdrawal {
                account: self.u32(),
                id: self.pick(&IDS),
                deadline: self.u63(),
                request: self.pick(&IDS),
                end: self.pick(&[WithdrawalEnd::Booked, WithdrawalEnd::Released]),
            }),
            12 => Command::ContinueCancels,
            _ => self.reference(),
        }
    }

    /// Limits and reference data.
    fn reference(&mut self) -> Command<'static> {
        match self.below(6) {
            0 => Command::SetPositionLimit(SetPositionLimit {
                account: self.u32(),
                deadline: self.u63(),
                instrument: self.u32(),
                limit: self.int(),
            }),
            1 => Command::ListAsset(ListAsset { deadline: self.u63(), symbol: self.pick(&IDS), scale: self.u8() }),
            2 => Command::ListInstrument(ListInstrument {
                deadline: self.u63(),
                symbol: self.pick(&IDS),
                kind: self.pick(&[InstrumentKind::Share, InstrumentKind::Coin, InstrumentKind::Etf]),
                base: self.u16(),
                quote: self.u16(),
                price_scale: self.u8(),
                tick_size: self.int(),
                lot_size: self.int(),
                quantity_min: self.int(),
                quantity_max: self.int(),
                notional_min: self.int(),
                band_ppm: self.u32(),
                slippage_ppm: self.u32(),
                reference_price: self.int(),
                maker_ppm: self.u32(),
                taker_ppm: self.u32(),
            }),
            3 => Command::ChangeInstrument(ChangeInstrument {
                deadline: self.u63(),
                instrument: self.u32(),
                status: self.maybe(|dice| dice.pick(&[InstrumentStatus::Continuous, InstrumentStatus::Halted])),
                tick_size: self.maybe(Self::int),
                lot_size: self.maybe(Self::int),
                quantity_min: self.maybe(Self::int),
                quantity_max: self.maybe(Self::int),
                notional_min: self.maybe(Self::int),
                band_ppm: self.maybe(Self::u32),
                slippage_ppm: self.maybe(Self::u32),
                reference_price: self.maybe(Self::int),
            }),
            4 => Command::SetFeeTier(SetFeeTier {
                deadline: self.u63(),
                instrument: self.u32(),
                tier: self.u8(),
                maker_ppm: self.u32(),
                taker_ppm: self.u32(),
            }),
            _ => Command::SetKillSwitch { deadline: self.u63(), on: self.below(2) == 0 },
        }
    }
}

/// Put parts behind their lengths.
pub fn frame<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        let part = part.as_ref();
        bytes.extend_from_slice(&u32::try_from(part.len()).expect("a short part").to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
