"""From a request's fields to a command."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from apps.marketdata.reference import references, symbol_find
from apps.orders.codes import FLAG_POST_ONLY, OrderType, TimeInForce
from apps.orders.commands import AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, SubmitOrder
from apps.orders.entry.fields import (
    AMEND_FIELDS,
    BATCH_FIELDS,
    BATCH_OPERATION,
    CANCEL_ALL_FIELDS,
    CANCEL_FIELDS,
    SUBMIT_FIELDS,
    client_order_id_make,
    deadline_of,
)
from apps.orders.entry.order_cache import order_terms
from apps.orders.state import OrderTerms
from cift.decimals import DecimalError
from cift.errors.application import ApplicationError, FieldError
from cift.fields import FieldInvalidError, fields_read, number


def scaled(
    read: Mapping[str, Any], name: str, parse: Callable[[str], int], errors: list[FieldError], *, path: str = ""
) -> int | None:
    """Make one decimal an integer at its scale; faults are added to `errors`."""
    given = read[name]
    if given is None:
        return None
    try:
        return parse(given)
    except DecimalError as error:
        errors.append(FieldError(field=path + name, code=error.code, detail=error.detail))
        return None


def _submit_faults(read: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name fields that are missing or do not go together."""
    faults: list[tuple[str, str, str]] = []
    has = {name for name in ("price", "quantity", "quote_amount") if read[name] is not None}
    if read["type"] is OrderType.LIMIT:
        faults += [(name, "required", "A limit order needs it.") for name in ("price", "quantity") if name not in has]
        if "quote_amount" in has:
            faults.append(("quote_amount", "invalid", "Only a market order is sized by quote amount."))
        return faults
    if "price" in has:
        faults.append(("price", "invalid", "A market order has no price."))
    if {"quantity", "quote_amount"} <= has:
        faults.append(("quote_amount", "invalid", "Either a quantity or a quote amount."))
    if not {"quantity", "quote_amount"} & has:
        faults.append(("quantity", "required", "A market order needs a quantity or a quote amount."))
    return faults


async def submit_read(
    given: Any, *, account: int, at: int, path: str = "", id_make: Callable[[], str] = client_order_id_make
) -> SubmitOrder:
    """Read a new order; `id_make` makes its id where it has none.

    Raises:
        ApplicationError: `invalid`, `instrument_unknown`.

    """
    errors: list[FieldError] = []
    prefix = f"{path}." if path else ""
    read = fields_read(given, SUBMIT_FIELDS, errors, path=path)
    if not errors:
        errors += [FieldError(field=prefix + name, code=code, detail=why) for name, code, why in _submit_faults(read)]
    _raise_if(errors)
    client_order_id = read["client_order_id"] or id_make()
    try:
        reference = await symbol_find(read["symbol"])
    except ApplicationError as error:
        error.extra["client_order_id"] = client_order_id
        raise
    price = scaled(read, "price", reference.price_parse, errors, path=prefix)
    quantity = scaled(read, "quantity", reference.quantity_parse, errors, path=prefix)
    quote_amount = scaled(read, "quote_amount", reference.amount_parse, errors, path=prefix)
    _raise_if(errors)
    default_tif = TimeInForce.GTC if read["type"] is OrderType.LIMIT else TimeInForce.IOC
    return SubmitOrder(
        account=account,
        id=client_order_id,
        deadline=deadline_of(read["deadline"], at=at),
        instrument=reference.id,
        side=read["side"],
        type=read["type"],
        tif=default_tif if read["time_in_force"] is None else read["time_in_force"],
        flags=FLAG_POST_ONLY if read["post_only"] else 0,
        stp=read["self_trade_prevention"],
        price=price or 0,
        quantity=quantity or 0,
        quote_amount=quote_amount or 0,
    )


def _raise_if(errors: Sequence[FieldError]) -> None:
    if errors:
        raise ApplicationError("invalid", errors=errors)


async def amend_read(
    given: Any, *, account: int, at: int, path: str = "", known: Mapping[int, OrderTerms] | None = None
) -> AmendOrder:
    """Read a change of an order; `known`: all orders it may be of, where they have been looked up already.

    Raises:
        ApplicationError: `invalid`; `not_found`: no such order of this account.

    """
    errors: list[FieldError] = []
    prefix = f"{path}." if path else ""
    read = fields_read(given, AMEND_FIELDS, errors, path=path)
    if not errors and read["price"] is None and read["quantity"] is None:
        errors.append(FieldError(field=f"{prefix}quantity", code="required", detail="A price or a quantity."))
    _raise_if(errors)
    order_id: int = read["id"]
    terms = (await order_terms.find([order_id]) if known is None else known).get(order_id)
    reference = (
        None if terms is None else references.by_id(terms.instrument) or await references.find_id(terms.instrument)
    )
    if terms is None or reference is None or terms.account != account:
        raise ApplicationError("not_found", "There is no such order.")
    price = scaled(read, "price", reference.price_parse, errors, path=prefix)
    quantity = scaled(read, "quantity", reference.quantity_parse, errors, path=prefix)
    _raise_if(errors)
    return AmendOrder(
        account=account,
        deadline=deadline_of(read["deadline"], at=at),
        order_id=order_id,
        price=price,
        quantity=quantity,
    )


