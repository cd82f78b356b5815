"""What the back office's pages share: tables that nobody edits, bounded however large they are.

What stands in projected tables comes from the journal; what may change about them changes by commands.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.contrib.admin import ShowFacets
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from cift.backoffice.acts import second_factor_require, tell, words_of
from cift.decimals import decimal_format
from cift.errors.application import ApplicationError
from cift.times import time_format

PAGED_ROWS_MAX = 10_000
"""Pages go this far back; further back one searches."""

FILTERED_ROWS_MAX = 100_000
"""Filters look at this many rows, the newest: no index serves every filter."""


ACTED_ROWS_MAX = 50
"""An action takes a page's rows at most."""

_DIGITS_MAX = 18


class UncountedPaginator(InfinitePaginator):  # type: ignore[misc]  # published without types
    """Pages that are not counted: counting a table reads all of it."""

    @cached_property
    def count(self) -> int:
        """Return the bound."""
        return PAGED_ROWS_MAX


class BoundedChangeList(ChangeList):  # type: ignore[misc]  # published without types
    """A list in its own order; a filter looks at the newest rows alone."""

    def get_ordering(self, _request: HttpRequest, _queryset: QuerySet[Model]) -> list[str]:
        """Keep the order an index gives."""
        return list(self.model_admin.ordering or self.lookup_opts.ordering)

    def get_results(self, request: HttpRequest) -> None:
        """Read a page; nothing is counted, so there is no other count to show beside it."""
        super().get_results(request)
        self.full_result_count = self.result_count

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Model]:
        """Bound what a filter looks through."""
        rows: QuerySet[Model] = super().get_queryset(request, exclude_parameters)
        field = self.model_admin.newest_by
        if not field or not self.has_active_filters:
            return rows
        newest = self.root_queryset.order_by(f"-{field}").values_list(field, flat=True)
        edge = newest[FILTERED_ROWS_MAX : FILTERED_ROWS_MAX + 1].first()
        return rows if edge is None else rows.filter(**{f"{field}__gt": edge})


class _WithoutTransaction(DjangoModelAdmin):  # type: ignore[type-arg]  # generic to the type checker alone
    """Serves forms in no transaction: a command must hold none open, and what was asked must be durable before it."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Serve the form."""
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]


class BoundedAdmin(UnfoldModelAdmin, DjangoModelAdmin):  # type: ignore[misc, type-arg]  # published without types
    """A list that stays fast however long it is; what is done is written down in the audit records alone.

    `search_numbers` and `search_words` say what may be searched: a word and the lookup it stands for, which an index
    serves. `newest_by` is the field by which filters are bounded, empty for small tables.
    """

    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = UncountedPaginator
    list_per_page = 50
    list_disable_select_all = True
    sortable_by = ()
    actions: Any = ()
    search_numbers: ClassVar[dict[str, str]] = {}
    search_words: ClassVar[dict[str, str]] = {}
    newest_by = ""

    def get_changelist(self, *_arguments: Any, **_options: Any) -> type[Any]:
        """List within bounds."""
        return BoundedChangeList

    def get_search_fields(self, _request: HttpRequest) -> tuple[str, ...]:
        """Show the search field where something can be searched."""
        return (*self.search_numbers.values(), *self.search_words.values())

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Take terms of the form `word:value`, or a value alone for the first word it fits."""
        for term in search_term.split():
            queryset = self._searched(queryset, term)
        return queryset, False

    def _searched(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        word, colon, value = term.partition(":")
        numeric = term.isascii() and term.isdecimal()
        if not colon:
            word, value = next(iter(self.search_numbers if numeric else self.search_words), ""), term
        if word in self.search_words:
            return queryset.filter(**{self.search_words[word]: value.lower() if "@" in value else value})
        if word in self.search_numbers and value.isascii() and value.isdecimal() and len(value) <= _DIGITS_MAX:
            return queryset.filter(**{self.search_numbers[word]: int(value)})
        return queryset.none()

    @property
    def search_help_text(self) -> str:  # type: ignore[override]  # Django only reads it
        """Say what can be searched."""
        return "Search by " + " ".join(f"{word}:…" for word in (*self.search_numbers, *self.search_words))

    def log_addition(self, *_arguments: Any) -> Any:
        """Leave it to the audit records."""

    def log_change(self, *_arguments: Any) -> Any:
        """Leave it to the audit records."""


class ProjectedAdmin(BoundedAdmin, _WithoutTransaction):
    """Shows a projected table; it changes by commands to the order service alone."""

    def has_add_permission(self, *_arguments: Any, **_options: Any) -> bool:
        """Refuse: rows are made by the projector."""
        return False

    def has_change_permission(self, *_arguments: Any, **_options: Any) -> bool:
        """Refuse: rows are changed by the projector."""
        return False

    def has_delete_permission(self, *_arguments: Any, **_options: Any) -> bool:
        """Refuse: the journal cannot be undone."""
        return False


class RefusalsTold(BoundedAdmin):
    """A table whose forms say what was refused."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Serve the form; what is refused is said on it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ApplicationError as error:
            tell(request, error)
            return HttpResponseRedirect(request.get_full_path())


class CommandAdmin(RefusalsTold, ProjectedAdmin):
    """A projected table whose forms send commands: `command_send` is all that a form does."""

    def command_send(self, *_arguments: Any, **_options: Any) -> None:
        """Send what a form asks for, given the request, the row and the form.

        Raises:
            ApplicationError: it was refused.

        """
        raise ApplicationError("forbidden")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, _change: Any) -> None:
        """Send the command, given a fresh second factor; the projector writes the table."""
        if form.changed_data:
            second_factor_require(request)
            self.command_send(request, obj, form)

    def save_related(self, *_arguments: Any) -> None:
        """Save nothing: commands have done it."""


def rows_act(request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], None]) -> int:
    """Do an act for each of a page's rows, telling each refusal; give how many went well."""
    chosen = list(rows[: ACTED_ROWS_MAX + 1])
    if len(chosen) > ACTED_ROWS_MAX:
        messages.error(request, f"Choose at most {ACTED_ROWS_MAX} at a time.")
        return 0
    done = 0
    for row in chosen:
        try:
            act(row)
        except ApplicationError as error:
            messages.error(request, f"{row}: {words_of(error)}")
        else:
            done += 1
    return done


def number_shown(value: int, *, scale: int) -> SafeString:
    """Show an integer at a scale as the decimal it is."""
    return format_html('<span class="tabular-nums">{}</span>', decimal_format(value, scale=scale))


def flag_column(field: str, *, description: str, yes: str = "info") -> Callable[[Any], str]:
    """Make a column of a flag that is neither good nor bad: a word, where a cross would look like an error.

    `yes` is the colour of what is so; what is not so has none.
    """

    def shown(row: Any) -> str:
        return "yes" if getattr(row, field) else "no"

    column: Callable[[Any], str] = display(shown, description=description, ordering=field, label={"yes": yes})
    return column


def moment_shown(at: int | None) -> str:
    """Show ns since the epoch to the millisecond, on one line however narrow the column."""
    if not at:
        return "–"
    return format_html('<span class="whitespace-nowrap">{}</span>', time_format(at)[:-4].replace("T", " "))
