"""Tables of the order service: what was traded (projected), and what it rests on (journal, lease, snapshots).

The journal is the truth. Everything on the default alias is a projection of it, written by the projector alone, and
can be dropped and rebuilt. All amounts are integers of the smallest unit; all times are ns since the epoch, UTC.
References from projected rows carry no database constraint, so that a projection may write its tables in any order.
"""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.codes import Side
from apps.orders.codes import Liquidity, OrderType, TimeInForce
from apps.orders.ids import FILLS_PER_TRADE
from apps.orders.lifecycle import OPEN, OrderStatus
from cift.choices import choices_of, values_of

OPEN_STATUSES = tuple(sorted(int(status) for status in OPEN))
"""The statuses of an order that may still trade, as the tables hold them."""


class OrderQuerySet(models.QuerySet["Order"]):
    """Filters on orders."""

    def open(self) -> "OrderQuerySet":
        """Keep the orders that may still trade."""
        return self.filter(status__in=OPEN_STATUSES)

    def of_account(self, account_id: int) -> "OrderQuerySet":
        """Keep one account's orders."""
        return self.filter(account_id=account_id)


class Order(models.Model):
    """One order as it stands; `id` is the engine's."""

    id = models.BigIntegerField(primary_key=True)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        related_name="orders",
        db_constraint=False,
        db_index=False,
    )
    client_order_id = models.CharField(max_length=64)
    instrument = models.ForeignKey(
        "marketdata.Instrument",
        on_delete=models.PROTECT,
        related_name="orders",
        db_constraint=False,
        db_index=False,
    )
    side = models.SmallIntegerField(choices=choices_of(Side))
    type = models.SmallIntegerField(choices=choices_of(OrderType))
    time_in_force = models.SmallIntegerField(choices=choices_of(TimeInForce))
    flags = models.SmallIntegerField()
    self_trade_prevention = models.SmallIntegerField(choices=choices_of(SelfTradePrevention))
    price = models.BigIntegerField()
    quantity = models.BigIntegerField()
    quote_amount = models.BigIntegerField()
    status = models.SmallIntegerField(choices=choices_of(OrderStatus))
    filled_quantity = models.BigIntegerField()
    canceled_quantity = models.BigIntegerField()
    leaves_quantity = models.BigIntegerField()
    filled_notional = models.BigIntegerField()
    fee = models.BigIntegerField()
    reason = models.SmallIntegerField(default=0)
    sequence = models.BigIntegerField()
    created_at = models.BigIntegerField()
    updated_at = models.BigIntegerField()

    objects = OrderQuerySet.as_manager()

    class Meta:
        """Newest first; an order's quantity is always accounted for."""

        ordering = ("-id",)
        permissions = (("cancel_order", "Can cancel the orders of all accounts"),)
        indexes = (
            Index(fields=("account", "-id"), name="order_account"),
            Index(fields=("account", "client_order_id", "-id"), name="order_client_id"),
            # What is not named of status and side is walked value by value (lists.py).
            Index(fields=("account", "status", "side", "-id"), name="order_status_side"),
            Index(fields=("account", "instrument", "status", "side", "-id"), name="order_instrument"),
            Index(
                fields=("account", "instrument"),
                name="order_open",
                condition=Q(status__in=OPEN_STATUSES),
            ),
        )
        constraints = (
            CheckConstraint(condition=Q(side__in=values_of(Side)), name="order_side"),
            CheckConstraint(condition=Q(status__in=values_of(OrderStatus)), name="order_status"),
            CheckConstraint(
                condition=Q(
                    filled_quantity__gte=0,
                    canceled_quantity__gte=0,
                    leaves_quantity__gte=0,
                    filled_notional__gte=0,
                    fee__gte=0,
                ),
                name="order_not_negative",
            ),
            CheckConstraint(
                condition=Q(status=int(OrderStatus.REJECTED))
                | Q(quote_amount__gt=0)
                | Q(quantity=F("filled_quantity") + F("canceled_quantity") + F("leaves_quantity")),
                name="order_quantity_accounted",
            ),
            CheckConstraint(
                condition=Q(status__in=OPEN_STATUSES) | Q(leaves_quantity=0),
                name="order_terminal_leaves_nothing",
            ),
        )

    def __str__(self) -> str:
        """Name the order."""
        return f"order {self.pk}"


