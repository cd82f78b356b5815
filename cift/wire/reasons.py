"""Why a command was refused or an order ended: numbered by component, stable, never reused."""

from enum import IntEnum


class Reason(IntEnum):
    """The hundreds name the component that gives it; the same table is in the engine."""

    ACCOUNT_UNKNOWN = 101
    ACCOUNT_INACTIVE = 102
    ACCOUNT_KILLED = 103
    VENUE_KILLED = 104
    INSTRUMENT_UNKNOWN = 201
    INSTRUMENT_HALTED = 202
    INSTRUMENT_CANCEL_ONLY = 203
    PRICE_NOT_ON_TICK = 301
    QUANTITY_NOT_ON_LOT = 302
    QUANTITY_TOO_SMALL = 303
    QUANTITY_TOO_LARGE = 304
    NOTIONAL_TOO_SMALL = 305
    PRICE_INVALID = 306
    QUANTITY_INVALID = 307
    AMOUNT_OVERFLOW = 308
    ORDER_INVALID = 309
    PRICE_OUTSIDE_BAND = 401
    NO_REFERENCE_PRICE = 402
    OPEN_ORDERS_LIMIT = 501
    POSITION_LIMIT = 502
    VENUE_OPEN_ORDERS_LIMIT = 503
    IDS_EXHAUSTED = 504
    WITHDRAWALS_LIMIT = 505
    MASS_CANCELS_LIMIT = 506
    INSUFFICIENT_FUNDS = 601
    POST_ONLY_WOULD_CROSS = 701
    USER_REQUESTED = 801
    MASS_CANCEL = 802
    IMMEDIATE_OR_CANCEL = 803
    FILL_OR_KILL = 804
    SELF_TRADE_PREVENTION = 805
    NO_LIQUIDITY = 806
    SLIPPAGE_CAP = 807
    FUNDS_EXHAUSTED = 808
    QUOTE_REMAINDER = 809
    AMENDED_BELOW_FILLED = 810
    QUANTITY_BELOW_LOT = 811
    MALFORMED = 901
    UNSUPPORTED_VERSION = 902
    DEADLINE_PASSED = 903
    ORDER_UNKNOWN = 904
    ALREADY_EXISTS = 905
    ASSET_UNKNOWN = 906
    BATCH_TOO_LARGE = 907
    BATCH_MEMBER_REFUSED = 908
    VENUE_NOT_OPEN = 909
    AMOUNT_INVALID = 910
    TIER_INVALID = 911
    ID_INVALID = 912
    EPOCH_STALE = 913
    LISTING_INVALID = 915
    OPEN_ORDERS_EXIST = 916
    WITHDRAWAL_UNKNOWN = 917

    @property
    def code(self) -> str:
        """The stable name shown to clients."""
        return self.name.lower()

    @property
    def title(self) -> str:
        """One sentence for people."""
        return _TITLES[self]


_TITLES: dict[Reason, str] = {
    Reason.ACCOUNT_UNKNOWN: "There is no such account",
    Reason.ACCOUNT_INACTIVE: "The account is suspended",
    Reason.ACCOUNT_KILLED: "The account's kill switch is on",
    Reason.VENUE_KILLED: "The venue's kill switch is on",
    Reason.INSTRUMENT_UNKNOWN: "There is no such instrument",
    Reason.INSTRUMENT_HALTED: "The instrument is halted",
    Reason.INSTRUMENT_CANCEL_ONLY: "The instrument takes cancels only",
    Reason.PRICE_NOT_ON_TICK: "The price is not a multiple of the tick size",
    Reason.QUANTITY_NOT_ON_LOT: "The quantity is not a multiple of the lot size",
    Reason.QUANTITY_TOO_SMALL: "The quantity is below the instrument's minimum",
    Reason.QUANTITY_TOO_LARGE: "The quantity is above the instrument's maximum",
    Reason.NOTIONAL_TOO_SMALL: "Price times quantity is below the instrument's minimum",
    Reason.PRICE_INVALID: "The price is missing, zero, negative or not wanted",
    Reason.QUANTITY_INVALID: "The quantity is missing, zero, negative or not wanted",
    Reason.AMOUNT_OVERFLOW: "The amount is too large to be computed",
    Reason.ORDER_INVALID: "The order's terms contradict each other",
    Reason.PRICE_OUTSIDE_BAND: "The price is outside the band around the reference price",
    Reason.NO_REFERENCE_PRICE: "There is no reference price yet",
    Reason.OPEN_ORDERS_LIMIT: "The account's limit of open orders is reached",
    Reason.POSITION_LIMIT: "The position limit would be exceeded",
    Reason.VENUE_OPEN_ORDERS_LIMIT: "The venue's limit of open orders is reached",
    Reason.IDS_EXHAUSTED: "The venue's limit of remembered client order ids is reached",
    Reason.WITHDRAWALS_LIMIT: "The venue's limit of open withdrawals is reached",
    Reason.MASS_CANCELS_LIMIT: "Too many mass cancels of the account are not over yet",
    Reason.INSUFFICIENT_FUNDS: "Insufficient funds",
    Reason.POST_ONLY_WOULD_CROSS: "A post-only order would have traded at once",
    Reason.USER_REQUESTED: "Canceled by its owner",
    Reason.MASS_CANCEL: "Canceled by a mass cancel",
    Reason.IMMEDIATE_OR_CANCEL: "What could not trade at once was canceled",
    Reason.FILL_OR_KILL: "Could not be filled at once and in full",
    Reason.SELF_TRADE_PREVENTION: "Would have traded with an account of its own group",
    Reason.NO_LIQUIDITY: "No liquidity left in the book",
    Reason.SLIPPAGE_CAP: "Would have traded further from the touch than the cap",
    Reason.FUNDS_EXHAUSTED: "Free funds ran out while it traded",
    Reason.QUOTE_REMAINDER: "What is left of the amount buys less than a lot",
    Reason.AMENDED_BELOW_FILLED: "Amended to or below what was filled",
    Reason.QUANTITY_BELOW_LOT: "The quote amount does not make a whole lot",
    Reason.MALFORMED: "The command could not be read",
    Reason.UNSUPPORTED_VERSION: "The command's version is not known",
    Reason.DEADLINE_PASSED: "The command came after its deadline",
    Reason.ORDER_UNKNOWN: "There is no such open order",
    Reason.ALREADY_EXISTS: "It exists already",
    Reason.ASSET_UNKNOWN: "There is no such asset",
    Reason.BATCH_TOO_LARGE: "Too many commands in one batch",
    Reason.BATCH_MEMBER_REFUSED: "A command of an atomic batch was refused",
    Reason.VENUE_NOT_OPEN: "The venue is not open",
    Reason.AMOUNT_INVALID: "The amount is zero or negative",
    Reason.TIER_INVALID: "There is no such fee tier",
    Reason.ID_INVALID: "The id is empty, too long or has characters that are not allowed",
    Reason.EPOCH_STALE: "The epoch is not newer than the current one",
    Reason.LISTING_INVALID: "The listing's terms contradict each other",
    Reason.OPEN_ORDERS_EXIST: "There are open orders",
    Reason.WITHDRAWAL_UNKNOWN: "There is no such open withdrawal",
}
