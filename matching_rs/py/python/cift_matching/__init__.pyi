# ruff: noqa: PYI021  # the stub is this module's documentation: its source is Rust
"""The matching and risk engine of CIFT Markets: bytes in, bytes out.

Commands, events, replies and blocks are MessagePack arrays; ARCHITECTURE.md has their fields. Prices, quantities and
money are integers in the units of the wire, times are ns since the epoch, UTC. Every function that works on an engine
frees the interpreter once while it does; an engine may be shared by threads, its calls then wait for one another.
"""

from collections.abc import Sequence
from typing import Final, final

__all__ = [
    "ENGINE_VERSION",
    "Batch",
    "Engine",
    "EngineError",
    "FrameError",
    "Projector",
    "SnapshotError",
    "sections",
    "verify_chain",
]

# Raised by every change that may give other events or another state for the same commands.
ENGINE_VERSION: Final[int]

class EngineError(ValueError):
    """The engine cannot be built, or failed inside and must be made anew from the journal."""

class FrameError(EngineError):
    """The bytes are no frame, past a bound, or do not follow the batch before. The engine is as it was."""

class SnapshotError(EngineError):
    """The bytes are no snapshot, are damaged, or are of another engine version."""

@final
class Batch:
    """What one frame of commands came to. Nothing in it changes when the engine goes on."""

    @property
    def number(self) -> int:
        """Its place in the journal."""

    @property
    def at(self) -> int:
        """Its time, ns since the epoch, UTC."""

    @property
    def count(self) -> int:
        """How many commands it held."""

    @property
    def first_sequence(self) -> int:
        """Sequence of its first event."""

    @property
    def last_sequence(self) -> int:
        """Sequence of its last event."""

    @property
    def engine_version(self) -> int:
        """Version of the engine that made it."""

    @property
    def commands(self) -> bytes:
        """The frame as it was given: the journal's column."""

    @property
    def events(self) -> bytes:
        """Per command a length (u32, little endian) and its events, then the batch's own: the journal's column."""

    @property
    def chain(self) -> bytes:
        """32 bytes that link the batch to all before it."""

    @property
    def kill_switch(self) -> tuple[int, bool] | None:
        """The venue's kill switch as the batch set it last: the event's sequence, and whether it is on."""

    @property
    def is_canceling(self) -> bool:
        """A mass cancel is not over behind it: `ContinueCancels` is to be sent."""

    def replies(self) -> list[bytes]:
        """Return each command's reply, in order: `[number, at, section]`."""

    def accounts(self) -> list[tuple[int, bytes]]:
        """Return each touched account's block, by account: `[number, at, account, [event, …]]`."""

    def books(self) -> list[tuple[int, bytes]]:
        """Return each touched book's block, by instrument.

        `[number, at, instrument, previous_sequence, sequence, bids, asks, best_bid, best_ask, trades, status]`.
        """

@final
class Engine:
    """One shard: its accounts, instruments and books. Deterministic: it reads no clock and no randomness."""

    def __new__(
        cls,
        *,
        open_orders_max: int = 1_048_575,
        ids_max: int = 4_194_303,
        ids_window_ns: int = ...,
    ) -> Engine:
        """Make an empty shard.

        open_orders_max: orders open at once; ids_max: client ids remembered; ids_window_ns: for how long after the end,
        24 hours when not given.

        Raises: EngineError when a bound is past what the engine can hold.
        """

    def apply(self, commands: bytes, *, number: int, at: int) -> Batch:
        """Apply one frame of commands as batch `number` at time `at` (ns since the epoch, UTC).

        A command that does not decode is answered by an event; only a bad frame is refused as a whole.

        Raises: FrameError, and nothing happened; EngineError when the engine failed and must be dropped.
        """

    def retrace(self, rows: list[tuple[int, int, int, int, int, int, bytes, bytes, bytes]]) -> tuple[int, str] | None:
        """Apply batches the journal holds, in order, and hold what each gives against what its row says.

        rows: number, epoch, first and last sequence, time, engine version, commands, events, chain hash.
        Gives the number of the first that is missing or not true, and why; the engine is then of no more use.

        Raises: EngineError when the engine failed and must be dropped.
        """

    def query(self, query: bytes) -> bytes:
        """Read the state behind the last batch: MessagePack array `[kind, …]` in, MessagePack value out.

        Raises: FrameError when the bytes are no query.
        """

    def snapshot(self) -> bytes:
        """Return the full state behind the last batch, with number, time, chain and bounds."""

    @staticmethod
    def restore(snapshot: bytes) -> Engine:
        """Make a shard from a snapshot, with the bounds it was made with.

        Raises: SnapshotError.
        """

    def state_hash(self) -> bytes:
        """Return 32 bytes over the full state, queue order included."""

    def validate(self) -> str | None:
        """Check the engine's own invariants; the first violation in words. Slow: for audits and tests."""

    @property
    def number(self) -> int:
        """Number of the last batch; 0 before the first."""

    @property
    def at(self) -> int:
        """Time of the last batch, ns since the epoch, UTC."""

    @property
    def sequence(self) -> int:
        """Sequence of the last event."""

    @property
    def epoch(self) -> int:
        """The epoch that was opened last."""

    @property
    def chain(self) -> bytes:
        """Chain hash of the last batch; 32 zero bytes before the first."""

