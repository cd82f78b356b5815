//! The engine behind a frame of bytes: decode, execute, encode, chain.
//!
//! A batch is applied as a whole or, when the frame itself is bad, not at all. A command that does not decode is
//! no bad frame: it is answered by an event like every other refusal, so that one client's bytes never cost
//! another's.

use super::blocks::{Applied, Recorder};
use crate::codec::{Refusal, decode_command, decode_quickly};
use crate::command::Command;
use crate::engine::{Config, ENGINE_VERSION, Engine};
use crate::frame::{FrameError, check_commands};
use crate::orders::prefetch::Foreseen;
use crate::queries::answer::answer;
use crate::snapshot::SnapshotError;

const SNAPSHOT_MAGIC: [u8; 8] = *b"CIFTSNAP";
const HASH_BYTES: usize = 32;
const CHAIN_HEAD_BYTES: usize = HASH_BYTES + 28;
/// How many commands are decoded, and what they name prefetched, ahead of their turn.
const AHEAD: usize = 8;
/// How many ahead of its turn what a command's things lead to is prefetched.
const NEAR: usize = 4;

/// What the chain's hash begins with; the commands and the events follow.
fn chain_head(
    previous: &[u8; HASH_BYTES],
    number: u64,
    at: u64,
    engine_version: u32,
    commands: usize,
) -> [u8; CHAIN_HEAD_BYTES] {
    let mut head = [0; CHAIN_HEAD_BYTES];
    let version = engine_version.to_le_bytes();
    let parts = [&previous[..], &number.to_le_bytes(), &at.to_le_bytes(), &version, &(commands as u64).to_le_bytes()];
    for (place, byte) in head.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    head
}

/// Link a batch to all before it.
#[must_use]
pub fn chain_hash(
    previous: &[u8; HASH_BYTES],
    number: u64,
    at: u64,
    engine_version: u32,
    commands: &[u8],
    events: &[u8],
) -> [u8; HASH_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&chain_head(previous, number, at, engine_version, commands.len()));
    hasher.update(commands);
    hasher.update(events);
    *hasher.finalize().as_bytes()
}

/// A command before its turn.
#[derive(Debug)]
enum Waiting<'a> {
    None,
    Command(Command<'a>, Foreseen),
    Refused(Refusal),
}

/// Take the next command out of a checked frame.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a command is then decoded where it waits, not copied there")]
fn next<'a>(engine: &Engine, commands: &mut &'a [u8]) -> Waiting<'a> {
    let Some((length, rest)) = commands.split_first_chunk::<4>() else { return Waiting::None };
    let length = u32::from_le_bytes(*length) as usize;
    *commands = rest.get(length..).unwrap_or_default();
    let decoded = match decode_quickly(rest, length) {
        Some(command) => Ok(command),
        None => decode_command(rest.get(..length).unwrap_or_default()),
    };
    match decoded {
        Ok(command) => {
            let foreseen = engine.foresee(&command);
            Waiting::Command(command, foreseen)
        }
        Err(refusal) => Waiting::Refused(refusal),
    }
}

/// One shard's engine and its place in the journal.
#[derive(Debug)]
pub struct Runner {
    engine: Engine,
    number: u64,
    at: u64,
    chain: [u8; HASH_BYTES],
    recorder: Recorder,
}

