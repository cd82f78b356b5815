//! The ids clients gave their commands, each remembered while its order is open and for a window after.
//!
//! An entry is 28 bytes in chunks that never move: 96 bits of the id's `SipHash` under the venue's secret key, 64 bits of
//! its payload's, and the first answer. Apart from it 8 bytes hold when its order ended and which of the account's ended
//! next, so that each account's ended ids are a queue and ending an order does not touch an entry long out of cache.
//!
//! Half of the table is divided among the accounts. An account's last ids, as many as its share, never leave for others'.
//! Where the table is full and an id comes, one leaves: first one past its window, looked for with one account in turn;
//! else the oldest of the account it comes from, if that has more than its share; else the oldest of the next in turn that
//! has. Only when none has more is an id refused. Looking an id up makes none leave that is not past its window, so
//! what is refused before it is inserted costs nobody anything.

use super::entry::{Answer, Entry, Slab};
use super::holders::Holders;
use super::index::{ENTRIES, Index, Key, Probe, Vacancy};
use super::sip::Sip;
use crate::bits::low32;

/// The most ids a table can hold.
pub(crate) const IDS_MAX: u32 = ENTRIES - 1;

/// Of an end, the bits that hold the entry that ended next; above them is its time.
pub(super) const ENTRY_BITS: u32 = 22;
/// End times are kept in steps of 2²⁰ ns, rounded up: an id is never forgotten early.
pub(super) const END_SHIFT: u32 = 20;
pub(super) const END_MAX: u64 = (1 << (64 - ENTRY_BITS)) - 1;
/// Whether an account's oldest is past its window is asked in steps of 2³¹ ns.
const DUE_SHIFT: u32 = 31;
/// Ids past their window that leave with each that ends: more than come in, so age is no backlog; few, so none waits long.
const FORGOTTEN_AT_ONCE: u32 = 2;
/// The same when an id past its window comes again: behind more of its account's, it counts as remembered a while longer.
pub(super) const FORGOTTEN_MAX: u32 = 2_048;

/// Where a new id is to be remembered, until the table changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(super) key: Key,
    pub(super) vacancy: Vacancy,
}

/// What the table says about an id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recognised {
    /// It is new; there is or will be room for it.
    New(Seat),
    /// It was seen: the entry.
    Seen(u32),
    /// It is new, and no remembered id may leave for it.
    Full,
}

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    sip: Sip,
    pub(super) slab: Slab,
    index: Index,
    pub(super) holders: Holders,
    pub(super) count: u32,
    pub(super) max: u32,
    window: u64,
    /// The account that is asked next for one past its window.
    pub(super) turn: u32,
}

fn due_step(at: u64) -> u32 {
    u32::try_from(at >> DUE_SHIFT).unwrap_or(u32::MAX)
}

/// From when on an end is past the window.
fn due_of(end: u64, window: u64) -> u32 {
    due_step((end << END_SHIFT).saturating_add(window)).saturating_add(1)
}

impl Ids {
    /// Make an empty table for at most `max` ids, each kept for `window` ns after its end.
    pub fn new(max: u32, window: u64) -> Self {
        let max = max.min(IDS_MAX);
        Self {
            sip: Sip::new([0; 2]),
            slab: Slab::default(),
            index: Index::new(max),
            holders: Holders::new(max),
            count: 0,
            max,
            window,
            turn: 0,
        }
    }

    /// Divide the table among so many accounts, account 0 included.
    pub fn divide(&mut self, accounts: u32) {
        self.holders.divide(accounts);
    }

    /// Set the venue's secret key.
    pub fn set_hash_key(&mut self, key: [u8; 16]) {
        let [low @ .., _, _, _, _, _, _, _, _] = key;
        let [_, _, _, _, _, _, _, _, high @ ..] = key;
        self.sip = Sip::new([u64::from_le_bytes(low), u64::from_le_bytes(high)]);
    }

    /// The venue's secret key.
    pub fn hash_key(&self) -> [u8; 16] {
        let [low, high] = self.sip.key();
        (u128::from(low) | u128::from(high) << 64).to_le_bytes()
    }