class Fill(models.Model):
    """One order's side of a trade; the layout of `id` is in `apps.orders.ids`."""

    id = models.BigIntegerField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills", db_constraint=False)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        related_name="fills",
        db_constraint=False,
        db_index=False,
    )
    instrument = models.ForeignKey(
        "marketdata.Instrument",
        on_delete=models.PROTECT,
        related_name="fills",
        db_constraint=False,
        db_index=False,
    )
    side = models.SmallIntegerField(choices=choices_of(Side))
    price = models.BigIntegerField()
    quantity = models.BigIntegerField()
    notional = models.BigIntegerField()
    fee = models.BigIntegerField()
    liquidity = models.SmallIntegerField(choices=choices_of(Liquidity))
    trade_id = models.BigIntegerField()
    executed_at = models.BigIntegerField()

    class Meta:
        """Newest first; the id says which side of which trade it is."""

        ordering = ("-id",)
        indexes = (
            Index(fields=("account", "-id"), name="fill_account"),
            Index(fields=("account", "instrument", "-id"), name="fill_instrument"),
            Index(fields=("instrument", "-id"), name="fill_trade", condition=Q(liquidity=int(Liquidity.TAKER))),
        )
        constraints = (
            CheckConstraint(condition=Q(side__in=values_of(Side)), name="fill_side"),
            CheckConstraint(condition=Q(liquidity__in=values_of(Liquidity)), name="fill_liquidity"),
            CheckConstraint(
                condition=Q(price__gt=0, quantity__gt=0, notional__gt=0, fee__gte=0),
                name="fill_positive",
            ),
            CheckConstraint(condition=Q(id=F("trade_id") * FILLS_PER_TRADE + F("liquidity")), name="fill_id"),
        )

    def __str__(self) -> str:
        """Name the fill."""
        return f"fill {self.pk}"


class Position(models.Model):
    """What an account bought of an instrument less what it sold there, and what that cost; negative: it is short.

    An account sells no more than it has of the base asset, so a short position is of what came by deposits.
    """

    base_total: int
    base_held: int

    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        related_name="positions",
        db_constraint=False,
        db_index=False,
    )
    instrument = models.ForeignKey(
        "marketdata.Instrument",
        on_delete=models.PROTECT,
        related_name="positions",
        db_constraint=False,
        db_index=False,
    )
    quantity = models.BigIntegerField()
    cost = models.BigIntegerField()
    realised = models.BigIntegerField()
    fees = models.BigIntegerField()
    sequence = models.BigIntegerField()

    class Meta:
        """One row for an account and an instrument."""

        constraints = (UniqueConstraint(fields=("account", "instrument"), name="position_unique"),)

    def __str__(self) -> str:
        """Name the position."""
        return f"position of account {self.account_id} in instrument {self.instrument_id}"


class PositionLimit(models.Model):
    """How far an account's position in an instrument may go; 0 for no limit."""

    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        related_name="position_limits",
        db_constraint=False,
        db_index=False,
    )
    instrument = models.ForeignKey(
        "marketdata.Instrument",
        on_delete=models.PROTECT,
        related_name="position_limits",
        db_constraint=False,
        db_index=False,
    )
    limit = models.BigIntegerField()

    class Meta:
        """One row for an account and an instrument."""

        constraints = (
            UniqueConstraint(fields=("account", "instrument"), name="position_limit_unique"),
            CheckConstraint(condition=Q(limit__gte=0), name="position_limit_not_negative"),
        )

    def __str__(self) -> str:
        """Name the limit."""
        return f"position limit of account {self.account_id} in instrument {self.instrument_id}"


class VenueState(models.Model):
    """The venue-wide switches of a shard."""

    shard = models.SmallIntegerField(primary_key=True)
    killed = models.BooleanField(default=False)

    class Meta:
        """Who may switch it."""

        permissions = (("kill_venuestate", "Can set the venue's kill switch"),)

    def __str__(self) -> str:
        """Name the shard."""
        return f"venue state of shard {self.shard}"


class Projection(models.Model):
    """How far the tables of this database follow a shard's journal; moved in the transaction that writes them."""

    shard = models.SmallIntegerField(primary_key=True)
    last_number = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    chain = models.BinaryField(max_length=32)
    updated_at = models.BigIntegerField()

    class Meta:
        """Never before the beginning."""

        constraints = (
            CheckConstraint(condition=Q(last_number__gte=0, last_sequence__gte=0), name="projection_not_negative"),
        )

    def __str__(self) -> str:
        """Say how far it is."""
        return f"shard {self.shard} projected to batch {self.last_number}"


class Retention(models.Model):
    """How far old rows of simulated accounts have left a shard's tables: up to this sequence, and never back.

    `within`: of an order that ended at the next sequence and has many rows, fills and revisions up to here have left.
    """

    shard = models.SmallIntegerField(primary_key=True)
    sequence = models.BigIntegerField()
    within = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        """Say how far."""
        return f"shard {self.shard} without old simulated rows up to sequence {self.sequence}"


