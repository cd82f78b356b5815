//! The table of ids: what is found, what leaves, and what stays whatever others do.

use super::table::{END_SHIFT, FORGOTTEN_MAX, IDS_MAX, Ids, Recognised};
use crate::ids::entry::Answer;

const HOUR: u64 = 3_600_000_000_000;

fn table(max: u32, accounts: u32) -> Ids {
    let mut ids = Ids::new(max, HOUR);
    ids.set_hash_key([7; 16]);
    ids.divide(accounts);
    ids
}

fn open_new(ids: &mut Ids, account: u32, n: u64, at: u64) -> Option<u32> {
    let key = ids.key(account, &format!("id-{n}"));
    let Recognised::New(seat) = ids.recognise(key, account, at) else { return None };
    Some(ids.insert(seat, (account, at), n, Answer { order_id: (n + 1) << 20, sequence: n + 1 }))
}

fn enter(ids: &mut Ids, account: u32, n: u64, at: u64) -> bool {
    let entry = open_new(ids, account, n, at);
    entry.inspect(|&entry| ids.end(entry, account, at)).is_some()
}

fn filled(count: u64, max: u32) -> Ids {
    let mut ids = table(max, 4);
    for n in 0..count {
        assert!(enter(&mut ids, 3, n, n), "id-{n} is new");
    }
    ids
}

fn number_of(ids: &Ids, account: u32, n: u64) -> Option<u64> {
    ids.find(ids.key(account, &format!("id-{n}"))).map(|entry| ids.get(entry).answer().sequence - 1)
}

#[test]
fn every_remembered_id_is_found_and_no_other() {
    let ids = filled(20_000, IDS_MAX);
    for n in 0..20_000 {
        assert_eq!(number_of(&ids, 3, n), Some(n));
    }
    assert_eq!(number_of(&ids, 3, 20_000), None);
    assert_ne!(ids.key(3, "id-1"), ids.key(4, "id-1"), "ids are an account's own");
}

#[test]
fn at_the_bound_the_oldest_end_leaves_first() {
    let ids = filled(5_000, 1_000);
    assert_eq!(ids.len(), 1_000);
    for n in 0..5_000 {
        assert_eq!(number_of(&ids, 3, n), (n >= 4_000).then_some(n), "id {n}");
    }
    assert!(ids.bytes() < 100_000, "what leaves makes room for what comes");
}

#[test]
fn ids_of_open_orders_stay_and_fill_the_table() {
    let mut ids = table(2, 4);
    let first = open_new(&mut ids, 3, 0, 0).expect("there is room");
    open_new(&mut ids, 3, 1, 0).expect("there is room");
    assert!(!enter(&mut ids, 3, 2, 0), "nothing may leave");
    ids.end(first, 3, 5);
    assert!(enter(&mut ids, 3, 2, 6), "an ended one may");
    assert_eq!((number_of(&ids, 3, 0), ids.len()), (None, 2));
}

#[test]
fn an_id_counts_until_its_window_has_passed() {
    let mut ids = filled(100, IDS_MAX);
    let key = ids.key(3, "id-50");
    assert!(matches!(ids.recognise(key, 3, 50 + HOUR), Recognised::Seen(_)));
    assert!(matches!(ids.recognise(key, 3, 50 + HOUR + (2 << END_SHIFT)), Recognised::New(_)));
    assert!(ids.len() < 50, "those that ended before it left with it");
}

#[test]
fn what_is_past_its_window_leaves_with_what_comes() {
    let mut ids = filled(100, IDS_MAX);
    for n in 100..200 {
        assert!(enter(&mut ids, 3, n, 2 * HOUR));
    }
    assert_eq!((ids.len(), number_of(&ids, 3, 99), number_of(&ids, 3, 100)), (100, None, Some(100)));
}

#[test]
fn an_id_past_its_window_behind_a_long_backlog_counts_a_while_longer() {
    let mut ids = filled(u64::from(FORGOTTEN_MAX) + 10, IDS_MAX);
    let last = ids.key(3, &format!("id-{}", FORGOTTEN_MAX + 9));
    assert!(matches!(ids.recognise(last, 3, 2 * HOUR), Recognised::Seen(_)), "work of one command is bounded");
    assert_eq!(ids.len(), 10);
    assert!(matches!(ids.recognise(last, 3, 2 * HOUR), Recognised::New(_)));
}

#[test]
fn an_account_with_more_than_its_share_makes_only_its_own_leave() {
    let mut ids = table(80, 4);
    for n in 0..10 {
        assert!(enter(&mut ids, 1, n, 0) && enter(&mut ids, 2, n, 0));
    }
    for n in 0..1_000 {
        assert!(enter(&mut ids, 3, n, 1));
    }
    assert!((0..10).all(|n| number_of(&ids, 1, n).is_some() && number_of(&ids, 2, n).is_some()));
    assert!((940..1_000).all(|n| number_of(&ids, 3, n).is_some()), "what is not others' is its to use");
    // One within its share takes from the one with more.
    assert!(enter(&mut ids, 1, 10, 2));
    assert_eq!((number_of(&ids, 1, 0), number_of(&ids, 3, 940)), (Some(0), None));
}