    /// Hash an account's id.
    #[inline]
    pub fn key(&self, account: u32, id: &str) -> Key {
        let [low, high] = self.sip.hash(account, id.as_bytes());
        Key::new(low, low32(high))
    }

    /// Hash a command's payload, given as words.
    #[inline]
    pub fn fingerprint(&self, words: &[u64]) -> u64 {
        self.sip.fold(words)
    }

    /// Prefetch what recognising an id of an account will read, and what will leave for it.
    #[inline]
    pub fn foresee(&self, key: Key, account: u32) {
        self.index.foresee(key);
        if self.count >= self.max
            && let Some(first) = self.holders.first(account)
        {
            self.slab.foresee(first);
        }
    }

    /// Prefetch what an account's next id to end is put behind.
    #[inline]
    pub fn foresee_end(&self, account: u32) {
        if let Some(holder) = self.holders.get(account) {
            self.slab.foresee_end(holder.last);
        }
    }

    /// Prefetch what the id that will leave leads to, after `foresee`.
    #[inline]
    pub fn approach(&self, account: u32) {
        if self.count >= self.max
            && let Some(first) = self.holders.first(account)
        {
            self.index.foresee(self.slab.get(first).key());
        }
    }

    #[inline]
    pub(super) fn probe(&self, key: Key) -> Probe {
        self.index.probe(key, |entry| self.slab.get(entry).key() == key)
    }

    /// The entry of an id, though its window may have passed.
    pub fn find(&self, key: Key) -> Option<u32> {
        match self.probe(key) {
            Probe::Found(entry) => Some(entry),
            Probe::Missing(_) => None,
        }
    }

    /// Where an id goes if it plainly is new and there is or will be room.
    #[inline]
    pub fn seat_plainly(&self, key: Key) -> Option<Seat> {
        let vacancy = self.index.vacancy(key)?;
        self.has_room().then_some(Seat { key, vacancy })
    }

    /// There is room for one more, or one may leave.
    #[inline]
    const fn has_room(&self) -> bool {
        self.count < self.max || self.holders.shares.over() > 0
    }

    /// Look an account's id up at a time.
    #[inline]
    pub fn recognise(&mut self, key: Key, account: u32, at: u64) -> Recognised {
        match self.probe(key) {
            Probe::Missing(Some(vacancy)) if self.has_room() => Recognised::New(Seat { key, vacancy }),
            Probe::Missing(_) => Recognised::Full,
            Probe::Found(_) => self.recognise_slowly(key, account, at),
        }
    }

    #[cold]
    fn recognise_slowly(&mut self, key: Key, account: u32, at: u64) -> Recognised {
        if let Some(entry) = self.recall(key, account, at) {
            return Recognised::Seen(entry);
        }
        match self.probe(key) {
            Probe::Missing(Some(vacancy)) => Recognised::New(Seat { key, vacancy }),
            Probe::Missing(None) | Probe::Found(_) => Recognised::Full,
        }
    }

    /// The entry of an account's id whose window has not passed. One whose window has is forgotten, with those before it.
    pub fn recall(&mut self, key: Key, account: u32, at: u64) -> Option<u32> {
        let entry = self.find(key)?;
        let end = self.slab.end(entry) >> ENTRY_BITS;
        if end == 0 || (end << END_SHIFT).saturating_add(self.window) > at {
            return Some(entry);
        }
        for _ in 0..FORGOTTEN_MAX {
            // Of two accounts' ids with one hash, the other's may be meant: then it is not in this queue.
            let first = self.holders.first(account)?;
            self.evict(account);
            if first == entry {
                return None;
            }
        }
        Some(entry)
    }

    /// A remembered id.
    pub fn get(&self, entry: u32) -> &Entry {
        self.slab.get(entry)
    }

    /// How many more ids could be taken.
    pub const fn room(&self) -> usize {
        self.max.saturating_sub(self.count) as usize + self.holders.shares.over() as usize
    }

