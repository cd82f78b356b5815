//! Any bytes as a frame: no panic, an answer to every command, no gap in the sequence, a sound engine, and events
//! that a projector can read.

#![no_main]

use cift_core::Config;
use cift_core::codec::{Reader, Writer, decode_event, encode_command};
use cift_core::command::{CashKind, Command, InstrumentKind, ListAsset, ListInstrument, MoveCash, OpenAccount};
use cift_core::frame::Parts;
use cift_core::journal::Runner;
use cift_core::rows::{JournalBatch, Projector};
use libfuzzer_sys::fuzz_target;

/// A venue on which orders can be entered and filled, so that the fuzzer gets past the first checks.
fn opening() -> Vec<u8> {
    let mut commands = vec![
        Command::OpenVenue { hash_key: [7; 16] },
        Command::ListAsset(ListAsset { deadline: 0, symbol: "A", scale: 2 }),
        Command::ListAsset(ListAsset { deadline: 0, symbol: "B", scale: 0 }),
        Command::ListInstrument(ListInstrument {
            deadline: 0,
            symbol: "B-A",
            kind: InstrumentKind::Share,
            base: 2,
            quote: 1,
            price_scale: 2,
            tick_size: 1,
            lot_size: 1,
            quantity_min: 0,
            quantity_max: i64::MAX,
            notional_min: 0,
            band_ppm: 0,
            slippage_ppm: 0,
            reference_price: 0,
            maker_ppm: 1_000,
            taker_ppm: 2_000,
        }),
    ];
    for id in ["a", "b"] {
        commands.push(Command::OpenAccount(OpenAccount { id, deadline: 0, owner: 1, group: 0 }));
    }
    for account in [3, 4] {
        for (id, asset) in [("x", 1), ("y", 2)] {
            let kind = CashKind::Deposit;
            commands.push(Command::MoveCash(MoveCash { account, id, deadline: 0, kind, asset, amount: 1 << 40 }));
        }
    }
    let mut frame = Vec::new();
    for command in &commands {
        let mut writer = Writer::default();
        encode_command(&mut writer, command);
        frame.extend_from_slice(&u32::try_from(writer.len()).expect("a short command").to_le_bytes());
        frame.extend_from_slice(writer.bytes());
    }
    frame
}

fuzz_target!(|bytes: &[u8]| {
    let config = Config { open_orders_max: 64, ids_max: 64, ids_window_ns: 1_000_000, mass_cancel_slice: 4 };
    let (mut runner, mut projector) = (Runner::new(config), Projector::new());
    let opened = runner.apply(&opening(), 1, 1).expect("a good frame");
    let batch = JournalBatch { number: 1, at: 1, events: &opened.events };
    projector.pack(&[batch]).expect("a journal's events");
    let mut expected = opened.last_sequence;
    match runner.apply(bytes, 2, 2) {
        Ok(applied) => {
            for section in Parts::new(&applied.events) {
                let mut reader = Reader::new(section.expect("a whole section"));
                while !reader.rest().is_empty() {
                    expected += 1;
                    assert_eq!(decode_event(&mut reader).expect("an event").0, expected);
                }
            }
            let batch = JournalBatch { number: 2, at: 2, events: &applied.events };
            projector.pack(&[batch]).expect("a journal's events");
            applied.replies(|_| ());
            applied.accounts(|_, _| ());
            applied.books(|_, _| ());
            let again = Runner::restore(&runner.snapshot()).expect("its own snapshot");
            assert_eq!(again.engine().state_hash(), runner.engine().state_hash());
        }
        Err(_) => assert_eq!(runner.number(), 1),
    }
    assert_eq!(runner.engine().sequence(), expected);
    runner.engine().validate().expect("a sound engine");
    // The same bytes as a query must be as harmless.
    let _ = runner.query(bytes);
});
