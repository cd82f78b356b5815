//! What is written is read back; what is read is written back as the same bytes.

use cift_core::codec::{Reader, Writer, decode_command, decode_event, encode_command, encode_event};
use cift_core::frame::Parts;
use cift_core::journal::Runner;
use cift_core::{Config, Engine};
use proptest::prelude::*;

use crate::arbitrary::{Dice, frame};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_command_survives_its_bytes(seed: u64) {
        let command = Dice(seed).command();
        let mut writer = Writer::default();
        encode_command(&mut writer, &command);
        prop_assert_eq!(decode_command(writer.bytes()), Ok(command));
    }

    #[test]
    fn integers_take_their_shortest_form(value: i64, shift in 0_u32..64) {
        let value = value >> shift;
        let mut writer = Writer::default();
        writer.signed(value);
        prop_assert_eq!(writer.bytes(), rmp_serde::to_vec(&value).expect("an integer"));
        prop_assert_eq!(Reader::new(writer.bytes()).signed(), Ok(value));
        writer.clear();
        writer.unsigned(value.cast_unsigned());
        prop_assert_eq!(writer.bytes(), rmp_serde::to_vec(&value.cast_unsigned()).expect("an integer"));
        prop_assert_eq!(Reader::new(writer.bytes()).unsigned(), Ok(value.cast_unsigned()));
    }

    #[test]
    fn strings_and_lengths_take_their_shortest_form(length in 0_usize..70_000) {
        let text = "x".repeat(length);
        let mut writer = Writer::default();
        writer.str(&text);
        prop_assert_eq!(writer.bytes(), rmp_serde::to_vec(&text).expect("a string"));
        prop_assert_eq!(Reader::new(writer.bytes()).str(), Ok(text.as_str()));
        writer.clear();
        writer.bin(text.as_bytes());
        prop_assert_eq!(Reader::new(writer.bytes()).bin(), Ok(text.as_bytes()));
        writer.clear();
        writer.array(length);
        writer.raw(text.as_bytes());
        prop_assert_eq!(Reader::new(writer.bytes()).array(), Ok(length));
    }

    #[test]
    fn events_are_read_and_written_back(seed: u64) {
        let mut dice = Dice(seed);
        let mut runner = Runner::new(Config::default());
        let commands: Vec<Vec<u8>> = (0..20)
            .map(|_| {
                let mut writer = Writer::default();
                encode_command(&mut writer, &dice.command());
                writer.into_bytes()
            })
            .collect();
        let applied = runner.apply(&frame(&commands), 1, 1).expect("a good frame");
        for section in Parts::new(&applied.events) {
            let section = section.expect("a whole section");
            let mut reader = Reader::new(section);
            let mut writer = Writer::default();
            while !reader.rest().is_empty() {
                let (sequence, event) = decode_event(&mut reader).expect("an event");
                encode_event(&mut writer, sequence, &event);
            }
            prop_assert_eq!(writer.bytes(), section);
        }
    }
}

#[test]
fn a_fresh_engine_is_at_its_beginning() {
    let runner = Runner::new(Config::default());
    assert_eq!((runner.number(), runner.at(), runner.chain()), (0, 0, [0; 32]));
    assert_eq!(runner.engine().sequence(), Engine::new(Config::default()).sequence());
}
