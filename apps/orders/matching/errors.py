"""What can go wrong between the engine, the journal and the tables."""


class MatchingError(Exception):
    """A fault of the order service; its text is one clear line."""


class JournalUnavailableError(MatchingError):
    """The journal cannot be read or written just now; whether a write landed is unknown."""


class JournalConflictError(MatchingError):
    """A batch of this number is in the journal already, or its sequences are."""

    def __init__(self, number: int) -> None:
        """Name the batch."""
        super().__init__(f"batch {number} is in the journal already")
        self.number = number


class JournalDamagedError(MatchingError):
    """A row of the journal is not what the engine made."""

    def __init__(self, shard: int, number: int, detail: str) -> None:
        """Name the batch and what is wrong with it."""
        super().__init__(f"the journal of shard {shard} is damaged at batch {number}: {detail}")
        self.number = number
        self.detail = detail


class DatabaseDamagedError(JournalDamagedError):
    """A database cannot make sense of its own file, and will not however often it is asked."""

    def __init__(self, name: str, detail: str) -> None:
        """Name the database and what it says; no batch can be named."""
        super(JournalDamagedError, self).__init__(f"{name} is damaged: {detail}")
        self.number = 0
        self.detail = detail


class JournalBehindTablesError(JournalDamagedError):
    """The tables were made from a journal that had more than this one, or something else."""


class ShardLostError(MatchingError):
    """Another writer has the shard."""


class ShardHeldError(MatchingError):
    """Another writer holds the shard's lease."""


class TradingHaltedError(MatchingError):
    """A check found the records wrong; nothing is accepted until a clean audit lifts the halt."""


class EngineFaultError(MatchingError):
    """The engine could not take a batch it should have taken."""


class ProjectionOvertakenError(MatchingError):
    """Another projector moved the tables on."""


class ProjectionRefusedError(MatchingError):
    """The tables refuse what a batch says: they are not what the batches before it made, or one of the two is wrong."""

    def __init__(self, shard: int, number: int, detail: str) -> None:
        """Name the batch and what the database says."""
        super().__init__(f"the tables of shard {shard} refuse batch {number}: {detail}")
        self.number = number


class ProjectionBusyError(MatchingError):
    """Another process projects this shard."""
