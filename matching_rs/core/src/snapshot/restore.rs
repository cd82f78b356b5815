//! An engine from the bytes of a snapshot: every figure is checked before it is used, so no bytes can do harm.

use super::bytes::Reader;
use super::format::{MAGIC, SnapshotError};
use crate::book::order::{INSTRUMENTS_MAX, NewOrder};
use crate::book::pool::{Pool, sequence_of, slot_of};
use crate::book::ticks::TICKS_MAX;
use crate::command::{AccountStatus, InstrumentKind, InstrumentStatus, SelfTradePrevention, Side};
use crate::engine::{Config, ENGINE_VERSION, Engine};
use crate::ids::valid::id_is_valid;
use crate::instrument::{Asset, Identity, Market, Rules, SCALE_MAX, asset_symbol_is_valid};
use crate::mass_cancel::{MassCancel, Scope};
use crate::money::account::{EXTERNAL, Standing, TIERS};
use crate::money::fees::{RATE_MAX, Rates, Traded};
use crate::money::withdrawals::{WITHDRAWALS_MAX, Withdrawal};
use crate::places::Places;
use crate::reference::Reference;

const HASH_BYTES: usize = 32;

/// No sequence comes near this; what does is refused, so that counting on cannot overflow.
const SEQUENCE_MAX: u64 = 1 << 43;

/// Least bytes of each kind of item, so that a false count cannot ask for memory.
mod size {
    pub const ASSET: usize = 2;
    pub const MARKET: usize = 216;
    pub const ACCOUNT: usize = 36;
    pub const BALANCE: usize = 10;
    pub const POSITION: usize = 44;
    pub const SLOT: usize = 4;
    pub const ID: usize = 40;
    pub const ORDER: usize = 107;
    pub const WITHDRAWAL: usize = 24;
    pub const MASS_CANCEL: usize = 47;
}

impl Engine {
    /// Make an engine from a snapshot.
    ///
    /// # Errors
    /// `SnapshotError` when the bytes are not a whole, valid state of this version.
    pub fn restore(bytes: &[u8], config: Config) -> Result<Self, SnapshotError> {
        let split = bytes.len().checked_sub(HASH_BYTES).ok_or(SnapshotError::Damaged)?;
        let (state, hash) = bytes.split_at(split);
        if blake3::hash(state).as_bytes() != hash {
            return Err(SnapshotError::Damaged);
        }
        let mut r = Reader(state);
        if r.array() != Some(MAGIC) {
            return Err(SnapshotError::Damaged);
        }
        match r.u32() {
            Some(ENGINE_VERSION) => {}
            Some(version) => return Err(SnapshotError::Version(version)),
            None => return Err(SnapshotError::Damaged),
        }
        let mut engine = Self::new(config);
        let whole = engine.read_state(&mut r).filter(|()| r.0.is_empty());
        let valid = whole.is_some_and(|()| engine.validate().is_ok());
        if valid { Ok(engine) } else { Err(SnapshotError::Damaged) }
    }

    fn read_state(&mut self, r: &mut Reader<'_>) -> Option<()> {
        self.shared.sequence = r.u64().filter(|&sequence| sequence <= SEQUENCE_MAX)?;
        self.epoch = r.u64()?;
        self.killed = r.flag()?;
        self.shared.ids.set_hash_key(r.array()?);
        for _ in 0..r.count(size::ASSET)? {
            let symbol = r.text().filter(|symbol| asset_symbol_is_valid(symbol))?;
            let scale = r.u8().filter(|&scale| scale <= SCALE_MAX)?;
            self.assets.push(Asset { symbol: symbol.into(), scale });
        }
        for _ in 0..r.count(size::MARKET)? {
            let market = self.read_market(r)?;
            self.markets.push(market);
        }
        for _ in 0..r.count(size::ACCOUNT)? {
            self.read_account(r)?;
        }
        // Opening the venue makes two at once.
        if self.shared.accounts.len() == 1 {
            return None;
        }
        self.divide();
        let high = r.u32()?;
        let free: Option<Vec<u32>> = (0..r.count(size::SLOT)?).map(|_| r.u32()).collect();
        self.shared.pool = Pool::rebuild(self.config.resting_max() + 1, high, &free?)?;
        let turn = r.u32()?;
        if !self.shared.ids.set_turn(turn) {
            return None;
        }
        let mut last = 0;
        for _ in 0..r.count(size::ID)? {
            let account = r.u32().filter(|&account| account >= last)?;
            self.shared.ids.put_back_ended(account, &r.array()?)?;
            last = account;
        }
        for place in 0..self.markets.len() {
            for _ in 0..r.count(size::ORDER)? {
                self.read_order(r, place)?;
            }
        }
        self.read_withdrawals(r)?;
        for _ in 0..r.count(size::MASS_CANCEL)? {
            self.mass_cancels.push_back(read_mass_cancel(r)?);
        }
        self.forget_changes();
        Some(())
    }

