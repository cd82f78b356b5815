//! The tables a projector writes, in memory: what `Projector::pack` gives, applied as the database does.

use std::collections::BTreeMap;

use serde_json::Value;

type Row = Vec<Value>;
type Table = BTreeMap<Vec<i64>, Row>;

/// Columns of an order as it is entered.
pub mod order {
    pub const ID: usize = 0;
    pub const ACCOUNT: usize = 1;
    pub const PRICE: usize = 9;
    pub const QUANTITY: usize = 10;
    pub const QUOTE_AMOUNT: usize = 11;
    pub const STATUS: usize = 12;
    pub const FILLED: usize = 13;
    pub const CANCELED: usize = 14;
    pub const LEAVES: usize = 15;
    pub const FILLED_NOTIONAL: usize = 16;
    pub const FEE: usize = 17;
    pub const REASON: usize = 18;
    pub const UPDATED_AT: usize = 21;
}

/// Every table by its primary key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    pub orders: Table,
    pub fills: Table,
    pub ledger: Table,
    pub balances: Table,
    pub positions: Table,
    pub accounts: Table,
    pub assets: Table,
    pub instruments: Table,
    pub fee_tiers: Table,
    pub position_limits: Table,
    pub withdrawals: Table,
    pub venue: Vec<Row>,
    pub last: Vec<Row>,
}

pub fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number of a signed column"))
}

fn key(row: &Row, columns: usize) -> Vec<i64> {
    row[..columns].iter().map(int).collect()
}

fn insert(table: &mut Table, rows: Vec<Row>, columns: usize) {
    for row in rows {
        let key = key(&row, columns);
        assert!(table.insert(key, row.clone()).is_none(), "{row:?} is there already");
    }
}

fn upsert(table: &mut Table, rows: Vec<Row>, columns: usize) {
    table.extend(rows.into_iter().map(|row| (key(&row, columns), row)));
}

/// Put values over those of a row, but nil, which keeps what is there.
fn update(row: &mut Row, first: usize, values: &[Value]) {
    for (column, value) in row[first..].iter_mut().zip(values) {
        if !value.is_null() {
            *column = value.clone();
        }
    }
}

fn add(row: &mut Row, column: usize, value: &Value) {
    row[column] = (int(&row[column]) + int(value)).into();
}

impl Tables {
    /// Write what one call of the projector gave.
    pub fn write(&mut self, packed: &[u8]) {
        let lists: Vec<Vec<Row>> = rmp_serde::from_slice(packed).expect("lists of rows");
        let [
            orders_new,
            orders_changed,
            fills,
            ledger,
            balances,
            positions,
            accounts_new,
            accounts_changed,
            assets,
            instruments,
            instruments_changed,
            fee_tiers,
            position_limits,
            withdrawals_new,
            withdrawals_changed,
            venue,
            last,
        ]: [Vec<Row>; 17] = lists.try_into().expect("17 lists");
        insert(&mut self.orders, orders_new, 1);
        for change in orders_changed {
            self.change_order(&change);
        }
        insert(&mut self.fills, fills, 1);
        insert(&mut self.ledger, ledger, 2);
        upsert(&mut self.balances, balances, 2);
        upsert(&mut self.positions, positions, 2);
        insert(&mut self.accounts, accounts_new, 1);
        for change in accounts_changed {
            let row = self.accounts.get_mut(&key(&change, 1)).expect("an account");
            update(row, 3, &change[1..6]);
            row[9] = change[6].clone();
        }
        insert(&mut self.assets, assets, 1);
        insert(&mut self.instruments, instruments, 1);
        for change in instruments_changed {
            let row = self.instruments.get_mut(&key(&change, 1)).expect("an instrument");
            update(row, 16, &change[1..2]);
            update(row, 6, &change[2..]);
        }
        upsert(&mut self.fee_tiers, fee_tiers, 2);
        upsert(&mut self.position_limits, position_limits, 2);
        insert(&mut self.withdrawals, withdrawals_new, 1);
        for change in withdrawals_changed {
            let row = self.withdrawals.get_mut(&key(&change, 1)).expect("a withdrawal asked for before");
            update(row, 5, &change[1..2]);
            update(row, 7, &change[2..]);
        }
        if !venue.is_empty() {
            self.venue = venue;
        }
        self.last = last;
    }

    fn change_order(&mut self, change: &Row) {
        let row = self.orders.get_mut(&key(change, 1)).expect("an order entered before");
        update(row, order::PRICE, &change[1..3]);
        update(row, order::STATUS, &change[3..4]);
        add(row, order::FILLED, &change[4]);
        add(row, order::CANCELED, &change[5]);
        update(row, order::LEAVES, &change[6..9]);
        update(row, order::REASON, &change[9..11]);
        update(row, order::UPDATED_AT, &change[11..]);
    }
}