impl Runner {
    /// Make an empty shard, before its first batch.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::behind(Engine::new(config), 0, 0, [0; HASH_BYTES])
    }

    fn behind(engine: Engine, number: u64, at: u64, chain: [u8; HASH_BYTES]) -> Self {
        Self { engine, number, at, chain, recorder: Recorder::default() }
    }

    /// Apply one frame as batch `number` at time `at` (ns since the epoch, UTC).
    ///
    /// # Errors
    /// `FrameError` when the frame is bad or does not follow; then nothing happened.
    pub fn apply(&mut self, commands: &[u8], number: u64, at: u64) -> Result<Applied, FrameError> {
        let first_sequence = self.engine.sequence() + 1;
        let count = self.run(commands, number, at, true)?;
        let mut applied = self.recorder.finish(number, at, count, first_sequence, self.engine.sequence(), self.chain);
        applied.is_canceling = self.engine.is_canceling();
        Ok(applied)
    }

    /// Apply one frame for its effect and its events alone; nobody is to be told.
    pub(crate) fn apply_unread(&mut self, commands: &[u8], number: u64, at: u64) -> Result<&[u8], FrameError> {
        self.run(commands, number, at, false)?;
        Ok(self.recorder.events())
    }

    /// Apply one frame; returns how many commands it holds.
    fn run(&mut self, commands: &[u8], number: u64, at: u64, told: bool) -> Result<usize, FrameError> {
        if self.number.checked_add(1) != Some(number) {
            return Err(FrameError::Number { expected: self.number.saturating_add(1), given: number });
        }
        if at < self.at || i64::try_from(at).is_err() {
            return Err(FrameError::At { previous: self.at, given: at });
        }
        let count = check_commands(commands)?;
        self.recorder.begin(&chain_head(&self.chain, number, at, ENGINE_VERSION, commands.len()), commands, told);
        self.execute(commands, at);
        self.recorder.begin_section();
        self.engine.end_batch(&mut self.recorder);
        self.recorder.end_section();
        let recorder = &mut self.recorder;
        recorder.sort_trades();
        self.engine.drain_book_changes(|change| {
            if told {
                recorder.book(number, at, &change);
            }
        });
        self.chain = *blake3::hash(recorder.row()).as_bytes();
        self.number = number;
        self.at = at;
        Ok(count)
    }

    /// Execute the commands of a frame, each decoded a few before its turn, so that what it needs is on its way from
    /// memory while the ones before it are done.
    fn execute(&mut self, mut commands: &[u8], at: u64) {
        let mut waiting = [const { Waiting::None }; AHEAD];
        for place in &mut waiting {
            *place = next(&self.engine, &mut commands);
        }
        for turn in 0.. {
            if let Waiting::Command(near, _) = &waiting[(turn + NEAR) % AHEAD] {
                self.engine.approach(near);
            }
            let place = &mut waiting[turn % AHEAD];
            self.recorder.begin_section();
            match place {
                Waiting::None => return self.recorder.drop_section(),
                Waiting::Command(command, foreseen) => {
                    self.engine.execute_foreseen(command, *foreseen, at, &mut self.recorder);
                }
                Waiting::Refused(refusal) => self.engine.refuse(refusal.reason, refusal.kind, &mut self.recorder),
            }
            self.recorder.end_section();
            *place = next(&self.engine, &mut commands);
        }
    }

    /// The engine, to be read.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Number of the last batch.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Time of the last batch, ns since the epoch, UTC.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Chain hash of the last batch; 32 zero bytes before the first.
    #[must_use]
    pub fn chain(&self) -> [u8; HASH_BYTES] {
        self.chain
    }

    /// The full state behind the last batch: header, engine, BLAKE3 of both.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let config = self.engine.config();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&SNAPSHOT_MAGIC);
        bytes.extend_from_slice(&ENGINE_VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.at.to_le_bytes());
        bytes.extend_from_slice(&self.chain);
        bytes.extend_from_slice(&config.open_orders_max.to_le_bytes());
        bytes.extend_from_slice(&config.ids_max.to_le_bytes());
        bytes.extend_from_slice(&config.ids_window_ns.to_le_bytes());
        bytes.extend_from_slice(&config.mass_cancel_slice.to_le_bytes());
        bytes.extend_from_slice(&self.engine.snapshot());
        let hash = blake3::hash(&bytes);
        bytes.extend_from_slice(hash.as_bytes());
        bytes
    }

    /// Make a shard from a snapshot, with the bounds it was made with: other bounds could give other events.
    ///
    /// # Errors
    /// `SnapshotError` when the bytes are damaged or of another engine version.
    pub fn restore(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (body, hash) = bytes.split_last_chunk::<HASH_BYTES>().ok_or(SnapshotError::Damaged)?;
        if *blake3::hash(body).as_bytes() != *hash {
            return Err(SnapshotError::Damaged);
        }
        let mut header = Header(body);
        if header.take()? != SNAPSHOT_MAGIC {
            return Err(SnapshotError::Damaged);
        }
        let version = u32::from_le_bytes(header.take()?);
        if version != ENGINE_VERSION {
            return Err(SnapshotError::Version(version));
        }
        let number = u64::from_le_bytes(header.take()?);
        let at = u64::from_le_bytes(header.take()?);
        let chain = header.take()?;
        let config = Config {
            open_orders_max: u32::from_le_bytes(header.take()?),
            ids_max: u32::from_le_bytes(header.take()?),
            ids_window_ns: u64::from_le_bytes(header.take()?),
            mass_cancel_slice: u32::from_le_bytes(header.take()?),
        };
        if config.mass_cancel_slice == 0 {
            // A mass cancel would never end.
            return Err(SnapshotError::Damaged);
        }
        Ok(Self::behind(Engine::restore(header.0, config)?, number, at, chain))
    }

    /// Answer a query from the state behind the last batch.
    ///
    /// # Errors
    /// `FrameError::Query` when the bytes are no query.
    pub fn query(&self, query: &[u8]) -> Result<Vec<u8>, FrameError> {
        answer(&self.engine, self.number, query)
    }
}

struct Header<'a>(&'a [u8]);

impl Header<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(*head)
    }
}
