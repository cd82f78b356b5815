//! Orders, changes and money as an arbitrary venue sees them: small integers read as commands.
//!
//! A `Roll` names no price or order by itself, so a failing flow can be cut anywhere and shrunk in any number and
//! is still a flow.

use cift_core::codec::{Writer, encode_command};
use cift_core::command::{
    AccountStatus, AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, CashKind, ChangeAccount,
    ChangeInstrument, Command, InstrumentKind, InstrumentStatus, ListAsset, ListInstrument, MoveCash, OpenAccount,
    OrderType, RequestWithdrawal, SelfTradePrevention, SetFeeTier, SetPositionLimit, SettleWithdrawal, Side,
    SubmitOrder, TimeInForce, WithdrawalEnd,
};
use proptest::prelude::*;

use crate::naive::Naive;

pub const ACCOUNTS: u32 = 6;
pub const INSTRUMENTS: u32 = 3;
/// A price in the middle of each book, its tick and its lot.
const GRID: [(i64, i64, i64); 3] = [(10_000, 1, 1), (20_000, 100, 1_000_000), (700, 7, 3)];

/// One command, yet to be read.
#[derive(Clone, Copy, Debug)]
pub struct Roll {
    what: u8,
    n: [u16; 8],
}

pub fn rolls(length: usize) -> impl Strategy<Value = Vec<Roll>> {
    let roll = (0_u8..100, proptest::array::uniform8(0_u16..1_000)).prop_map(|(what, n)| Roll { what, n });
    proptest::collection::vec(roll, length)
}

/// Reads rolls; knows what was said before.
#[derive(Debug, Default)]
pub struct Reader {
    ids: u32,
    /// Commands that carry an id, to be said again.
    said: Vec<Vec<u8>>,
}

impl Roll {
    /// Which part of the flow a harness may vary besides the command.
    pub fn spare(self) -> u16 {
        self.n[7]
    }

    fn pick<T: Copy>(self, at: usize, from: &[T]) -> T {
        from[usize::from(self.n[at]) % from.len()]
    }

    fn one_in(self, at: usize, odds: u16) -> bool {
        self.n[at] % odds == odds - 1
    }

    /// One in ten names an account that is not there.
    fn account(self, at: usize) -> u32 {
        if self.n[at] > 990 { u32::from(self.n[at] % 4) * 5 } else { 3 + u32::from(self.n[at]) % ACCOUNTS }
    }

    fn instrument(self, at: usize) -> u32 {
        if self.n[at] > 990 { 9 } else { [1, 1, 1, 2, 3][usize::from(self.n[at] % 5)] }
    }

    fn side(self, at: usize) -> Side {
        self.pick(at, &[Side::Buy, Side::Sell])
    }

    fn stp(self, at: usize) -> Option<SelfTradePrevention> {
        use SelfTradePrevention::{CancelBoth, CancelNewest, CancelOldest, Decrement};
        self.pick(at, &[None, None, Some(CancelNewest), Some(CancelOldest), Some(CancelBoth), Some(Decrement)])
    }

    /// A price near the middle; now and then off the grid, far away or of the wrong sign.
    fn price(self, at: usize, instrument: u32) -> i64 {
        let (middle, tick, _) = GRID[instrument.clamp(1, INSTRUMENTS) as usize - 1];
        let n = i64::from(self.n[at]);
        match n {
            990.. => -tick,
            980.. => middle + 1,
            960.. => middle * 3,
            940.. => middle / 3 / tick * tick,
            _ => middle + (n % 13 - 6) * tick,
        }
    }

    fn quantity(self, at: usize, instrument: u32) -> i64 {
        let (_, _, lot) = GRID[instrument.clamp(1, INSTRUMENTS) as usize - 1];
        let n = i64::from(self.n[at]);
        match n {
            995.. => -lot,
            990.. => 0,
            980.. => lot + 1,
            975.. => i64::MAX / lot * lot,
            960.. => lot * 5_000,
            _ => lot * (1 + n % 12),
        }
    }

    fn deadline(self, at: usize, now: u64) -> u64 {
        match self.n[at] {
            990.. => now.saturating_sub(1),
            900.. => now + 1_000_000,
            _ => 0,
        }
    }
}

