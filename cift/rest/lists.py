"""A list over REST: its filters, its key, the shape of its rows, and one way to ask for a page and to answer it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from cift.fields import Field
from cift.rest.pages import Key, PageAsk, PageRequest, page_answer, page_ask, rows_paged
from cift.rest.queries import query_read, read_wait

RowT = TypeVar("RowT")
ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedList(Generic[RowT]):
    """A list in pages, newest first.

    `filters` are a page's and its own; `key` names the attributes that place a row, unique together, one or two;
    `shape` makes what is answered of a row.
    """

    filters: Mapping[str, Field]
    key: tuple[str, ...]
    shape: Callable[[RowT], Any]

    def read(self, request: PageRequest) -> "PageQuery[RowT]":
        """Read which page a request asks for.

        Raises:
            ApplicationError: `invalid`, with every fault; the cursor is none of this list's.

        """
        given = query_read(request.query_params, self.filters)
        return PageQuery(of=self, request=request, given=given, ask=page_ask(given, parts=len(self.key)))

    def read_waited(self, request: PageRequest, *, account: int | None = None) -> "PageQuery[RowT]":
        """Read which page a request asks for, and wait until the tables have what it must see.

        `account`: whose own the list is.

        Raises:
            ApplicationError: `invalid`, `projection_behind`.

        """
        query = self.read(request)
        read_wait(query.given["at_least"], account=account)
        return query

    def key_of(self, row: RowT) -> Key:
        """Return a row's place in the list."""
        return tuple(getattr(row, part) for part in self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery(Generic[RowT]):
    """A page that is asked for: `given` has the query's values, by filter."""

    of: PagedList[RowT]
    request: PageRequest
    given: Mapping[str, Any]
    ask: PageAsk

    def answer(self, found: Sequence[RowT]) -> dict[str, Any]:
        """Return the page of what was found: in the order it was read, one row more than asked for."""
        return page_answer(found, self.ask, self.request, shape=self.of.shape, key_of=self.of.key_of)

    def rows(self, rows: "QuerySet[ModelT]", *, least: int | None = None, before: int | None = None) -> list[ModelT]:
        """Read the page's rows and one more; `least` and `before` bound the key's first part besides."""
        return list(rows_paged(rows, self.ask, key=self.of.key, least=least, before=before))
