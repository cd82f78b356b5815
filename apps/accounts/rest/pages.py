"""The few pages that links in mails, and operators, lead to. The rest is REST."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.identity import second_factor
from apps.accounts.identity.registration import email_confirm
from apps.accounts.models import User
from apps.accounts.money.opening import opening_try
from cift.errors.application import ApplicationError
from cift.times import clock_ns


@never_cache
@require_http_methods(["GET", "POST"])
def confirm_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a click: programs that look through mails follow links, but send no forms."""
    context: dict[str, Any] = {"done": False, "failed": False}
    if request.method == "POST":
        try:
            user = email_confirm(token)
        except ApplicationError:
            context["failed"] = True
        else:
            context["done"] = True
            if user.opening_due:
                async_to_sync(opening_try)(user.pk)
    return render(request, "accounts/confirm.html", context)


reset_page = PasswordResetConfirmView.as_view(success_url=reverse_lazy("account-reset-done"))


@never_cache
def reset_done_page(request: HttpRequest) -> HttpResponse:
    """Say that the password is set."""
    return render(request, "accounts/reset_done.html")


@never_cache
@login_required(login_url="/api/login/login/")
@require_http_methods(["GET", "POST"])
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Take a code, and go on to where it was needed; who has no second factor enrols one."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("the login was checked")
    given = request.POST.get("code", "").strip().replace(" ", "")
    context: dict[str, Any] = {"enrolled": second_factor.second_factor_has(user)}
    try:
        if request.method == "POST" and context["enrolled"]:
            second_factor.code_check(user, given)
            second_factor.second_factor_mark(request, at=clock_ns())
            return HttpResponseRedirect(_next(request))
        if request.method == "POST" and given:
            context["recovery_codes"] = second_factor.enrolment_confirm(user, given)
            second_factor.second_factor_mark(request, at=clock_ns())
            context["next"] = _next(request)
        elif request.method == "POST":
            context["enrolment"] = second_factor.enrolment_begin(user)
    except ApplicationError as error:
        context["failed"] = error.code
    return render(request, "accounts/second_factor.html", context)


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else "/admin/"
