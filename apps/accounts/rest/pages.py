"""The few pages that links in mails, and operators, lead to. The rest is REST.

What a mailed link carries stands behind its `#`: a browser keeps that to itself, so that no access log, of this server
or of a proxy, and no referrer has it. A script of the page puts it into the form, or a person does.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.identity import second_factor
from apps.accounts.identity.attempt_limits import attempt
from apps.accounts.identity.authentication import client_address
from apps.accounts.identity.browsers import other_logins_end
from apps.accounts.identity.login import owner_confirm
from apps.accounts.identity.registration import email_confirm, password_change, password_reset
from apps.accounts.models import User
from apps.accounts.money.opening import opening_try
from cift.errors.application import ApplicationError
from cift.errors.codes import CODES
from cift.processes.turns import async_to_sync
from cift.times import clock_ns

_LOGIN = "/api/login/login/"


@never_cache
@require_http_methods(["GET", "POST"])
def confirm_page(request: HttpRequest) -> HttpResponse:
    """Ask for a click: programs that look through mails follow links, but send no forms."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            user, _ = email_confirm(request.POST.get("token", ""), address=client_address(request))
        except ApplicationError as error:
            context["faults"] = _faults(error)
        else:
            context["done"] = True
            if user.opening_due:
                async_to_sync(opening_try)(user.pk)
    return render(request, "accounts/confirm.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def reset_page(request: HttpRequest) -> HttpResponse:
    """Take a new password, with the mailed token."""

    def act(given: Callable[[str], str]) -> None:
        password_reset(given("token"), given("new_password"), address=client_address(request))

    return _password_page(request, act, {"mailed": True})


@never_cache
@login_required(login_url=_LOGIN)
@require_http_methods(["GET", "POST"])
def password_page(request: HttpRequest) -> HttpResponse:
    """Take a new password of who is logged in, with the old one, and where there is a second factor a code."""
    user = _user_of(request)

    def act(given: Callable[[str], str]) -> None:
        password_change(
            user,
            password=given("password"),
            code=_code(request) or None,
            new_password=given("new_password"),
            address=client_address(request),
        )

    return _password_page(request, act, {"enrolled": second_factor.second_factor_has(user)})


def _password_page(
    request: HttpRequest, act: Callable[[Callable[[str], str]], None], context: dict[str, Any]
) -> HttpResponse:
    def given(name: str) -> str:
        return request.POST.get(name, "")

    if request.method == "POST" and given("new_password") != given("new_password_again"):
        context["faults"] = ["The two new passwords are not the same."]
    elif request.method == "POST":
        try:
            act(given)
        except ApplicationError as error:
            context["faults"] = _faults(error)
        else:
            context["done"] = True
    return render(request, "accounts/password.html", context)


@never_cache
@login_required(login_url=_LOGIN)
@require_http_methods(["GET", "POST"])
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Take a code, and go on to where it was needed; who has no second factor enrols one, given the password."""
    user = _user_of(request)
    given, address = _code(request), client_address(request)
    context: dict[str, Any] = {"enrolled": second_factor.second_factor_has(user)}
    try:
        if request.method == "POST" and context["enrolled"]:
            with attempt(user.email, address=address):
                second_factor.code_check(user, given)
            second_factor.second_factor_mark(request, at=clock_ns())
            return HttpResponseRedirect(_next(request))
        if request.method == "POST" and given:
            with attempt(user.email, address=address):
                context["recovery_codes"] = second_factor.enrolment_confirm(user, given)
            other_logins_end(request, user)
            second_factor.second_factor_mark(request, at=clock_ns())
            context["next"] = _next(request)
        elif request.method == "POST":
            owner_confirm(user, password=request.POST.get("password", ""), code=None, address=address)
            context["enrolment"] = second_factor.enrolment_begin(user)
    except ApplicationError as error:
        context["faults"] = _faults(error)
        context["confirming"] = bool(given)
    return render(request, "accounts/second_factor.html", context)


def _user_of(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User):
        raise TypeError("the login was checked")
    return user


def _code(request: HttpRequest) -> str:
    return request.POST.get("code", "").strip().replace(" ", "")


def _faults(error: ApplicationError) -> list[str]:
    """Say an error in sentences."""
    if error.code == "rate_limited":
        return ["Too many tries; wait a few minutes."]
    return [fault.detail for fault in error.errors] or [error.detail or CODES[error.code].title]


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else "/admin/"