    fn read_market(&self, r: &mut Reader<'_>) -> Option<Market> {
        let symbol = r.text()?;
        let kind = match r.u8()? {
            0 => InstrumentKind::Share,
            1 => InstrumentKind::Coin,
            2 => InstrumentKind::Etf,
            _ => return None,
        };
        let (base, quote, price_scale) = (r.u16()?, r.u16()?, r.u8()?);
        let scale = |asset: u16| self.assets.get(usize::from(asset).checked_sub(1)?).map(|asset| asset.scale);
        let exponent = i16::from(scale(quote)?) - i16::from(price_scale) - i16::from(scale(base)?);
        let exponent = i8::try_from(exponent).ok()?;
        let identity = Identity { symbol: symbol.into(), kind, base, quote, price_scale, exponent };
        let rules = read_rules(r)?;
        let sequence = r.u64().filter(|&sequence| sequence <= SEQUENCE_MAX)?;
        let last_price = r.i64()?;
        let reference = Reference::read(r.array()?).filter(|reference| reference.price() == rules.reference_price)?;
        let mut fees = [None; TIERS as usize];
        for tier in &mut fees {
            let (set, rates) = (r.flag()?, Rates { maker: r.u32()?, taker: r.u32()? });
            *tier = set.then_some(rates);
        }
        let number = u32::try_from(self.markets.len() + 1).ok().filter(|&number| number < INSTRUMENTS_MAX)?;
        let mut market = Market::assemble(number, identity, rules, fees)?;
        (market.sequence, market.told, market.last_price) = (sequence, sequence, last_price);
        market.reference = reference;
        Some(market)
    }

    fn read_account(&mut self, r: &mut Reader<'_>) -> Option<()> {
        let sequence = r.u64().filter(|&sequence| sequence <= SEQUENCE_MAX)?;
        let (owner, group) = (r.u64()?, r.u32()?);
        let number = self.shared.accounts.open(owner, group)?;
        let account = self.shared.accounts.at_mut(number);
        account.sequence = sequence;
        account.open_orders_max = r.u32()?;
        let status = match r.u8()? {
            0 => AccountStatus::Active,
            1 => AccountStatus::Suspended,
            _ => return None,
        };
        account.standing = Standing::new(status, r.flag()?);
        account.fee_tier = r.u8().filter(|&tier| tier < TIERS)?;
        account.stp = read_stp(r)?;
        for _ in 0..r.count(size::BALANCE)? {
            let (asset, total) = (r.u16()?, r.i64()?);
            let listed = asset > 0 && usize::from(asset) <= self.assets.len();
            let sound = if number == EXTERNAL { total < 0 && total > i64::MIN } else { total > 0 };
            if !listed || !sound {
                return None;
            }
            self.shared.accounts.balance_mut(number, asset).total = total;
        }
        for _ in 0..r.count(size::POSITION)? {
            let instrument = r.u32()?;
            if instrument == 0 || instrument as usize > self.markets.len() {
                return None;
            }
            let quantity = r.i64().filter(|&quantity| quantity > i64::MIN)?;
            let volume = &mut self.markets[instrument as usize - 1].volume;
            *volume = volume.saturating_add(quantity.saturating_abs());
            let (position, exposure) = self.shared.accounts.position_mut(number, instrument);
            position.quantity = quantity;
            position.cost = r.i64()?;
            position.realised = r.i64()?;
            position.fees = r.i64()?;
            exposure.limit = r.i64().filter(|&limit| limit >= 0)?;
            let limited = exposure.limit > 0;
            self.shared.accounts.at_mut(number).limited |= limited;
        }
        Some(())
    }

