//! What each account has in the table of ids: its ended ones in a queue, and whether they are more than its share.

use crate::shares::Shares;

/// One account's ended ids.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holder {
    /// The entry that ended first; 0: none.
    pub first: u32,
    /// The entry that ended last.
    pub last: u32,
    /// How many there are.
    pub ended: u32,
    /// From when on the first may be past its window, in steps that are rounded up: it or one before it is then.
    pub due: u32,
}

const _: () = assert!(size_of::<Holder>() == 16);

/// All accounts that have ids, account 0 too, under which accounts are opened.
#[derive(Clone, Debug)]
pub(super) struct Holders {
    list: Vec<Holder>,
    pub shares: Shares,
    /// A bit for each account that has more than its share.
    over: Vec<u64>,
    /// How many ids have ended.
    pub ended: u32,
}

impl Holders {
    pub const fn new(ids: u32) -> Self {
        Self { list: Vec::new(), shares: Shares::new(ids), over: Vec::new(), ended: 0 }
    }

    /// Divide the table among so many accounts.
    pub fn divide(&mut self, accounts: u32) {
        self.list.resize(accounts as usize, Holder::default());
        self.over.resize(self.list.len().div_ceil(64), 0);
        if !self.shares.divide(accounts) {
            return;
        }
        self.over.fill(0);
        for (account, holder) in self.list.iter().enumerate() {
            self.shares.count(holder.ended);
            let over = holder.ended > self.shares.each();
            self.over[account / 64] |= u64::from(over) << (account % 64);
        }
    }

    pub fn count(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    #[inline]
    pub fn get(&self, account: u32) -> Option<&Holder> {
        self.list.get(account as usize)
    }

    /// The entry of an account's that ended first, if any has.
    #[inline]
    pub fn first(&self, account: u32) -> Option<u32> {
        self.get(account).map(|holder| holder.first).filter(|&first| first != 0)
    }

    /// Set from when on an account's first is past its window.
    pub fn set_due(&mut self, account: u32, due: u32) {
        if let Some(holder) = self.list.get_mut(account as usize) {
            holder.due = due;
        }
    }

    /// One more of an account's has ended; returns the account's queue.
    #[inline]
    pub fn add(&mut self, account: u32) -> &mut Holder {
        let holder = &mut self.list[account as usize];
        if self.shares.add(holder.ended) {
            self.over[account as usize / 64] |= 1 << (account % 64);
        }
        holder.ended += 1;
        self.ended += 1;
        holder
    }

    /// One of an account's ended ones leaves; returns the account's queue.
    #[inline]
    pub fn take(&mut self, account: u32) -> &mut Holder {
        let holder = &mut self.list[account as usize];
        holder.ended -= 1;
        self.ended -= 1;
        if self.shares.take(holder.ended) {
            self.over[account as usize / 64] &= !(1 << (account % 64));
        }
        holder
    }

    /// An account has more than its share.
    #[inline]
    pub fn is_over(&self, account: u32) -> bool {
        self.get(account).is_some_and(|holder| holder.ended > self.shares.each())
    }

    /// The first account from one on, and around, that has more than its share.
    pub fn next_over(&self, from: u32) -> Option<u32> {
        let words = self.over.len();
        let (start, below) = (from as usize / 64, (1 << (from % 64)) - 1);
        let first = self.over.get(start)? & !below;
        let others = (1..=words).map(|step| (start + step) % words);
        let mut all = std::iter::once((start, first)).chain(others.map(|place| (place, self.over[place])));
        let (place, word) = all.find(|&(_, word)| word != 0)?;
        u32::try_from(place * 64).ok().map(|number| number + word.trailing_zeros())
    }

    pub const fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<Holder>() + self.over.capacity() * size_of::<u64>()
    }
}