class JournalBatch(models.Model):
    """One durable batch: its commit is what makes its orders true.

    The primary key is the fence: of two writers that try the same number, one fails.
    """

    pk = models.CompositePrimaryKey("shard", "number")
    shard = models.SmallIntegerField()
    number = models.BigIntegerField()
    epoch = models.BigIntegerField()
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    at = models.BigIntegerField()
    engine_version = models.IntegerField()
    commands = models.BinaryField()
    events = models.BinaryField()
    chain = models.BinaryField(max_length=32)

    class Meta:
        """Sequences overlap nowhere."""

        constraints = (
            UniqueConstraint(fields=("shard", "first_sequence"), name="journal_first_sequence"),
            CheckConstraint(
                condition=Q(number__gte=1, epoch__gte=1, first_sequence__gte=1, last_sequence__gte=F("first_sequence")),
                name="journal_counts",
            ),
        )

    def __str__(self) -> str:
        """Name the batch."""
        return f"batch {self.number} of shard {self.shard}"


class WriterLease(models.Model):
    """Who may try to write a shard; `expires_at` is by the database's clock. The fence is the journal's key."""

    shard = models.SmallIntegerField(primary_key=True)
    epoch = models.BigIntegerField()
    holder = models.CharField(max_length=128)
    expires_at = models.BigIntegerField()

    def __str__(self) -> str:
        """Name the holder."""
        return f"shard {self.shard} held by {self.holder}"


class TradingHalt(models.Model):
    """A shard that was stopped because a check found its records wrong; lifted by a clean audit."""

    shard = models.SmallIntegerField(primary_key=True)
    number = models.BigIntegerField()
    detail = models.TextField()
    raised_at = models.BigIntegerField()

    def __str__(self) -> str:
        """Say what was found."""
        return f"shard {self.shard} halted at batch {self.number}: {self.detail}"


class Snapshot(models.Model):
    """The engine's whole state behind one batch, made by the verifier; the start reads the last good one."""

    shard = models.SmallIntegerField()
    number = models.BigIntegerField()
    sequence = models.BigIntegerField()
    chain = models.BinaryField(max_length=32)
    state_hash = models.BinaryField(max_length=32)
    engine_version = models.IntegerField()
    at = models.BigIntegerField()
    data = models.BinaryField()
    checksum = models.BinaryField(max_length=32)

    class Meta:
        """One for a batch."""

        constraints = (
            UniqueConstraint(fields=("shard", "number"), name="snapshot_unique"),
            CheckConstraint(condition=Q(number__gte=1), name="snapshot_number"),
        )

    def __str__(self) -> str:
        """Name the snapshot."""
        return f"snapshot of shard {self.shard} behind batch {self.number}"


class OrderRevision(models.Model):
    """An amendment or a reduction of an order, projected: the event that neither its row nor its fills lead to."""

    sequence = models.BigIntegerField(primary_key=True)
    order_id = models.BigIntegerField(db_index=True)
    account_id = models.BigIntegerField()

    def __str__(self) -> str:
        """Name the event and the order."""
        return f"revision {self.sequence} of order {self.order_id}"


class BookMark(models.Model):
    """One book's orders behind one batch, made by the verifier: where a look back at the book begins.

    `orders`: compressed rows of id, side, price and leaves, the first of each price first.
    """

    shard = models.SmallIntegerField()
    instrument = models.BigIntegerField()
    number = models.BigIntegerField()
    sequence = models.BigIntegerField()
    last_price = models.BigIntegerField(null=True)
    orders = models.BinaryField()

    class Meta:
        """One for a book and a batch; found by the event before which it was made."""

        constraints = (UniqueConstraint(fields=("shard", "instrument", "sequence"), name="book_mark_unique"),)

    def __str__(self) -> str:
        """Name the book and the batch."""
        return f"book {self.instrument} of shard {self.shard} behind batch {self.number}"


class Verification(models.Model):
    """How far the verifier is, and what its engine holds there; written by it at most once a second."""

    shard = models.SmallIntegerField(primary_key=True)
    last_number = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    open_orders = models.BigIntegerField()
    ids = models.BigIntegerField()

    def __str__(self) -> str:
        """Say how far it is."""
        return f"shard {self.shard} verified to batch {self.last_number}"


class EngineBounds(models.Model):
    """The bounds a shard's engine has had since its first batch; executing the journal again needs the same."""

    shard = models.SmallIntegerField(primary_key=True)
    open_orders_max = models.BigIntegerField()
    ids_max = models.BigIntegerField()
    ids_window_ns = models.BigIntegerField()

    def __str__(self) -> str:
        """Name the shard."""
        return f"bounds of shard {self.shard}"
