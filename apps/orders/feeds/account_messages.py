"""The messages of the private `account` channel: one for each event that counts in the account's sequence."""

from typing import Annotated, Any, NamedTuple

import msgspec

from apps.accounts.codes import AccountStatus, CashKind, WithdrawalEnd
from apps.accounts.events import (
    AccountChanged,
    AccountOpened,
    BalanceChanged,
    CashMoved,
    PositionChanged,
    PositionLimitSet,
    WithdrawalRequested,
    WithdrawalSettled,
)
from apps.accounts.shapes import BalanceBody
from apps.marketdata.reference import AssetReference, InstrumentReference
from apps.orders.events import OrderAccepted, OrderAmended, OrderCanceled, OrderReduced, OrderRejected
from apps.orders.shapes import (
    SELF_TRADE_PREVENTION_NAMES,
    FillBody,
    OrderBody,
    PositionBody,
    SelfTradePreventionText,
    position_body,
)
from cift.decimals import decimal_format
from cift.texts import AssetText, DecimalText, SymbolText, TimeText, words

ORDER_EVENT_NAMES: dict[type, str] = {
    OrderAccepted: "accepted",
    OrderRejected: "rejected",
    OrderCanceled: "canceled",
    OrderAmended: "amended",
    OrderReduced: "reduced",
}

CASH_KIND_NAMES = {member: member.name.lower() for member in CashKind}
WITHDRAWAL_END_NAMES = {member: member.name.lower() for member in WithdrawalEnd}
ACCOUNT_STATUS_NAMES = {member: member.name.lower() for member in AccountStatus}
_REQUESTED = "requested"


class Holding(NamedTuple):
    """What an account has of an asset, and how much of it is held."""

    total: int
    held: int


class AccountMessage(msgspec.Struct, gc=False, kw_only=True):
    """What all have; `at` is the batch's time."""

    channel: str = "account"
    account_sequence: int
    previous: int
    sequence: int
    at: TimeText


class AccountSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """The account whole, behind the message with this `account_sequence`; it replaces all before it.

    `orders` are the open ones, newest first; `orders_complete` is false where there are more than are shown.
    """

    channel: str = "account"
    account_sequence: int
    sequence: int
    resumed: bool = False
    orders: list[OrderBody]
    orders_complete: bool
    balances: list[BalanceBody]
    positions: list[PositionBody]


class OrderMessage(AccountMessage, tag_field="type", tag="order", gc=False, kw_only=True):
    """An order began, changed or ended; the order as it is now."""

    event: Annotated[str, words(ORDER_EVENT_NAMES.values())]
    order: OrderBody


class FillMessage(AccountMessage, tag_field="type", tag="fill", gc=False, kw_only=True):
    """An order traded; the order as it is now."""

    fill: FillBody
    order: OrderBody


class BalanceMessage(AccountMessage, tag_field="type", tag="balance", gc=False, kw_only=True):
    """A balance at the end of a batch."""

    balance: BalanceBody


class PositionMessage(AccountMessage, tag_field="type", tag="position", gc=False, kw_only=True):
    """A position at the end of a batch."""

    position: PositionBody


class CashBody(msgspec.Struct, gc=False):
    """A deposit, withdrawal or adjustment; `amount` is signed."""

    id: str
    kind: Annotated[str, words(CASH_KIND_NAMES.values())]
    asset: AssetText
    amount: DecimalText


class CashMessage(AccountMessage, tag_field="type", tag="cash", gc=False, kw_only=True):
    """Money entered or left."""

    cash: CashBody


class WithdrawalBody(msgspec.Struct, gc=False):
    """A withdrawal by the id it was asked for under."""

    id: str
    asset: AssetText
    amount: DecimalText


class WithdrawalMessage(AccountMessage, tag_field="type", tag="withdrawal", gc=False, kw_only=True):
    """A withdrawal was requested, which holds it, and then booked or released."""

    event: Annotated[str, words((_REQUESTED, *WITHDRAWAL_END_NAMES.values()))]
    withdrawal: WithdrawalBody