def cancel_read(given: Any, *, account: int, at: int, path: str = "") -> CancelOrder:
    """Read a cancel by an order's id or by the client's.

    Raises:
        ApplicationError: `invalid`.

    """
    errors: list[FieldError] = []
    read = fields_read(given, CANCEL_FIELDS, errors, path=path)
    if not errors and (read["id"] is None) == (read["client_order_id"] is None):
        field = f"{path}.id" if path else "id"
        errors.append(FieldError(field=field, code="required", detail="Either an id or a client order id."))
    _raise_if(errors)
    return CancelOrder(
        account=account,
        deadline=deadline_of(read["deadline"], at=at),
        order_id=read["id"] or 0,
        id=read["client_order_id"] or "",
    )


async def cancel_all_read(given: Any, *, account: int, at: int) -> CancelOrders:
    """Read a cancel of all orders that fit.

    Raises:
        ApplicationError: `invalid`, `instrument_unknown`.

    """
    errors: list[FieldError] = []
    read = fields_read(given, CANCEL_ALL_FIELDS, errors)
    _raise_if(errors or _scope_errors(read))
    reference = None if read["symbol"] is None else await symbol_find(read["symbol"])
    price_min = None if reference is None else scaled(read, "price_min", reference.price_parse, errors)
    price_max = None if reference is None else scaled(read, "price_max", reference.price_parse, errors)
    _raise_if(errors)
    return CancelOrders(
        account=account,
        deadline=deadline_of(read["deadline"], at=at),
        instrument=0 if reference is None else reference.id,
        side=read["side"],
        price_min=price_min,
        price_max=price_max,
    )


def _scope_errors(read: Mapping[str, Any]) -> list[FieldError]:
    """Find what a mass cancel leaves open of what it cancels: all has to be said, and said alone."""
    prices = [name for name in ("price_min", "price_max") if read[name] is not None]
    if read["symbol"] is None and prices:
        return [FieldError(field=name, code="invalid", detail="Prices are those of a symbol.") for name in prices]
    filtered = read["symbol"] is not None or read["side"] is not None
    if filtered and read["all"]:
        return [FieldError(field="all", code="invalid", detail="Either all orders or those of a symbol or a side.")]
    if not filtered and not read["all"]:
        return [FieldError(field="all", code="required", detail="Name a symbol or a side, or say all: true.")]
    return []


class BatchRead(NamedTuple):
    """A batch to be sent, and the errors of the commands that are not, by their places among all that came."""

    batch: Batch
    refused: Mapping[int, ApplicationError]


async def batch_read(given: Any, *, account: int, at: int) -> BatchRead:
    """Read a batch; the faults of all its members are told at once.

    A member that is well-formed and of nothing there is (no such instrument, no such order to amend) is refused for
    itself, unless all are to be applied or none.

    Raises:
        ApplicationError: `invalid`; of an atomic batch `instrument_unknown`, `not_found`.

    """
    errors: list[FieldError] = []
    read = fields_read(given, BATCH_FIELDS, errors)
    batch_id = None if errors else read["client_batch_id"]
    if batch_id is not None and not read["atomic"]:
        errors.append(FieldError(field="client_batch_id", code="invalid", detail="Only an atomic batch has an id."))
    _raise_if(errors)
    known = await order_terms.find(_amended(read["orders"]))
    members: list[BatchMember] = []
    refused: dict[int, ApplicationError] = {}
    for index, member in enumerate(read["orders"]):
        try:
            id_make = partial(client_order_id_make, batch_id=batch_id, index=index)
            path = f"orders.{index}"
            members.append(await _member_read(member, account=account, at=at, path=path, known=known, id_make=id_make))
        except ApplicationError as error:
            if error.code == "invalid":
                errors += error.errors
            elif error.code in _OF_NOTHING and not read["atomic"]:
                refused[index] = error
            else:
                error.extra["index"] = index
                raise
    _raise_if(errors)
    batch = Batch(
        account=account,
        id=batch_id or "",
        deadline=deadline_of(read["deadline"], at=at),
        atomic=read["atomic"],
        members=members,
    )
    return BatchRead(batch, refused)


_OF_NOTHING = frozenset({"instrument_unknown", "not_found"})


def _amended(members: Iterable[Any]) -> Iterator[int]:
    """Name the orders a batch amends, so that all are looked up in one go; faults are found when it is read."""
    for member in members:
        if isinstance(member, Mapping) and member.get("op") == "amend":
            with suppress(FieldInvalidError):
                yield number(member.get("id"))


async def _member_read(
    given: Any,
    *,
    account: int,
    at: int,
    path: str,
    known: Mapping[int, OrderTerms],
    id_make: Callable[[], str],
) -> BatchMember:
    fields = dict(given) if isinstance(given, Mapping) else given
    operation = "submit"
    if isinstance(fields, dict) and "op" in fields:
        try:
            operation = BATCH_OPERATION(fields.pop("op"))
        except FieldInvalidError as error:
            fault = FieldError(field=f"{path}.op", code=error.code, detail=error.detail)
            raise ApplicationError("invalid", errors=[fault]) from error
    if operation == "submit":
        return await submit_read(fields, account=account, at=at, path=path, id_make=id_make)
    if operation == "amend":
        return await amend_read(fields, account=account, at=at, path=path, known=known)
    return cancel_read(fields, account=account, at=at, path=path)