#[test]
fn in_a_full_table_one_past_its_window_leaves_first() {
    let mut ids = table(80, 4);
    for n in 0..10 {
        enter(&mut ids, 1, n, 0);
    }
    for n in 0..70 {
        enter(&mut ids, 3, n, HOUR);
    }
    for n in 70..83 {
        assert!(enter(&mut ids, 3, n, HOUR + HOUR / 2));
    }
    assert_eq!(number_of(&ids, 1, 9), None, "an account that does nothing keeps none past its window");
    assert!((5..83).all(|n| number_of(&ids, 3, n).is_some()));
    assert_eq!(ids.validate(), Ok(()));
}

/// Whatever others do, an account's last ids are remembered: as many as its share.
#[test]
fn an_accounts_last_ids_are_recognised_whatever_others_do() {
    let mut state = 1_u64;
    let mut random = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for max in [64, 100, 250] {
        let accounts = 2 + random(6);
        let mut ids = table(max, u32::try_from(accounts).unwrap());
        let share = usize::try_from(u64::from(max) / 2 / accounts).unwrap();
        let mut open: Vec<(u32, u64, u32)> = Vec::new();
        let mut ended: Vec<Vec<u64>> = vec![Vec::new(); usize::try_from(accounts).unwrap()];
        for n in 0..4_000 {
            // One account at a time makes most of the noise.
            let account = if random(4) == 0 { random(accounts) } else { n / 500 % accounts };
            let account = u32::try_from(account).unwrap();
            if random(3) == 0 && !open.is_empty() {
                let (owner, id, entry) = open.swap_remove(usize::try_from(random(open.len() as u64)).unwrap());
                ids.end(entry, owner, n);
                ended[owner as usize].push(id);
            } else if let Some(entry) = open_new(&mut ids, account, n, n) {
                if random(2) == 0 && open.len() + 1 < max as usize / 2 {
                    open.push((account, n, entry));
                } else {
                    ids.end(entry, account, n);
                    ended[account as usize].push(n);
                }
            } else {
                panic!("as long as fewer than half of the ids are open, a new one is taken");
            }
            for (account, all) in (0..).zip(&ended).filter(|_| n % 5 == 0) {
                for &id in all.iter().rev().take(share) {
                    assert_eq!(number_of(&ids, account, id), Some(id), "account {account} at {n} of {max}");
                }
            }
            assert!(open.iter().all(|&(owner, id, _)| number_of(&ids, owner, id) == Some(id)));
            assert!(ids.len() <= max);
        }
        assert_eq!(ids.validate(), Ok(()));
    }
}

#[test]
fn more_accounts_have_a_smaller_share_each() {
    let mut ids = table(80, 1);
    for n in 0..80 {
        enter(&mut ids, 0, n, 0);
    }
    ids.divide(4);
    assert_eq!(ids.validate(), Ok(()));
    for n in 0..10 {
        assert!(enter(&mut ids, 3, n, 1));
    }
    assert!((0..10).all(|n| number_of(&ids, 0, n).is_none()) && number_of(&ids, 0, 10).is_some());
}

#[test]
fn a_saved_id_comes_back_as_it_was() {
    let ids = filled(3_000, 1_000);
    let mut again = table(1_000, 4);
    for (account, saved) in ids.save_ended() {
        assert!(again.put_back_ended(account, &saved).is_some());
    }
    let (account, first) = ids.save_ended().next().unwrap();
    assert!(again.put_back_ended(account, &first).is_none(), "twice is refused");
    assert!(again.put_back_open(&first).is_none(), "an ended one is no open order's");
    assert!(ids.save_ended().eq(again.save_ended()));
    for n in 0..3_000 {
        assert_eq!(number_of(&ids, 3, n), number_of(&again, 3, n));
    }
    assert_eq!(again.validate(), Ok(()));
}

#[test]
fn a_remembered_id_takes_at_most_48_bytes() {
    let empty = table(IDS_MAX, 4).bytes();
    let all = u64::from(IDS_MAX);
    for count in [13_108, 20_000, 26_215, 52_430, 104_858, 150_000] {
        let ids = filled(count, IDS_MAX);
        // What it takes itself, and its part of the index, which is there for all from the start.
        let grown = ids.bytes() - empty;
        assert!(grown * all + empty * count <= 48 * count * all, "{count} ids: {grown} bytes, {empty} for all");
    }
}
