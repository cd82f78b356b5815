//! Bytes nobody meant: no panic, no change but refusals, and the engine goes on.
//!
//! The fuzz targets search further with coverage; this runs everywhere, from a fixed seed.

use cift_core::Config;
use cift_core::codec::{Reader, Writer, decode_event, encode_command};
use cift_core::command::{Command, kind};
use cift_core::event::Event;
use cift_core::frame::{FrameError, Parts};
use cift_core::journal::Runner;

use crate::arbitrary::{Dice, frame};

const ROUNDS: usize = 20_000;

struct Harness {
    runner: Runner,
    dice: Dice,
    refused: usize,
}

impl Harness {
    fn new(seed: u64) -> Self {
        let mut runner = Runner::new(Config::default());
        let mut writer = Writer::default();
        encode_command(&mut writer, &Command::OpenVenue { hash_key: [1; 16] });
        runner.apply(&frame([writer.bytes()]), 1, 1).expect("a good frame");
        Self { runner, dice: Dice(seed), refused: 0 }
    }

    /// Commands that decode, made wrong in one of the ways bytes go wrong.
    fn command(&mut self) -> Vec<u8> {
        let mut writer = Writer::default();
        encode_command(&mut writer, &self.dice.command());
        let mut bytes = writer.into_bytes();
        let place = self.dice.below(bytes.len());
        match self.dice.below(6) {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= 1 << self.dice.below(8),
            2 => bytes.insert(place, self.dice.roll().to_le_bytes()[0]),
            3 => bytes[2] = self.dice.roll().to_le_bytes()[0],
            4 => bytes = (0..place).map(|_| self.dice.roll().to_le_bytes()[0]).collect(),
            _ => {}
        }
        bytes
    }

    fn apply(&mut self, bytes: &[u8]) {
        let (number, at) = (self.runner.number() + 1, self.runner.at() + 1);
        let sequence = self.runner.engine().sequence();
        match self.runner.apply(bytes, number, at) {
            Ok(applied) => {
                let sections: Vec<_> = Parts::new(&applied.events).collect::<Result<_, _>>().expect("whole sections");
                assert_eq!(sections.len(), applied.count + 1);
                assert!(sections[..applied.count].iter().all(|section| !section.is_empty()), "an answer to each");
                let mut expected = sequence;
                for section in sections {
                    let mut reader = Reader::new(section);
                    while !reader.rest().is_empty() {
                        let (sequence, event) = decode_event(&mut reader).expect("an event");
                        expected += 1;
                        assert_eq!(sequence, expected, "no gap");
                        self.refused += usize::from(matches!(event, Event::CommandRejected { .. }));
                    }
                }
                assert_eq!(self.runner.engine().sequence(), expected);
            }
            Err(error) => {
                assert!(!matches!(error, FrameError::Number { .. } | FrameError::At { .. }), "{error}");
                assert_eq!((self.runner.number(), self.runner.engine().sequence()), (number - 1, sequence));
            }
        }
    }
}

#[test]
fn damaged_commands_are_refused_one_by_one() {
    let mut harness = Harness::new(1);
    for _ in 0..ROUNDS {
        let count = 1 + harness.dice.below(4);
        let commands: Vec<_> = (0..count).map(|_| harness.command()).collect();
        harness.apply(&frame(commands));
    }
    assert!(harness.refused > ROUNDS, "the damage did damage");
    harness.runner.engine().validate().expect("a sound engine");
}

#[test]
fn damaged_frames_are_refused_whole() {
    let mut harness = Harness::new(2);
    for _ in 0..ROUNDS {
        let commands: Vec<_> = (0..3).map(|_| harness.command()).collect();
        let mut bytes = frame(commands);
        let place = harness.dice.below(bytes.len());
        match harness.dice.below(4) {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= 1 << harness.dice.below(8),
            2 => bytes[..4].copy_from_slice(&harness.dice.roll().to_le_bytes()[..4]),
            _ => bytes = (0..place).map(|_| harness.dice.roll().to_le_bytes()[0]).collect(),
        }
        harness.apply(&bytes);
    }
    harness.runner.engine().validate().expect("a sound engine");
}

/// Every kind with every value of the first bytes of a field: numbers where strings belong, and the like.
#[test]
fn every_kind_meets_every_marker() {
    let mut harness = Harness::new(3);
    for number in 0..=u8::MAX {
        for marker in 0..=u8::MAX {
            let mut bytes = vec![0x9e, number, 1];
            bytes.extend([marker; 64]);
            if number >= 0x80 {
                bytes.insert(1, 0xcc);
            }
            harness.apply(&frame([bytes]));
        }
    }
    assert!(harness.refused >= 256 * 256 - 256, "kind {} and the like have other lengths", kind::SUBMIT_ORDER);
}