impl Reader {
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("id-{}", self.ids)
    }

    /// Read a roll as an encoded command.
    pub fn read(&mut self, roll: Roll, naive: &Naive, now: u64) -> Vec<u8> {
        let id = self.id();
        let mut writer = Writer::default();
        if roll.what >= 96
            && let Some(again) = self.said.get(usize::from(roll.n[0]) % self.said.len().max(1))
        {
            return again.clone();
        }
        let batch_id = format!("batch-{id}");
        encode_command(&mut writer, &Self::command(roll, (&id, &batch_id), naive, now));
        let bytes = writer.into_bytes();
        if roll.what < 96 && self.said.len() < 200 {
            self.said.push(bytes.clone());
        }
        bytes
    }

    fn command<'a>(roll: Roll, (id, batch_id): (&'a str, &'a str), naive: &'a Naive, now: u64) -> Command<'a> {
        match roll.what {
            0..55 => Command::SubmitOrder(submit(roll, id, now)),
            55..65 => Command::AmendOrder(amend(roll, naive)),
            65..77 => Command::CancelOrder(cancel(roll, naive)),
            77 if roll.one_in(6, 2) => Command::ContinueCancels,
            77..79 => Command::CancelOrders(CancelOrders {
                account: if roll.one_in(0, 9) { 0 } else { roll.account(0) },
                deadline: roll.deadline(1, now),
                instrument: roll.pick(2, &[0, 1, 2, 3]),
                side: roll.pick(3, &[None, Some(Side::Buy), Some(Side::Sell)]),
                price_min: roll.pick(4, &[None, None, Some(10_000)]),
                price_max: roll.pick(5, &[None, None, Some(10_003)]),
            }),
            79..84 => Command::Batch(batch(roll, (id, batch_id), naive, now)),
            84 | 85 if roll.one_in(6, 2) => withdrawal(roll, id, naive, now),
            84..90 => Command::MoveCash(MoveCash {
                account: if roll.one_in(0, 20) { 1 } else { roll.account(0) },
                id,
                deadline: roll.deadline(1, now),
                kind: roll.pick(2, &[CashKind::Deposit, CashKind::Deposit, CashKind::Withdrawal, CashKind::Adjustment]),
                asset: roll.pick(3, &[1, 1, 2, 3, 4, 5, 0]),
                amount: if roll.n[4] > 980 {
                    i64::MAX
                } else {
                    i64::from(roll.n[4]) * roll.pick(5, &[1, 100, 10_000, -1])
                },
            }),
            _ => administration(roll, id, now),
        }
    }
}

/// One that is asked for, or the end of one: more often of one that is there than of one that is not.
fn withdrawal<'a>(roll: Roll, id: &'a str, naive: &'a Naive, now: u64) -> Command<'a> {
    let deadline = roll.deadline(1, now);
    if roll.one_in(2, 2) {
        return Command::RequestWithdrawal(RequestWithdrawal {
            account: if roll.one_in(0, 20) { 1 } else { roll.account(0) },
            id: if roll.one_in(6, 9) { "again" } else { id },
            deadline,
            asset: roll.pick(3, &[1, 1, 1, 2, 3, 4, 5, 0]),
            amount: i64::from(roll.n[4]) * roll.pick(5, &[1, 1, 100, -1]),
        });
    }
    let (account, request) = match naive.withdrawal(roll.n[3].into()) {
        Some(found) if roll.n[4] < 900 => found,
        Some((_, request)) => (roll.account(0), request),
        None => (roll.account(0), "id-20"),
    };
    let end = roll.pick(5, &[WithdrawalEnd::Booked, WithdrawalEnd::Released]);
    Command::SettleWithdrawal(SettleWithdrawal { account, id, deadline, request, end })
}

fn submit(roll: Roll, id: &str, now: u64) -> SubmitOrder<'_> {
    let instrument = roll.instrument(1);
    let limit = roll.n[6] % 10 < 7;
    let by_quote = !limit && roll.one_in(5, 3);
    SubmitOrder {
        account: roll.account(0),
        id,
        deadline: roll.deadline(7, now),
        instrument,
        side: roll.side(2),
        order_type: if limit { OrderType::Limit } else { OrderType::Market },
        time_in_force: roll
            .pick(6, &[TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]),
        flags: u8::from(limit && roll.one_in(5, 6)),
        stp: roll.stp(5),
        price: if limit { roll.price(3, instrument) } else { 0 },
        quantity: if by_quote { 0 } else { roll.quantity(4, instrument) },
        quote_amount: if by_quote { i64::from(roll.n[3]) * roll.pick(4, &[1, 100, 1_000]) } else { 0 },
    }
}

/// An open order, more often one that is there than one that is not.
fn target(roll: Roll, at: usize, naive: &Naive) -> (u32, u64, u32) {
    let open: Vec<_> = (1..)
        .zip(&naive.instruments)
        .flat_map(|(number, instrument)| instrument.orders.iter().map(move |order| (order.account, order.id, number)))
        .collect();
    match open.get(usize::from(roll.n[at]) % (open.len() + 1)) {
        Some(&(account, id, number)) if roll.n[at] < 970 => (account, id, number),
        Some(&(_, id, number)) => (roll.account(0), id, number),
        None => (roll.account(0), u64::from(roll.n[at]) << 20, 1),
    }
}

