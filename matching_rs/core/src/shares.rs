//! A pool that all accounts use: half of it is divided evenly among them, and nobody else's use takes that from an
//! account; the other half is common.

/// How the pool is divided, and how much of the common half is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    pool: u32,
    each: u32,
    common: u32,
    over: u32,
}

impl Shares {
    /// Divide a pool of so many places among nobody yet: all of it is common.
    pub const fn new(pool: u32) -> Self {
        Self { pool, each: 0, common: pool, over: 0 }
    }

    /// Places that are an account's own.
    #[inline]
    pub const fn each(&self) -> u32 {
        self.each
    }

    /// Places used beyond the accounts' own.
    #[inline]
    pub const fn over(&self) -> u32 {
        self.over
    }

    /// An account that uses so many may use one more.
    #[inline]
    pub const fn has_room(&self, used: u32) -> bool {
        used < self.each || self.over < self.common
    }

    /// The same once it uses more, or less, than now.
    pub fn has_room_after(&self, used: u32, more: i64) -> bool {
        let beyond = |used: i64| (used - i64::from(self.each)).max(0);
        let later = i64::from(used) + more;
        let over = i64::from(self.over) + beyond(later) - beyond(used.into());
        later < i64::from(self.each) || over < i64::from(self.common)
    }

    /// Divide anew among so many accounts; false: an account's share is what it was. Else `over` is to be counted again.
    pub const fn divide(&mut self, accounts: u32) -> bool {
        let each = match (self.pool / 2).checked_div(accounts) {
            Some(each) => each,
            None => 0,
        };
        self.common = self.pool - each * accounts;
        if each == self.each {
            return false;
        }
        (self.each, self.over) = (each, 0);
        true
    }

    /// Count all of an account's, after the pool was divided anew.
    pub const fn count(&mut self, used: u32) {
        self.over += used.saturating_sub(self.each);
    }

    /// An account that used so many uses one more; true: it is one beyond its own for the first time.
    #[inline]
    pub const fn add(&mut self, used: u32) -> bool {
        self.over += (used >= self.each) as u32;
        used == self.each
    }

    /// An account uses one less, so many now; true: it no longer uses any beyond its own.
    #[inline]
    pub const fn take(&mut self, used: u32) -> bool {
        self.over -= (used >= self.each) as u32;
        used == self.each
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_own_places_are_there_whatever_others_use() {
        let mut shares = Shares::new(20);
        assert!(shares.divide(4));
        assert_eq!(shares.each(), 2);
        let mut used = [0_u32; 4];
        // The first takes all it gets: its own and the common half.
        while shares.has_room(used[0]) {
            shares.add(used[0]);
            used[0] += 1;
        }
        assert_eq!(used[0], 2 + 12);
        for used in used.iter_mut().skip(1) {
            while shares.has_room(*used) {
                shares.add(*used);
                *used += 1;
            }
        }
        assert_eq!((used, used.iter().sum::<u32>()), ([14, 2, 2, 2], 20));
        used[0] -= 1;
        shares.take(used[0]);
        assert!(shares.has_room(used[3]), "what one gives back, another may use");
    }

    #[test]
    fn room_is_told_before_it_is_used() {
        let mut shares = Shares::new(20);
        shares.divide(4);
        let mut used = 0;
        while shares.has_room(used) {
            for more in 0..=14 - used {
                assert_eq!(shares.has_room_after(used, more.into()), used + more < 14, "{used} and {more} more");
            }
            shares.add(used);
            used += 1;
        }
        assert!(shares.has_room_after(used, -1) && !shares.has_room_after(used, 0));
    }

    #[test]
    fn more_accounts_have_less_each() {
        let mut shares = Shares::new(20);
        shares.divide(2);
        for used in 0..5 {
            shares.add(used);
        }
        assert_eq!((shares.each(), shares.over()), (5, 0));
        assert!(shares.divide(5));
        shares.count(5);
        assert_eq!((shares.each(), shares.over()), (2, 3));
        assert!(!shares.divide(5));
        assert_eq!(shares.over(), 3, "nothing is counted twice");
    }
}
