"""The few REST calls the agents make: tokens, balances, and the look-up of an order whose fate is not known."""

import asyncio
import http.client
import json
import ssl
from pathlib import Path
from typing import Any, NamedTuple, Protocol

_TIMEOUT_S = 10.0


class RestAnswer(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes


def tls_context(certificate: str) -> ssl.SSLContext | None:
    """Trust the venue's own certificate and no other; None where the venue speaks plainly."""
    if not certificate:
        return None
    context = ssl.create_default_context(cadata=Path(certificate).read_text())
    # The certificate is for the names the world knows the venue by, and this is its own machine.
    context.check_hostname = False
    return context


class RestCalls(Protocol):
    """Whatever makes the calls."""

    async def get(self, path: str, *, token: str) -> RestAnswer:
        """Read something.

        Raises:
            OSError: the venue does not answer.

        """

    async def post(self, path: str, body: dict[str, Any]) -> RestAnswer:
        """Ask for something without a token.

        Raises:
            OSError: the venue does not answer.

        """


class Rest(RestCalls):
    """REST at one address."""

    def __init__(self, *, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Take the address."""
        self._host, self._port, self._context = host, port, context

    async def get(self, path: str, *, token: str) -> RestAnswer:
        """Read something.

        Raises:
            OSError: the venue does not answer.

        """
        return await asyncio.to_thread(self._call, "GET", path, None, {"Authorization": f"Bearer {token}"})

    async def post(self, path: str, body: dict[str, Any]) -> RestAnswer:
        """Ask for something without a token.

        Raises:
            OSError: the venue does not answer.

        """
        headers = {"Content-Type": "application/json"}
        return await asyncio.to_thread(self._call, "POST", path, json.dumps(body), headers)

    def _call(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> RestAnswer:
        if self._context is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        else:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_S, context=self._context)
        try:
            connection.request(method, f"/api/v1/{path}", body=body, headers={"Accept": "application/json", **headers})
            answer = connection.getresponse()
            return RestAnswer(answer.status, answer.read())
        except http.client.HTTPException as error:
            message = f"the venue's answer cannot be read: {error}"
            raise OSError(message) from error
        finally:
            connection.close()