@final
class Projector:
    """Turns journal batches into rows for the tables. It remembers only the units of assets and instruments."""

    def __new__(cls) -> Projector:
        """Make a projector that knows no instrument."""

    def seed(
        self,
        *,
        assets: Sequence[tuple[int, int]],
        instruments: Sequence[tuple[int, int, int, int]],
    ) -> None:
        """Return what earlier batches listed; what later ones list is learned from them.

        assets: (id, scale); instruments: (id, base asset, quote asset, price scale).

        Raises: FrameError when an instrument's asset is not told.
        """

    def pack(self, batches: Sequence[tuple[int, int, bytes]]) -> bytes:
        """Return the rows of some batches, `(number, at, events)` in their order, as 17 MessagePack lists of rows.

        Each row is final for the call, however often it was touched. A `?` may be None: it stays as it is.

        - orders_new: id, account, client_order_id, instrument, side, type, time_in_force, flags, stp, price, quantity,
          quote_amount, status, filled_quantity, canceled_quantity, leaves_quantity, filled_notional, fee,
          reason (0: none), sequence, created_at, updated_at
        - orders_changed (entered in an earlier call): id, price?, quantity?, status?, filled_added, canceled_added,
          leaves, filled_notional?, fee?, reason?, sequence, updated_at; `_added` is added to what is there
        - fills: id, order, account, instrument, side, price, quantity, notional, fee, liquidity, trade_id, executed_at
        - ledger: sequence, leg, account, asset, amount, kind, created_at
        - balances: account, asset, total, held, sequence
        - positions: account, instrument, quantity, cost, realised, fees, sequence
        - accounts_new: id, owner?, group, status, killed, fee_tier, open_orders_max, stp, opened_at, sequence
        - accounts_changed: id, status, killed, fee_tier, open_orders_max, stp, sequence
        - assets: id, symbol, scale
        - instruments: id, symbol, kind, base, quote, price_scale, tick_size, lot_size, quantity_min, quantity_max,
          notional_min, band_ppm, slippage_ppm, reference_price, maker_ppm, taker_ppm, status
        - instruments_changed (listed in an earlier call): id, status?, tick_size?, lot_size?, quantity_min?,
          quantity_max?, notional_min?, band_ppm?, slippage_ppm?, reference_price?, maker_ppm?, taker_ppm?
        - fee_tiers: instrument, tier, maker_ppm, taker_ppm
        - position_limits: account, instrument, limit
        - withdrawals_new: id, account, command_id, asset, amount, status (0 requested, 1 booked, 2 released),
          requested_at, settled_at?, sequence
        - withdrawals_changed (asked for in an earlier call): id, status, settled_at, sequence
        - venue: killed (at most one row)
        - last: number, sequence, at of the last batch (one row; none when no batch was given)

        Raises: FrameError when the bytes are not events, or trade an instrument that was neither listed nor told.
        """

def sections(events: bytes) -> list[bytes]:
    """Cut a journal row's events into its sections; the last is the batch's own.

    Raises: FrameError when they are cut short.
    """

def verify_chain(previous: bytes, number: int, at: int, engine_version: int, commands: bytes, events: bytes) -> bytes:
    """Work out the chain hash a journal row must carry.

    previous: 32 bytes, all zero before the first batch.
    """