class AccountTermsBody(msgspec.Struct, gc=False):
    """What may change about an account."""

    status: Annotated[str, words(ACCOUNT_STATUS_NAMES.values())]
    killed: bool
    fee_tier: int | None
    open_orders_max: int | None
    self_trade_prevention: SelfTradePreventionText | None


class AccountTermsMessage(AccountMessage, tag_field="type", tag="account", gc=False, kw_only=True):
    """The account was opened or changed."""

    event: Annotated[str, words(("opened", "changed"))]
    account: AccountTermsBody


class PositionLimitBody(msgspec.Struct, gc=False):
    """How far a position may go; null: no bound."""

    symbol: SymbolText
    limit: DecimalText | None


class PositionLimitMessage(AccountMessage, tag_field="type", tag="position_limit", gc=False, kw_only=True):
    """A position's bound was set."""

    position_limit: PositionLimitBody


def balance_message(event: BalanceChanged, asset: AssetReference, head: dict[str, Any]) -> BalanceMessage:
    """Describe a balance."""
    return BalanceMessage(
        balance=BalanceBody(
            asset=asset.symbol,
            total=asset.amount_format(event.total),
            held=asset.amount_format(event.held),
            available=asset.amount_format(event.total - event.held),
            sequence=event.sequence,
        ),
        **head,
    )


def cash_message(event: CashMoved, asset: AssetReference, head: dict[str, Any]) -> CashMessage:
    """Describe a movement of money."""
    return CashMessage(
        cash=CashBody(
            id=event.id,
            kind=CASH_KIND_NAMES[event.kind],
            asset=asset.symbol,
            amount=asset.amount_format(event.amount),
        ),
        **head,
    )


def withdrawal_message(
    event: WithdrawalRequested | WithdrawalSettled, asset: AssetReference, head: dict[str, Any]
) -> WithdrawalMessage:
    """Return how a withdrawal goes on."""
    if isinstance(event, WithdrawalSettled):
        what, request = WITHDRAWAL_END_NAMES[event.end], event.request
    else:
        what, request = _REQUESTED, event.id
    body = WithdrawalBody(id=request, asset=asset.symbol, amount=asset.amount_format(event.amount))
    return WithdrawalMessage(event=what, withdrawal=body, **head)


def money_message(
    event: BalanceChanged | CashMoved | WithdrawalRequested | WithdrawalSettled,
    asset: AssetReference,
    head: dict[str, Any],
) -> BalanceMessage | CashMessage | WithdrawalMessage:
    """Return what became of an account's money."""
    if isinstance(event, BalanceChanged):
        return balance_message(event, asset, head)
    if isinstance(event, CashMoved):
        return cash_message(event, asset, head)
    return withdrawal_message(event, asset, head)


def position_message(
    event: PositionChanged, reference: InstrumentReference, base: Holding, head: dict[str, Any]
) -> PositionMessage:
    """Describe a position; `base`: what the same batch left of the base asset."""
    position = position_body(event, reference, base_total=base.total, base_held=base.held)
    return PositionMessage(position=position, **head)


def position_limit_message(
    event: PositionLimitSet, reference: InstrumentReference, head: dict[str, Any]
) -> PositionLimitMessage:
    """Describe a position's bound."""
    limit = decimal_format(event.limit, scale=reference.base_scale) if event.limit else None
    return PositionLimitMessage(position_limit=PositionLimitBody(symbol=reference.symbol, limit=limit), **head)


def account_message(event: AccountOpened | AccountChanged, head: dict[str, Any]) -> AccountTermsMessage:
    """Return what an account is allowed."""
    if isinstance(event, AccountOpened):
        terms = AccountTermsBody(
            status=ACCOUNT_STATUS_NAMES[AccountStatus.ACTIVE],
            killed=False,
            fee_tier=None,
            open_orders_max=None,
            self_trade_prevention=None,
        )
        return AccountTermsMessage(event="opened", account=terms, **head)
    terms = AccountTermsBody(
        status=ACCOUNT_STATUS_NAMES[event.status],
        killed=event.killed,
        fee_tier=event.fee_tier,
        open_orders_max=event.open_orders_max,
        self_trade_prevention=SELF_TRADE_PREVENTION_NAMES.get(event.stp),
    )
    return AccountTermsMessage(event="changed", account=terms, **head)
