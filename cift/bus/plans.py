"""What is declared of a stream, by whoever knows what it holds."""

from typing import Protocol


class StreamPlan(Protocol):
    """What is declared of a stream."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The patterns of its subjects."""

    @property
    def bytes_max(self) -> int:
        """How large it may be."""

    @property
    def age_s(self) -> int:
        """How long it keeps a message."""

    @property
    def message_bytes_max(self) -> int:
        """How large a message may be."""

    @property
    def duplicate_s(self) -> int:
        """For how long the double of a message's id is dropped."""

    @property
    def retention(self) -> str:
        """`limits`, `interest` or `workqueue`."""

    @property
    def discard(self) -> str:
        """Which messages are dropped at its bounds: `old` or `new`."""
