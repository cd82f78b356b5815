"""Who really asks, behind a proxy: told by the proxies of the setting, and by nobody else."""

from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any, cast

from django.conf import settings
from django.http.request import split_domain_port
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

_FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip")
_PASSED_ON = (*_FORWARDED, b"via")
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LOCAL = "cift.local"


def is_trusted(address: str) -> bool:
    """Return whether an address is a trusted proxy's, which speaks for many."""
    return address in ProxyHeadersMiddleware(cast("Any", None), trusted_hosts=settings.TRUSTED_PROXIES).trusted_hosts


def proxies_trusted(application: Application) -> Application:
    """Pass an application the client's own address and scheme.

    TRUSTED_PROXIES lists addresses and networks. Their `X-Forwarded-For` is read from its end to the first address
    that is none of theirs; `X-Forwarded-Proto` is the scheme. Nothing behind this sees such a header, forged or not.
    The venue is at the root of its host, whatever a header says: the address that is counted is the one that is routed.
    """
    trusted: list[str] = settings.TRUSTED_PROXIES

    async def told(scope: Scope, receive: Any, send: Any) -> None:
        if "headers" in scope:
            scope["root_path"] = ""
            scope["headers"] = [pair for pair in scope["headers"] if not pair[0].lower().startswith(_FORWARDED)]
        await application(scope, receive, send)

    passed = told
    if trusted:
        passed = cast("Any", ProxyHeadersMiddleware(cast("Any", told), trusted_hosts=trusted))

    async def noted(scope: Scope, receive: Any, send: Any) -> None:
        if "headers" in scope:
            # Before proxies are believed: what they say would be taken for the peer's own address.
            scope[_LOCAL] = _comes_from_here(scope)
        await passed(scope, receive, send)

    return noted


def is_local(scope: Scope) -> bool:
    """Return whether a request was sent on this machine, to this machine's own name, and passed on by no proxy.

    A proxy on this machine that neither passes the client's Host on nor says whom it speaks for cannot be told apart.
    """
    return bool(scope.get(_LOCAL))


def _comes_from_here(scope: Scope) -> bool:
    client = scope.get("client")
    if not client or any(name.lower().startswith(_PASSED_ON) for name, _value in scope["headers"]):
        return False
    hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    named = split_domain_port(hosts[0].decode("latin-1"))[0] if len(hosts) == 1 else ""
    return (mapped or address).is_loopback and named in _OWN_NAMES
