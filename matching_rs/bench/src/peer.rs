//! A peer from the registry on the same flow: matchcore, a price-time book without accounts, risk or idempotency.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use matchcore::{
    CancelCmd, Command, CommandKind, CommandMeta, CommandOutcome, CommandReport, LimitOrder, NewOrder, OrderBook,
    OrderFlags, OrderId, OrderKind, Price, Quantity, QuantityPolicy, SequenceNumber, Side, SubmitCmd, TimeInForce,
    Timestamp,
};

use crate::flow::{Action, Flow, Record, Tally};

/// What a run over the timed part of a flow came out with.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Time of the timed records.
    pub elapsed: Duration,
    /// Over the whole flow, to be held against the flow's own.
    pub tally: Tally,
}

fn submit(record: &Record) -> CommandKind {
    let side = if record.buy { Side::Buy } else { Side::Sell };
    let quantity = QuantityPolicy::Standard { quantity: Quantity(u64::from(record.quantity)) };
    let price = Price(u64::from(record.price.cast_unsigned()));
    let flags = OrderFlags::new(side, false, TimeInForce::Gtc);
    CommandKind::Submit(SubmitCmd { order: NewOrder::Limit(LimitOrder::new(price, quantity, flags)) })
}

/// A flow in the peer's words. It names an order by the sequence number of its submission, which counts each book's commands from 0.
struct Script {
    commands: Vec<Command>,
    /// Per book, by sequence number: our number of the order submitted there.
    numbers: Vec<Vec<u32>>,
}

fn script(flow: &Flow) -> Script {
    let mut named = HashMap::new();
    let mut numbers = vec![Vec::new(); flow.symbols as usize];
    let mut commands = Vec::with_capacity(flow.records.len());
    for record in &flow.records {
        let book = &mut numbers[record.symbol as usize];
        let sequence = book.len() as u64;
        book.push(record.id);
        let key = (record.symbol, record.id);
        let kind = if record.action == Action::Cancel {
            let order_id = OrderId(named.get(&key).copied().unwrap_or(0));
            CommandKind::Cancel(CancelCmd { order_id, order_kind: OrderKind::Limit })
        } else {
            named.insert(key, sequence);
            submit(record)
        };
        let meta = CommandMeta { sequence_number: SequenceNumber(sequence), timestamp: Timestamp(sequence) };
        commands.push(Command { meta, kind });
    }
    Script { commands, numbers }
}

/// One trade as the peer tells it: the record that took, the order that rested, price, quantity.
type Trade = (Record, u64, u64, u64);

fn keep(trades: &mut Vec<Trade>, outcome: &CommandOutcome, taker: &Record) {
    let CommandOutcome::Applied(CommandReport::Submit(effects)) = outcome else { return };
    let found = effects.target_order().match_result().map_or(&[][..], |result| result.trades());
    trades.extend(found.iter().map(|trade| (*taker, trade.maker_order_id().0, trade.price().0, trade.quantity().0)));
}

fn tally(script: &Script, trades: &[Trade]) -> Tally {
    let mut tally = Tally::default();
    for &(taker, maker, price, quantity) in trades {
        let place = usize::try_from(maker).unwrap_or(usize::MAX);
        let maker = script.numbers[taker.symbol as usize].get(place).copied().unwrap_or(0);
        tally.add(taker.symbol, maker, taker.id, price, quantity);
    }
    tally
}

/// Run a flow through the peer; making the commands and counting the trades is not timed.
#[must_use]
pub fn run(flow: &Flow) -> Run {
    let script = script(flow);
    let mut books: Vec<OrderBook> = (0..flow.symbols).map(|symbol| OrderBook::new(&format!("S{symbol}"))).collect();
    let mut trades = Vec::with_capacity(usize::try_from(flow.tally.trades).unwrap_or(0));
    let mut step = |from: usize, to: usize| {
        for (command, record) in script.commands[from..to].iter().zip(&flow.records[from..to]) {
            let outcome = books[record.symbol as usize].execute(command);
            keep(&mut trades, &outcome, record);
        }
    };
    step(0, flow.prefill);
    let start = Instant::now();
    step(flow.prefill, flow.records.len());
    let elapsed = start.elapsed();
    Run { elapsed, tally: tally(&script, &trades) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Parameters, generate};

    #[test]
    fn the_peer_agrees_with_the_flow() {
        let flow = generate(Parameters { symbols: 2, messages: 20_000, live: 300, seed: 3 });
        assert_eq!(run(&flow).tally, flow.tally);
    }
}
