"""Documents made of the code alone: written once a process, kept, and named by a strong ETag."""

import hashlib
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

PUBLIC = "public, max-age=300"
"""Anybody may keep it; a new version of the venue may bring another."""


class Document(NamedTuple):
    """A document's bytes, what they are, and their name."""

    body: bytes
    content_type: str
    etag: str

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with it, or with 304 for who has it."""
        response = HttpResponse(self.body, content_type=self.content_type)
        response.headers["ETag"] = self.etag
        response.headers["Cache-Control"] = PUBLIC
        return get_conditional_response(request, etag=self.etag, response=response) or response


class Documents:
    """Makes each document at its first request; who asks meanwhile waits for the one that is being made."""

    def __init__(self) -> None:
        """Begin with none."""
        self._made: dict[str, Document] = {}
        self._lock = Lock()

    def get(self, content_type: str, make: Callable[[], bytes]) -> Document:
        """Return the document of a type; `make` writes it."""
        found = self._made.get(content_type)
        if found is not None:
            return found
        with self._lock:
            if content_type not in self._made:
                body = make()
                etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
                self._made[content_type] = Document(body, content_type, etag)
            return self._made[content_type]
