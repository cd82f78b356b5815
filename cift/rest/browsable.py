"""The API in a browser: REST framework's pages, with a form for each call, made from what the call takes."""

import re
from collections.abc import Mapping
from typing import Any

from django.urls import get_script_prefix, resolve
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.reverse import preserve_builtin_query_params
from rest_framework.utils.breadcrumbs import get_breadcrumbs

from cift.fields import Field, Kind

_ADDRESS = re.compile(r"&quot;(https?://[^\s&<>\\]+(?:&amp;[^\s&<>\\]+)*)&quot;")

_METHODS = ("POST", "PATCH", "DELETE")


def view_name(view: Any) -> str:
    """Name a view's page: as the view says, else by its class, and a list in the plural."""
    said: str = getattr(view, "page_name", "")
    if said:
        return said
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(view).__name__.removesuffix("Api").removesuffix("Detail"))
    return f"{name.removesuffix(' List')}s" if name.endswith(" List") else name


class VenueBrowsableRenderer(BrowsableAPIRenderer):
    """Shows an answer, and below it the forms of the calls at the same address; their script sends JSON."""

    template = "cift/api.html"

    def get_rendered_html_form(self, *_arguments: Any) -> None:
        """Leave REST framework's own forms out: they need serializers."""

    def get_raw_data_form(self, *_arguments: Any) -> None:
        """Leave these out as well."""

    def get_breadcrumbs(self, request: Request) -> list[tuple[str, str]]:
        """Name the pages on the way to this one: those whose pattern of an address begins this one's.

        REST framework takes all that lie above, and there a word may be taken for an order's id.
        """
        route = _route(request.path)
        return [
            (name, preserve_builtin_query_params(path, request))
            for name, path in get_breadcrumbs(request.path)
            if route.startswith(_route(path))
        ]

    def get_context(self, data: Any, accepted_media_type: Any, renderer_context: Any) -> dict[str, Any]:
        """Add the forms of this address."""
        context: dict[str, Any] = super().get_context(data, accepted_media_type, renderer_context)
        view, request = renderer_context["view"], renderer_context["request"]
        forms = [_form(method, view) for method in _METHODS if self._shown(method, view, request)]
        # What OPTIONS says is in a header, which a page has no use for.
        return {**context, "forms": forms, "options_form": None, "linked": linked(context["content"])}

    def _shown(self, method: str, view: Any, request: Request) -> bool:
        described = hasattr(getattr(view, method.lower(), None), "call")
        return described and bool(self.show_form_for_method(view, method, request, None))


def linked(text: str) -> SafeString:
    """Make links of the addresses in an answer, each a string of its own.

    Django's `urlize` looks for them everywhere; in half a megabyte it keeps the interpreter for 20 ms at a stretch.
    """
    return mark_safe(_ADDRESS.sub(r'&quot;<a href="\1" rel="nofollow">\1</a>&quot;', escape(text)))  # noqa: S308 - escaped


def _route(path: str) -> str:
    return resolve(path.removeprefix(get_script_prefix().removesuffix("/"))).route


def _form(method: str, view: Any) -> dict[str, Any]:
    handler: Any = getattr(view, method.lower())
    call: Any = handler.call
    table = call.body.table if call.body is not None else call.query
    return {
        "method": method,
        "title": str(handler.__doc__ or "").strip().partition("\n")[0],
        "in_query": call.body is None,
        "fields": [_input(name, field) for name, field in table.items()],
    }


def _input(name: str, field: Field) -> dict[str, Any]:
    schema: Mapping[str, Any] = field.parse.schema if isinstance(field.parse, Kind) else {}
    kind = str(schema.get("type", "string"))
    choices = schema.get("enum") or (["true", "false"] if kind == "boolean" else [])
    return {
        "name": name,
        "kind": "json" if kind in {"array", "boolean", "integer"} else "text",
        "is_secret": "password" in name,
        "is_long": kind == "array",
        "choices": choices,
        "required": field.required,
        "example": (schema.get("examples") or [""])[0],
    }
