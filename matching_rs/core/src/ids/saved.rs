//! The table of ids as it is saved, put back and checked.

use super::entry::{Answer, SAVED_BYTES, join};
use super::index::{ENTRIES, Key, Probe};
use super::table::{END_MAX, ENTRY_BITS, Ids, Seat};
use crate::bits::low32;

impl Ids {
    /// The account that is asked next for an id past its window.
    pub const fn turn(&self) -> u32 {
        self.turn
    }

    /// Set whose turn it is; false: there is no such account.
    pub fn set_turn(&mut self, account: u32) -> bool {
        self.turn = account;
        account < self.holders.count().max(1)
    }

    /// An account's ended ids, oldest end first: entries and ends.
    fn ended_of(&self, account: u32) -> impl Iterator<Item = (u32, u64)> + '_ {
        let mut next = self.holders.first(account);
        std::iter::from_fn(move || {
            let entry = next?;
            let end = self.slab.end(entry);
            next = Some(low32(end) & (ENTRIES - 1)).filter(|&entry| entry != 0);
            Some((entry, end >> ENTRY_BITS))
        })
    }

    /// Ended ids as they are saved: by account, oldest end first.
    pub fn save_ended(&self) -> impl Iterator<Item = (u32, [u8; SAVED_BYTES])> + '_ {
        (0..self.holders.count())
            .flat_map(|account| self.ended_of(account).map(move |(entry, end)| (account, entry, end)))
            .map(|(account, entry, end)| (account, self.slab.get(entry).save(end)))
    }

    /// An open order's id as it is saved.
    pub fn save_open(&self, entry: u32) -> [u8; SAVED_BYTES] {
        self.slab.get(entry).save(0)
    }

    /// Put the saved id of an open order back; nothing when it is there already, or not sound.
    pub fn put_back_open(&mut self, bytes: &[u8; SAVED_BYTES]) -> Option<u32> {
        self.put_back(bytes).filter(|&(_, end)| end == 0).map(|(entry, _)| entry)
    }

    /// Put an account's saved ended id back; nothing when it is there already, or not sound. They come by account, in order
    /// of their ends.
    pub fn put_back_ended(&mut self, account: u32, bytes: &[u8; SAVED_BYTES]) -> Option<()> {
        let holder = self.holders.get(account)?;
        let last = if holder.ended == 0 { 1 } else { self.slab.end(holder.last) >> ENTRY_BITS };
        let (entry, end) = self.put_back(bytes).filter(|&(_, end)| end >= last)?;
        self.queue(entry, account, end);
        Some(())
    }

    fn put_back(&mut self, bytes: &[u8; SAVED_BYTES]) -> Option<(u32, u64)> {
        let mut words = bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four));
        let mut next = || words.next().unwrap_or(0);
        let key = Key::from_words([next(), next(), next()]);
        let (fingerprint, answer, end) = (join([next(), next()]), join([next(), next()]), join([next(), next()]));
        let Probe::Missing(Some(vacancy)) = self.probe(key) else { return None };
        if answer == 0 || end > END_MAX || self.count >= self.max {
            return None;
        }
        let entry = self.insert(Seat { key, vacancy }, (0, 0), fingerprint, Answer::unpack(answer));
        Some((entry, end))
    }

    /// Check every account's queue, and what is counted of them.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self) -> Result<(), String> {
        let (mut all, mut over) = (0, 0);
        for account in 0..self.holders.count() {
            let (mut count, mut last) = (0, 1);
            for (_, end) in self.ended_of(account) {
                if end < last {
                    return Err(format!("an id of account {account} ended before the one before it"));
                }
                (count, last) = (count + 1, end);
            }
            if self.holders.get(account).is_none_or(|holder| holder.ended != count) {
                return Err(format!("account {account} has {count} ended ids and counts others"));
            }
            all += count;
            over += count.saturating_sub(self.holders.shares.each());
        }
        if (all, over) != (self.holders.ended, self.holders.shares.over()) {
            return Err(format!("{all} ids have ended, {over} of them beyond the accounts' shares: counted otherwise"));
        }
        Ok(())
    }
}