fn amend(roll: Roll, naive: &Naive) -> AmendOrder {
    let (account, order_id, number) = target(roll, 1, naive);
    AmendOrder {
        account,
        deadline: 0,
        order_id,
        price: (!roll.one_in(2, 3)).then(|| roll.price(3, number)),
        quantity: (!roll.one_in(4, 3)).then(|| roll.quantity(5, number)),
    }
}

fn cancel(roll: Roll, naive: &Naive) -> CancelOrder<'static> {
    let (account, order_id, _) = target(roll, 1, naive);
    let by_id = roll.one_in(2, 4);
    CancelOrder {
        account,
        deadline: 0,
        order_id: if by_id { 0 } else { order_id },
        id: if by_id { "id-20" } else { "" },
    }
}

fn batch<'a>(roll: Roll, (id, batch_id): (&'a str, &'a str), naive: &Naive, now: u64) -> Batch<'a> {
    let account = 3 + u32::from(roll.n[0]) % ACCOUNTS;
    let turned = |by: usize| {
        let mut turned = roll;
        turned.n.rotate_left(by);
        turned
    };
    let own = |found: (u32, u64, u32)| if found.0 == account { found.1 } else { 7 << 20 };
    let mut members = Vec::new();
    for place in 1..=usize::from(roll.n[1] % 4) {
        let turned = turned(place);
        members.push(match turned.n[0] % 4 {
            // One id serves the whole command, so a second order is a duplicate or an other payload.
            0 | 1 => BatchMember::Submit(SubmitOrder {
                account,
                id: &id[..id.len() - usize::from(turned.n[1] % 2)],
                ..submit(turned, id, now)
            }),
            2 => BatchMember::Amend(AmendOrder {
                account,
                order_id: own(target(turned, 1, naive)),
                ..amend(turned, naive)
            }),
            _ => BatchMember::Cancel(CancelOrder {
                account,
                deadline: 0,
                order_id: own(target(turned, 1, naive)),
                id: "",
            }),
        });
    }
    if roll.n[2] > 980 {
        members.push(BatchMember::Cancel(CancelOrder { account: account + 1, deadline: 0, order_id: 1, id: "" }));
    }
    let atomic = roll.one_in(4, 2);
    // Some of the batches have ids: of their own, an older one's, or one that is a member's too.
    let own = match roll.n[6] {
        _ if !atomic && roll.n[6] < 950 => "",
        ..200 => "again",
        200..500 => batch_id,
        500..540 => id,
        _ => "",
    };
    Batch { account, id: own, deadline: roll.deadline(3, now), atomic, members }
}

/// What operators do.
fn administration(roll: Roll, id: &str, now: u64) -> Command<'_> {
    let maybe = |at: usize| roll.one_in(at, 4);
    match (roll.what, roll.n[0] % 4) {
        (90 | 91, _) => Command::ChangeAccount(ChangeAccount {
            account: roll.account(1),
            deadline: roll.deadline(2, now),
            status: maybe(3)
                .then(|| roll.pick(4, &[AccountStatus::Active, AccountStatus::Active, AccountStatus::Suspended])),
            killed: maybe(4).then(|| roll.one_in(5, 4)),
            fee_tier: maybe(5).then(|| roll.pick(6, &[0, 1, 2, 15, 16])),
            open_orders_max: maybe(6).then(|| roll.pick(7, &[2, 10, 100])),
            stp: if maybe(7) { roll.stp(3) } else { None },
        }),
        (92, 0) => Command::SetKillSwitch { deadline: roll.deadline(1, now), on: roll.one_in(2, 5) },
        (92, _) | (93, 0) => Command::SetPositionLimit(SetPositionLimit {
            account: roll.account(1),
            deadline: roll.deadline(2, now),
            instrument: roll.instrument(3),
            limit: i64::from(roll.n[4]) * roll.pick(5, &[0, 0, 1, 1_000_000, -1]),
        }),
        (93, _) => Command::ChangeInstrument(ChangeInstrument {
            instrument: roll.instrument(1),
            deadline: roll.deadline(2, now),
            status: maybe(3).then(|| {
                roll.pick(
                    4,
                    &[
                        InstrumentStatus::Continuous,
                        InstrumentStatus::Continuous,
                        InstrumentStatus::Halted,
                        InstrumentStatus::CancelOnly,
                    ],
                )
            }),
            tick_size: (roll.n[4] > 950).then_some(1),
            lot_size: (roll.n[5] > 980).then_some(1),
            quantity_min: maybe(5).then(|| roll.pick(6, &[0, 5, -1])),
            quantity_max: maybe(6).then(|| roll.pick(7, &[1_000_000_000, 30, 0])),
            notional_min: maybe(7).then(|| roll.pick(3, &[0, 5, 100])),
            band_ppm: maybe(2).then(|| roll.pick(4, &[0, 1_000, 500_000])),
            slippage_ppm: maybe(4).then(|| roll.pick(5, &[0, 200, 900_000, 1_500_000])),
            reference_price: maybe(1).then(|| roll.pick(2, &[0, 10_000, 700])),
        }),
        (94, 0 | 1) => Command::SetFeeTier(SetFeeTier {
            deadline: roll.deadline(1, now),
            instrument: roll.instrument(2),
            tier: roll.pick(3, &[0, 1, 2, 16]),
            maker_ppm: roll.pick(4, &[0, 100, 333_333, 1_000_001]),
            taker_ppm: roll.pick(5, &[0, 250, 2_500, 666_667]),
        }),
        (94, 2) => Command::OpenEpoch { epoch: u64::from(roll.n[1] % 20) },
        (94, _) => Command::OpenVenue { hash_key: [9; 16] },
        (95, 0) => Command::ListAsset(ListAsset {
            deadline: 0,
            symbol: roll.pick(1, &["USD", "X", "", "two words", "Y-Z"]),
            scale: roll.pick(2, &[0, 12, 13]),
        }),
        (95, 1) => Command::ListInstrument(listing(roll)),
        _ => Command::OpenAccount(OpenAccount {
            id,
            deadline: roll.deadline(1, now),
            owner: u64::from(roll.n[2]),
            group: u32::from(roll.n[3] % 3),
        }),
    }
}

