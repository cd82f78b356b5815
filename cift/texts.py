"""The texts that stand in answers, with what a schema says of each: all numbers but counts are strings."""

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from cift.names import ASSET_PATTERN, CLIENT_ORDER_ID_LENGTH_MAX, SYMBOL_LENGTH_MAX, SYMBOL_PATTERN

DECIMAL_PATTERN = r"^-?[0-9]{1,38}(\.[0-9]{1,38})?$"
TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
ID_PATTERN = r"^[0-9]{1,19}$"

DecimalText = Annotated[
    str, Meta(pattern=DECIMAL_PATTERN, description="A decimal in its shortest form.", examples=["150.01"])
]
TimeText = Annotated[
    str,
    Meta(
        pattern=TIME_PATTERN,
        description="RFC 3339, UTC, microseconds.",
        examples=["2026-01-31T09:30:00.000001Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
IdText = Annotated[str, Meta(pattern=ID_PATTERN, examples=["12217155584"])]
AssetText = Annotated[str, Meta(pattern=f"^{ASSET_PATTERN}$", max_length=SYMBOL_LENGTH_MAX, examples=["USD"])]
SymbolText = Annotated[str, Meta(pattern=f"^{SYMBOL_PATTERN}$", max_length=SYMBOL_LENGTH_MAX, examples=["AAPL-USD"])]
ClientIdText = Annotated[str, Meta(min_length=1, max_length=CLIENT_ORDER_ID_LENGTH_MAX, examples=["my-order-1"])]
UrlText = Annotated[str, Meta(examples=["https://example.com/api/v1/orders/?cursor=bzE3"])]
TokenText = Annotated[
    str,
    Meta(
        description="Opaque: give it to a read as `at_least`, and the read sees this write.",
        examples=["MC4xNy45Zjg2ZDA4MTg4NGM3ZDY1"],
    ),
]


def words(names: Iterable[str]) -> Any:
    """Say that a text is one of some words."""
    listed = sorted(names)
    return Meta(extra_json_schema={"enum": listed}, examples=listed[:1])
