//! The journal executed again: each of its rows must be what its commands give.

use super::runner::Runner;
use crate::engine::ENGINE_VERSION;
use crate::frame::FrameError;

/// What the journal says of one batch.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are the journal's columns")]
pub struct JournalRow<'a> {
    pub number: u64,
    pub epoch: u64,
    pub first_sequence: u64,
    pub last_sequence: u64,
    pub at: u64,
    pub engine_version: u32,
    pub commands: &'a [u8],
    pub events: &'a [u8],
    pub chain: &'a [u8],
}

/// Why a row cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrue {
    /// Of another version of the engine.
    Version(u32),
    /// Rows before it are not there.
    Missing,
    /// Its commands are no frame, or it is earlier than the one before.
    Frame(FrameError),
    /// Its events are not those its commands give.
    Events,
    /// Its chain hash is not.
    Chain,
    /// Its sequences or its epoch are not.
    Sequences,
}

impl std::fmt::Display for Untrue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "it is of engine version {version}, this is {ENGINE_VERSION}; start from a later snapshot")
            }
            Self::Missing => f.write_str("the batch is missing"),
            Self::Frame(error) => write!(f, "its commands cannot be applied: {error}"),
            Self::Events => f.write_str("its events are not those its commands give"),
            Self::Chain => f.write_str("its chain hash is not that its commands give"),
            Self::Sequences => f.write_str("its sequences or its epoch are not those its commands give"),
        }
    }
}

impl Runner {
    /// Apply a row's commands and hold what they give against what it says.
    ///
    /// # Errors
    /// Why the row is not true. If its commands were applied all the same, the runner is of no more use.
    pub fn retrace(&mut self, row: &JournalRow<'_>) -> Result<(), Untrue> {
        if row.number != self.number() + 1 {
            return Err(Untrue::Missing);
        }
        if row.engine_version != ENGINE_VERSION {
            return Err(Untrue::Version(row.engine_version));
        }
        let first_sequence = self.engine().sequence() + 1;
        let events = self.apply_unread(row.commands, row.number, row.at).map_err(Untrue::Frame)?;
        if events != row.events {
            return Err(Untrue::Events);
        }
        if self.chain() != *row.chain {
            return Err(Untrue::Chain);
        }
        let made = (first_sequence, self.engine().sequence(), self.engine().epoch());
        if made == (row.first_sequence, row.last_sequence, row.epoch) { Ok(()) } else { Err(Untrue::Sequences) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Writer, encode_command};
    use crate::command::Command;
    use crate::engine::Config;

    fn frame(command: &Command<'_>) -> Vec<u8> {
        let mut writer = Writer::default();
        encode_command(&mut writer, command);
        let length = u32::try_from(writer.len()).expect("short");
        [&length.to_le_bytes()[..], writer.bytes()].concat()
    }

    #[test]
    fn a_true_row_is_retraced_and_any_other_named() {
        let open = [Command::OpenVenue { hash_key: [1; 16] }, Command::OpenEpoch { epoch: 7 }];
        let commands = open.map(|command| frame(&command)).concat();
        let applied = Runner::new(Config::default()).apply(&commands, 1, 5).expect("a good frame");
        let row = JournalRow {
            number: 1,
            epoch: 7,
            first_sequence: 1,
            last_sequence: 2,
            at: 5,
            engine_version: ENGINE_VERSION,
            commands: &commands,
            events: &applied.events,
            chain: &applied.chain,
        };
        let retrace = |row: &JournalRow<'_>| {
            let mut runner = Runner::new(Config::default());
            runner.retrace(row).map(|()| (runner.number(), runner.at(), runner.chain()))
        };
        assert_eq!(retrace(&row), Ok((1, 5, applied.chain)));
        assert_eq!(retrace(&JournalRow { number: 2, ..row }), Err(Untrue::Missing));
        assert_eq!(retrace(&JournalRow { engine_version: 9, ..row }), Err(Untrue::Version(9)));
        assert_eq!(retrace(&JournalRow { commands: &[], ..row }), Err(Untrue::Frame(FrameError::Empty)));
        assert_eq!(retrace(&JournalRow { events: &[], ..row }), Err(Untrue::Events));
        assert_eq!(retrace(&JournalRow { at: 6, ..row }), Err(Untrue::Chain));
        assert_eq!(retrace(&JournalRow { chain: &[0; 31], ..row }), Err(Untrue::Chain));
        assert_eq!(retrace(&JournalRow { epoch: 8, ..row }), Err(Untrue::Sequences));
        assert_eq!(retrace(&JournalRow { last_sequence: 3, ..row }), Err(Untrue::Sequences));
    }

    #[test]
    fn what_was_retraced_goes_on_as_what_was_applied() {
        let commands = frame(&Command::OpenVenue { hash_key: [1; 16] });
        let next = frame(&Command::OpenEpoch { epoch: 1 });
        let mut applied = Runner::new(Config::default());
        let first = applied.apply(&commands, 1, 5).expect("a good frame");
        let mut retraced = Runner::new(Config::default());
        let row = JournalRow {
            number: 1,
            epoch: 0,
            first_sequence: 1,
            last_sequence: 1,
            at: 5,
            engine_version: ENGINE_VERSION,
            commands: &commands,
            events: &first.events,
            chain: &first.chain,
        };
        retraced.retrace(&row).expect("true");
        let (one, other) = (applied.apply(&next, 2, 6), retraced.apply(&next, 2, 6));
        assert_eq!(one.map(|batch| (batch.events, batch.chain)), other.map(|batch| (batch.events, batch.chain)));
        assert_eq!(applied.snapshot(), retraced.snapshot());
    }
}
