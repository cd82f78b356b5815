//! Snapshots: only whole ones of this version are taken.

use cift_core::codec::{Writer, encode_command};
use cift_core::journal::Runner;
use cift_core::{Config, SnapshotError};

use crate::arbitrary::{Dice, frame};

fn populated() -> Runner {
    let mut runner =
        Runner::new(Config { open_orders_max: 100, ids_max: 1_000, ids_window_ns: 1 << 40, mass_cancel_slice: 7 });
    let mut dice = Dice(9);
    for number in 1..=50 {
        let commands: Vec<Vec<u8>> = (0..10)
            .map(|_| {
                let mut writer = Writer::default();
                encode_command(&mut writer, &dice.command());
                writer.into_bytes()
            })
            .collect();
        runner.apply(&frame(commands), number, number * 1_000).expect("a good frame");
    }
    runner
}

#[test]
fn a_snapshot_restores_itself() {
    let runner = populated();
    let bytes = runner.snapshot();
    let again = Runner::restore(&bytes).expect("a whole snapshot");
    assert_eq!(again.snapshot(), bytes);
    assert_eq!((again.number(), again.at(), again.chain()), (runner.number(), runner.at(), runner.chain()));
    assert_eq!(again.engine().state_hash(), runner.engine().state_hash());
    assert_eq!(again.engine().config(), runner.engine().config(), "its bounds go with it");
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let bytes = populated().snapshot();
    let mut dice = Dice(4);
    for length in [0, 1, 31, 32, 40, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(Runner::restore(&bytes[..length]).expect_err("cut short"), SnapshotError::Damaged);
    }
    for _ in 0..2_000 {
        let mut damaged = bytes.clone();
        let place = dice.below(damaged.len());
        damaged[place] ^= 1 << dice.below(8);
        assert_eq!(Runner::restore(&damaged).expect_err("altered"), SnapshotError::Damaged, "byte {place}");
    }
}

/// The hash guards against accidents; what it does not guard against must still not be taken for a state.
#[test]
fn a_forged_snapshot_never_panics() {
    let bytes = populated().snapshot();
    let body = &bytes[..bytes.len() - 32];
    let mut dice = Dice(5);
    for _ in 0..20_000 {
        let mut forged = body.to_vec();
        for _ in 0..=dice.below(3) {
            let place = dice.below(forged.len());
            match dice.below(4) {
                0 => forged.truncate(place.max(1)),
                1 => forged[place] = 0xff,
                _ => forged[place] ^= 1 << dice.below(8),
            }
        }
        let hash = blake3::hash(&forged);
        forged.extend_from_slice(hash.as_bytes());
        if let Ok(runner) = Runner::restore(&forged) {
            runner.engine().validate().expect("whatever is taken is sound");
        }
    }
}

#[test]
fn a_snapshot_of_another_version_is_named() {
    let bytes = populated().snapshot();
    let mut other = bytes[..bytes.len() - 32].to_vec();
    other[8..12].copy_from_slice(&9_u32.to_le_bytes());
    let hash = blake3::hash(&other);
    other.extend_from_slice(hash.as_bytes());
    assert_eq!(Runner::restore(&other).expect_err("another version"), SnapshotError::Version(9));
}