fn listing(roll: Roll) -> ListInstrument<'static> {
    ListInstrument {
        deadline: 0,
        symbol: roll.pick(1, &["A-USD", "X-USD", ""]),
        kind: InstrumentKind::Share,
        base: roll.pick(2, &[2, 3, 9]),
        quote: roll.pick(3, &[1, 1, 2]),
        price_scale: roll.pick(4, &[2, 4, 13]),
        tick_size: roll.pick(5, &[1, 10, 0]),
        lot_size: roll.pick(6, &[1, 100_000_000]),
        quantity_min: 0,
        quantity_max: 1_000_000,
        notional_min: 0,
        band_ppm: 0,
        slippage_ppm: 0,
        reference_price: 0,
        maker_ppm: 0,
        taker_ppm: roll.pick(7, &[0, 1_000_001]),
    }
}

/// A venue with six funded accounts, two of one group, and three instruments of different scales.
pub fn opening() -> Vec<Vec<u8>> {
    let mut commands = vec![Command::OpenVenue { hash_key: [7; 16] }, Command::OpenEpoch { epoch: 1 }];
    for (symbol, scale) in [("USD", 2), ("SHARE", 0), ("COIN", 8), ("TOKEN", 6), ("BOND", 0)] {
        commands.push(Command::ListAsset(ListAsset { deadline: 0, symbol, scale }));
    }
    let pairs = [("SHARE-USD", 2, 1), ("COIN-USD", 3, 1), ("BOND-TOKEN", 5, 4)];
    for ((symbol, base, quote), (_, tick_size, lot_size)) in pairs.into_iter().zip(GRID) {
        commands.push(Command::ListInstrument(ListInstrument {
            deadline: 0,
            symbol,
            kind: InstrumentKind::Share,
            base,
            quote,
            price_scale: 2,
            tick_size,
            lot_size,
            quantity_min: 0,
            quantity_max: i64::MAX,
            notional_min: 0,
            band_ppm: 0,
            slippage_ppm: 0,
            reference_price: 0,
            maker_ppm: 1_000,
            taker_ppm: 2_500,
        }));
    }
    let ids: Vec<String> = (0..ACCOUNTS).map(|account| format!("open-{account}")).collect();
    for (id, group) in ids.iter().zip([0, 0, 5, 5, 0, 0]) {
        commands.push(Command::OpenAccount(OpenAccount { id, deadline: 0, owner: 1, group }));
    }
    for account in 3..3 + ACCOUNTS {
        for (asset, amount, id) in [
            (1, 3_000_000, "usd"),
            (2, 300, "share"),
            (3, 300_000_000, "coin"),
            (4, 40_000_000_000, "token"),
            (5, 400, "bond"),
        ] {
            let kind = CashKind::Deposit;
            commands.push(Command::MoveCash(MoveCash { account, id, deadline: 0, kind, asset, amount }));
        }
    }
    commands
        .iter()
        .map(|command| {
            let mut writer = Writer::default();
            encode_command(&mut writer, command);
            writer.into_bytes()
        })
        .collect()
}
