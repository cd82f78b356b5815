"""Names that stand in addresses: which symbols and ids there are.

The engine decides (`instrument.rs`, `ids/valid.rs`), and the patterns here allow nothing it refuses. What a URL would
normalise away, `.` and `..` (RFC 3986, 5.2.4), is no name: `orders/by-client-order-id/../` would be `orders/`.
"""

from typing import Final

SYMBOL_LENGTH_MAX: Final = 32
"""The longest symbol, of an asset and of an instrument."""

CLIENT_ORDER_ID_LENGTH_MAX: Final = 64

ASSET_PATTERN: Final = r"[A-Z0-9][A-Z0-9.]{0,31}"
SYMBOL_PATTERN: Final = r"[A-Z0-9][A-Z0-9.]{0,29}-[A-Z0-9][A-Z0-9.]{0,29}"
CLIENT_ORDER_ID_PATTERN: Final = r"(\.{0,2}[A-Za-z0-9_:\-]|\.{3})[A-Za-z0-9_.:\-]{0,63}"
