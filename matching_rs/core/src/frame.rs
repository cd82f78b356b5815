//! Frames: length-prefixed byte strings, of commands on the way in, of sections of events on the way out.

use crate::command::COMMAND_BYTES_MAX;

/// Most commands of a frame.
pub const FRAME_COMMANDS_MAX: usize = 1_000;

/// Why a frame was refused; the engine was not touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A frame holds at least one command.
    Empty,
    /// A length reaches past the end.
    Truncated,
    /// More than `FRAME_COMMANDS_MAX` commands.
    TooManyCommands,
    /// A command longer than `COMMAND_BYTES_MAX`.
    CommandTooLong,
    /// Not the number after the last one.
    Number {
        /// The only number that fits.
        expected: u64,
        /// The number given.
        given: u64,
    },
    /// Earlier than the batch before, or past what a signed column holds.
    At {
        /// Time of the batch before, ns.
        previous: u64,
        /// The time given, ns.
        given: u64,
    },
    /// Bytes that are no events.
    Events,
    /// Bytes that are no query.
    Query,
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("the frame holds no command"),
            Self::Truncated => f.write_str("the frame ends inside a command"),
            Self::TooManyCommands => write!(f, "the frame holds more than {FRAME_COMMANDS_MAX} commands"),
            Self::CommandTooLong => write!(f, "a command is longer than {COMMAND_BYTES_MAX} bytes"),
            Self::Number { expected, given } => write!(f, "batch {given} does not follow: {expected} is next"),
            Self::At { previous, given } => write!(f, "time {given} is before {previous} or out of range"),
            Self::Events => f.write_str("the bytes are not sections of events"),
            Self::Query => f.write_str("the bytes are not a query"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The parts of a frame, in order; a part that is cut short ends it with an error.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    bytes: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Walk `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<&'a [u8], FrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let part = self.bytes.split_first_chunk::<4>().and_then(|(length, rest)| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            rest.split_at_checked(length)
        });
        Some(if let Some((part, rest)) = part {
            self.bytes = rest;
            Ok(part)
        } else {
            self.bytes = &[];
            Err(FrameError::Truncated)
        })
    }
}

/// Check a command frame as a whole; returns how many commands it holds.
///
/// # Errors
/// `FrameError` when it is cut short or past a bound.
pub fn check_commands(bytes: &[u8]) -> Result<usize, FrameError> {
    let mut count = 0;
    for part in Parts::new(bytes) {
        count += 1;
        if part?.len() > COMMAND_BYTES_MAX {
            return Err(FrameError::CommandTooLong);
        }
        if count > FRAME_COMMANDS_MAX {
            return Err(FrameError::TooManyCommands);
        }
    }
    if count == 0 { Err(FrameError::Empty) } else { Ok(count) }
}