    /// Read an order into its slot and its book.
    fn read_order(&mut self, r: &mut Reader<'_>, place: usize) -> Option<()> {
        let order_id = r.u64().filter(|&id| sequence_of(id) <= self.shared.sequence)?;
        let account = r.u32().filter(|&account| self.shared.accounts.user(account).is_some())?;
        let side = if r.flag()? { Side::Sell } else { Side::Buy };
        let (price, quantity, leaves, reduced) = (r.i64()?, r.i64()?, r.i64()?, r.i64()?);
        let traded = Traded { filled: r.i64()?, taken: r.i64()? };
        let rates = Rates { maker: r.u32()?, taker: r.u32()? };
        let (post_only, stp) = (r.flag()?, read_stp(r)?);
        let market = &self.markets[place];
        let sound = (1..=TICKS_MAX).contains(&price)
            && leaves > 0
            && leaves <= quantity
            && (0..=quantity - leaves).contains(&reduced)
            && quantity.checked_mul(market.rules.lot_size).is_some()
            && (0..=traded.filled).contains(&traded.taken)
            && rates.highest() <= RATE_MAX
            && market.has_room(side, price, leaves.into(), 0)
            && !market.book.crosses(side, price);
        let open = market.notional(price, leaves)?;
        // A sell holds what it sells, whatever it would take in.
        if side == Side::Buy {
            traded.hold(open, rates)?;
        }
        let slot = slot_of(order_id);
        if !sound
            || slot > self.shared.pool.high()
            || self.shared.pool.order(slot).order_id != 0
            || self.shared.pool.is_free(slot)
        {
            return None;
        }
        let id = self.shared.ids.put_back_open(&r.array()?)?;
        if self.shared.ids.get(id).answer().order_id != order_id {
            return None;
        }
        let new = NewOrder {
            order_id,
            account,
            instrument: market.number,
            side,
            post_only,
            stp,
            rates,
            price,
            quantity,
            leaves,
            traded,
            id,
        };
        self.shared.pool.place(slot, &new);
        self.shared.pool.reduced_set(slot, reduced);
        let market = &mut self.markets[place];
        let held = self.shared.held(market, slot, leaves);
        let owner = self.shared.accounts.at(account);
        let balance = self.shared.accounts.balance(owner, market.paying(side));
        if held > balance.free() {
            return None;
        }
        self.shared.count_order(market, account);
        self.shared.rest(market, slot, held);
        Some(())
    }

    /// Read the open withdrawals; accounts, balances and orders are read already.
    fn read_withdrawals(&mut self, r: &mut Reader<'_>) -> Option<()> {
        let count = r.count(size::WITHDRAWAL).filter(|&count| count <= WITHDRAWALS_MAX as usize)?;
        for _ in 0..count {
            let (account, id, asset) = (r.u32()?, r.text()?, r.u16()?);
            let amount = r.i64().filter(|&amount| amount > 0)?;
            let sequence = r.u64().filter(|sequence| (1..=self.shared.sequence).contains(sequence))?;
            let rising = self.withdrawals.last().is_none_or(|last| last < (account, id));
            let listed = asset > 0 && usize::from(asset) <= self.assets.len();
            if !rising || !listed || !id_is_valid(id) || !self.shared.accounts.moves_money(account) {
                return None;
            }
            let balance = self.shared.accounts.balance_mut(account, asset);
            balance.held = balance.held.checked_add(amount)?;
            self.withdrawals.insert(account, id, Withdrawal { asset, amount, sequence });
        }
        Some(())
    }

    /// Nothing is to be told of a state just read.
    fn forget_changes(&mut self) {
        self.shared.accounts.forget_changes();
        for market in &mut self.markets {
            market.drain(Side::Buy, &mut Places::default(), &mut Vec::new());
            market.drain(Side::Sell, &mut Places::default(), &mut Vec::new());
        }
    }
}

fn read_rules(r: &mut Reader<'_>) -> Option<Rules> {
    let status = match r.u8()? {
        0 => InstrumentStatus::Continuous,
        1 => InstrumentStatus::CancelOnly,
        2 => InstrumentStatus::Halted,
        _ => return None,
    };
    Some(Rules {
        status,
        tick_size: r.i64()?,
        lot_size: r.i64()?,
        quantity_min: r.i64()?,
        quantity_max: r.i64()?,
        notional_min: r.i64()?,
        band_ppm: r.u32()?,
        slippage_ppm: r.u32()?,
        reference_price: r.i64()?,
    })
}

/// Read a mass cancel; whether it fits the shard is looked at with the rest of the state.
fn read_mass_cancel(r: &mut Reader<'_>) -> Option<MassCancel> {
    let (account, instrument) = (r.u32()?, r.u32()?);
    let side = match r.u8()? {
        0 => Some(Side::Buy),
        1 => Some(Side::Sell),
        2 => None,
        _ => return None,
    };
    let mut bound = || {
        let (is_there, price) = (r.flag()?, r.i64()?);
        if is_there { Some(Some(price)) } else { (price == 0).then_some(None) }
    };
    let scope = Scope { account, instrument, side, price_min: bound()?, price_max: bound()? };
    Some(MassCancel { scope, until: r.u64()?, high: r.u32()?, next: r.u32()?, left: r.u32()? })
}

fn read_stp(r: &mut Reader<'_>) -> Option<SelfTradePrevention> {
    match r.u8()? {
        1 => Some(SelfTradePrevention::CancelNewest),
        2 => Some(SelfTradePrevention::CancelOldest),
        3 => Some(SelfTradePrevention::CancelBoth),
        4 => Some(SelfTradePrevention::Decrement),
        _ => None,
    }
}
