"""What the back office's own pages share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

View = Callable[..., HttpResponse]


def permitted(permission: str) -> Callable[[View], View]:
    """Refuse who has not a permission; that they are staff is the site's to see to."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, **options: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, **options)

        return checked

    return decorate


def page(request: HttpRequest, template: str, *, title: str, **context: Any) -> HttpResponse:
    """Show a page of the back office."""
    request.current_app = admin.site.name
    return TemplateResponse(
        request, f"orders/admin/{template}", {**admin.site.each_context(request), "title": title, **context}
    )
