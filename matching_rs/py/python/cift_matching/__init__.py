"""The matching and risk engine of CIFT Markets: bytes in, bytes out."""

from cift_matching._cift_matching import (
    ENGINE_VERSION,
    Batch,
    Engine,
    EngineError,
    FrameError,
    Projector,
    SnapshotError,
    sections,
    verify_chain,
)

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