    /// Remember an account's id just recognised as new; it counts as open until `end`.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn insert(&mut self, seat: Seat, (account, at): (u32, u64), fingerprint: u64, answer: Answer) -> u32 {
        let Seat { key, vacancy } = if self.count < self.max { seat } else { self.make_room(seat, account, at) };
        let entry = self.slab.place();
        *self.slab.get_mut(entry) = Entry::new(key, fingerprint, answer);
        self.count += 1;
        self.index.seat(key, entry, vacancy);
        entry
    }

    /// Let one id leave for an account's, which then goes elsewhere.
    #[inline(never)]
    fn make_room(&mut self, seat: Seat, account: u32, at: u64) -> Seat {
        let leaves = if self.is_past(self.turn, at) {
            Some(self.turn)
        } else {
            self.turn = if self.turn + 1 < self.holders.count() { self.turn + 1 } else { 0 };
            if self.holders.is_over(account) { Some(account) } else { self.holders.next_over(self.turn) }
        };
        // Somebody has more than a share, or there would be no seat.
        let changed = leaves.and_then(|account| self.evict(account));
        if seat.vacancy.stays(changed) {
            return seat;
        }
        match self.probe(seat.key) {
            Probe::Missing(Some(vacancy)) => Seat { vacancy, ..seat },
            Probe::Missing(None) | Probe::Found(_) => seat,
        }
    }

    /// The id of an account's that ended first is past its window.
    #[inline]
    fn is_past(&mut self, account: u32, at: u64) -> bool {
        let now = due_step(at);
        self.holders.get(account).is_some_and(|holder| holder.due <= now && holder.ended > 0)
            && self.is_past_exactly(account, now)
    }

    /// The same where it may be: what is known is from one that ended before it.
    #[cold]
    fn is_past_exactly(&mut self, account: u32, now: u32) -> bool {
        let Some(first) = self.holders.first(account) else { return false };
        let due = due_of(self.slab.end(first) >> ENTRY_BITS, self.window);
        self.holders.set_due(account, due);
        now >= due
    }

    /// Start the window of an account's id: its order has ended.
    #[inline]
    pub fn end(&mut self, entry: u32, account: u32, at: u64) {
        let due = self.queue(entry, account, ((at >> END_SHIFT) + 1).min(END_MAX));
        if due <= due_step(at) {
            self.forget_past(account, at);
        }
    }

    /// Forget what is past its window of an account's, a few at a time.
    #[cold]
    fn forget_past(&mut self, account: u32, at: u64) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            if !self.is_past(account, at) {
                break;
            }
            self.evict(account);
        }
    }

    /// Put an id behind the others of an account's that have ended; returns from when on the first may be past its window.
    #[inline]
    pub(super) fn queue(&mut self, entry: u32, account: u32, end: u64) -> u32 {
        let holder = self.holders.add(account);
        let last = std::mem::replace(&mut holder.last, entry);
        if holder.ended == 1 {
            (holder.first, holder.due) = (entry, due_of(end, self.window));
            *self.slab.end_mut(entry) = end << ENTRY_BITS;
        } else {
            // Time does not go back; where a snapshot was from the future, the queue stays in order all the same.
            let before = self.slab.end_mut(last);
            let end = end.max(*before >> ENTRY_BITS);
            *before |= u64::from(entry);
            *self.slab.end_mut(entry) = end << ENTRY_BITS;
        }
        holder.due
    }

    /// Forget the id of an account's that ended first; there is one. Returns what `unseat` does.
    #[inline]
    fn evict(&mut self, account: u32) -> Option<usize> {
        let holder = self.holders.take(account);
        let entry = holder.first;
        holder.first = low32(self.slab.end(entry)) & (ENTRIES - 1);
        let changed = self.index.unseat(entry, |entry| self.slab.get(entry).key());
        self.slab.give(entry);
        self.count -= 1;
        changed
    }

    /// How many ids are remembered.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// How many of them have ended.
    pub const fn ended(&self) -> u32 {
        self.holders.ended
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> u64 {
        (self.slab.bytes() + self.index.bytes() + self.holders.bytes()) as u64
    }
}
