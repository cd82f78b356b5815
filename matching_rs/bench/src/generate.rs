//! Makes a standard flow: about half passive orders near the touch, two fifths cancels of live orders, a tenth orders that take
//! one to six resting orders inside their limit. The same parameters give the same bytes on every machine: integers only.

use crate::flow::{Action, Flow, Record, Tally};
use crate::naive::NaiveBook;

const CENTRE: i32 = 20_000;
const LOW: i32 = 12_000;
const HIGH: i32 = 28_000;

/// splitmix64: small, well spread, the same everywhere.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to `bound` - 1.
    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// How many tries of one in `odds` fail before one succeeds, at most `bound`: the discrete exponential.
    fn geometric(&mut self, odds: u32, bound: u32) -> u32 {
        (0..bound).find(|_| self.below(odds) == 0).unwrap_or(bound)
    }
}

/// Ticks between a passive order and the touch: near it nine times of ten, else with a long tail.
fn distance(random: &mut Random) -> i32 {
    let ticks = if random.below(10) < 9 {
        random.geometric(5, 60)
    } else {
        let doublings = random.geometric(2, 7);
        (4 << doublings) - random.below(2 << doublings)
    };
    ticks.min(400).cast_signed()
}

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// Books.
    pub symbols: u32,
    /// Timed messages.
    pub messages: usize,
    /// Live orders a book is steered to.
    pub live: u32,
    /// The same seed gives the same flow.
    pub seed: u64,
}

struct Generator {
    random: Random,
    books: Vec<NaiveBook>,
    records: Vec<Record>,
    tally: Tally,
}

impl Generator {
    fn push(&mut self, symbol: u32, id: u32, price: i32, quantity: u32, action: Action, buy: bool) {
        self.records.push(Record { symbol, id, price, quantity, action, buy });
    }

    fn add(&mut self, symbol: u32) {
        let buy = self.random.below(2) == 0;
        let (away, quantity) = (distance(&mut self.random), 1 + self.random.below(100));
        let book = &mut self.books[symbol as usize];
        let (own, other) = (book.best(buy), book.best(!buy));
        let step = if buy { -1 } else { 1 };
        let touch = other.map_or_else(|| own.unwrap_or(CENTRE + step), |price| price + step);
        let price = (touch + step * away).clamp(LOW, HIGH);
        // The clamp may push a price over the other side's best: step back behind it.
        let price = other.map_or(price, |best| if (best - price) * step >= 0 { best + step } else { price });
        let id = book.rest(buy, price, quantity);
        self.push(symbol, id, price, quantity, Action::Add, buy);
    }

    fn cancel(&mut self, symbol: u32) {
        let book = &mut self.books[symbol as usize];
        let live = book.live();
        let id = live[self.random.below(u32::try_from(live.len()).unwrap_or(u32::MAX)) as usize];
        let order = book.order(id);
        book.end(id);
        self.push(symbol, id, order.price, 0, Action::Cancel, order.buy);
    }

    /// An order that takes the first one to six of the other side; false when that side is empty.
    fn aggress(&mut self, symbol: u32) -> bool {
        let book = &mut self.books[symbol as usize];
        let middle = i32::midpoint(book.best(true).unwrap_or(CENTRE), book.best(false).unwrap_or(CENTRE));
        // Far from the centre the side that leads back is likelier, so prices stay in the band.
        let lean = (2_000 + CENTRE - middle).clamp(0, 4_000).cast_unsigned();
        let buy = self.random.below(4_000) < lean;
        let count = match self.random.below(20) {
            0..12 => 1,
            12..17 => 2,
            _ => 3 + self.random.below(4) as usize,
        };
        let makers = book.first(!buy, count);
        let Some(last) = makers.last().map(|id| book.order(*id)) else { return false };
        let mut quantity = makers.iter().map(|id| book.order(*id).leaves).sum::<u32>();
        if self.random.below(2) == 0 && last.leaves > 1 {
            quantity -= 1 + self.random.below(last.leaves - 1);
        }
        let slack = self.random.below(4).cast_signed();
        let limit = if buy { last.price + slack } else { last.price - slack };
        let taker = book.pass(buy, limit);
        let mut left = quantity;
        for maker in makers {
            let order = book.order(maker);
            let lots = left.min(order.leaves);
            left -= lots;
            book.fill(maker, lots);
            self.tally.add(symbol, maker, taker, u64::from(order.price.cast_unsigned()), u64::from(lots));
        }
        self.push(symbol, taker, limit, quantity, Action::Aggress, buy);
        true
    }

    fn step(&mut self, symbol: u32, target: u32) {
        if self.random.below(10) == 0 && self.aggress(symbol) {
            return;
        }
        // Proportional control: the fewer live orders, the likelier an add (of 10,000).
        let live = i64::try_from(self.books[symbol as usize].live().len()).unwrap_or(i64::MAX);
        let odds = 5_555 + 5_000 * (i64::from(target) - live) / i64::from(target.max(1));
        if live == 0 || i64::from(self.random.below(10_000)) < odds {
            self.add(symbol);
        } else {
            self.cancel(symbol);
        }
    }
}

/// Make a flow.
#[must_use]
pub fn generate(parameters: Parameters) -> Flow {
    let symbols = parameters.symbols.max(1);
    let mut generator = Generator {
        random: Random(parameters.seed),
        books: vec![NaiveBook::default(); symbols as usize],
        records: Vec::new(),
        tally: Tally::default(),
    };
    for symbol in 0..symbols {
        for _ in 0..parameters.live {
            generator.add(symbol);
        }
    }
    let prefill = generator.records.len();
    for _ in 0..parameters.messages {
        // The smaller of two draws: low symbols are busier, as on a real venue.
        let symbol = generator.random.below(symbols).min(generator.random.below(symbols));
        generator.step(symbol, parameters.live);
    }
    Flow {
        symbols,
        live: parameters.live,
        prefill,
        ids_max: generator.books.iter().map(|book| u64::from(book.next_id())).max().unwrap_or(1),
        prices: (i64::from(LOW) - 64, i64::from(HIGH) + 64),
        tally: generator.tally,
        records: generator.records,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_flow_and_it_survives_its_format() {
        let parameters = Parameters { symbols: 3, messages: 5_000, live: 200, seed: 7 };
        let flow = generate(parameters);
        assert_eq!(flow, generate(parameters));
        assert_eq!(Flow::parse(&flow.to_bytes()).expect("own bytes"), flow);
        assert!(flow.tally.trades > 300, "a tenth of the messages trade: {:?}", flow.tally);
    }

    #[test]
    fn bytes_that_are_no_flow_are_refused() {
        let bytes = generate(Parameters { symbols: 1, messages: 10, live: 5, seed: 1 }).to_bytes();
        for cut in [0, 7, 50, 104, bytes.len() - 1] {
            assert!(Flow::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
