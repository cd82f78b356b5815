"""What comes on a connection, handed to its server's parser as plain requests, one at a time.

A request is handed on when its head is whole and the one before it is answered: answers keep their order, and a fault
in the second request does not take the answer to the first. What waits meanwhile is bounded: the connection is not
read from. Whoever sends what is no request is answered with a problem, read from for a moment (cut off while it still
writes, it would not get to see the answer), and let go. So is whoever does not end a request's head in time.
"""

import re
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Protocol

from django.conf import settings

from cift.errors.application import ApplicationError
from cift.http.answers import problem_raw
from cift.http.bodies import LINGER_BYTES_MAX, LINGER_S_MAX
from cift.request_ids import request_id_of
from cift.servers.grammar import HEAD_BYTES_MAX, head_end, head_read, is_trailer, no_request, request_id_in
from cift.servers.heads import HeadWait

WAITING_BYTES_MAX = 64 * 1024
"""How much of later requests is held before the connection is not read from."""

_CHUNK_LINE_BYTES_MAX = 1024

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(Protocol):
    """A connection of a web server, as its reader needs it."""

    def parse(self, data: bytes) -> None:
        """Take bytes of a plain request."""

    def write_raw(self, data: bytes) -> None:
        """Write past the server's own answers; nobody else is writing."""

    def reading_pause(self) -> None:
        """Read no more until the request under way is answered."""

    def abandon(self) -> bool:
        """Let go of the request under way; return whether nothing of its answer has been sent."""

    def writing_end(self) -> None:
        """Send no more, and read on."""

    def cut(self) -> None:
        """Close."""

    def expire(self) -> None:
        """Close, and cut off who does not read what was written."""


class RequestReader:
    """One connection's requests."""

    def __init__(self, connection: Connection, *, loop: AbstractEventLoop) -> None:
        """Take a connection that is yet to be made."""
        self._connection = connection
        self._loop = loop
        self._heads = HeadWait(loop=loop, end=self._head_late)
        self._held = bytearray()
        self._looked_at = 0
        self._head = b""
        self._left = 0
        self._closes = False
        self._answered = True
        self._advancing = False
        self._step: Callable[[], bool] = self._head_take

    def connected(self) -> None:
        """Begin to wait for the first head."""
        self._heads.connected()

    def lost(self) -> None:
        """Wait no more: the connection is gone."""
        self._heads.stop()

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        self._held += data
        self._advance()
        self._head_look()
        if self._step == self._wait and len(self._held) > WAITING_BYTES_MAX:
            self._connection.reading_pause()

    def answered(self) -> None:
        """Hear that the request under way has been answered."""
        self._heads.answered()
        self._answered = True
        self._advance()
        self._head_look()

    def _head_look(self) -> None:
        """Begin the time of a head that has begun to arrive and is not whole."""
        if self._held and self._step == self._head_take:
            self._heads.begin()

    def _head_late(self) -> None:
        self._heads.stop()
        if self._heads.begun:
            error = ApplicationError("request_timeout", "The request's head was not received in time.")
            self._connection.write_raw(problem_raw(error, request_id=request_id_of(None)))
        self._connection.expire()

    def _advance(self) -> None:
        if self._advancing:
            # An answer given while its request is handed on.
            return
        self._advancing = True
        try:
            while self._step():
                pass
        except ApplicationError as error:
            self._refuse(error)
        finally:
            self._advancing = False

    def _head_take(self) -> bool:
        held = self._held
        # An empty line before a request is left out (RFC 9112, 2.2).
        while held.startswith(b"\r\n"):
            del held[:2]
        self._head = b""
        end = head_end(held, begin=self._looked_at)
        if not end:
            self._looked_at = len(held)
            return False
        self._head, self._looked_at = bytes(held[:end]), 0
        head = head_read(self._head)
        self._heads.arrived()
        del held[:end]
        if head.continues:
            if head.length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                raise ApplicationError("payload_too_large")
            if not held:
                self._connection.write_raw(_CONTINUE)
        self._closes, self._answered, self._left = head.closes, False, head.length
        if head.upgrades:
            self._step = self._pass_on
            self._connection.parse(head.plain + self._taken(len(held)))
            return False
        self._step = self._chunk_size_take if head.chunked else self._body_take if head.length else self._wait
        self._connection.parse(head.plain)
        return True

    def _pass_on(self) -> bool:
        if self._held:
            self._connection.parse(self._taken(len(self._held)))
        return False

    def _body_take(self) -> bool:
        if not self._part_take():
            return False
        self._step = self._wait
        return True

    def _chunk_size_take(self) -> bool:
        line = self._line_take()
        if line is None:
            return False
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise no_request("The size of a chunk is malformed.")
        self._left = int(size.group(1), 16)
        if self._left:
            # Handed on without its extensions, of which none is understood.
            self._connection.parse(b"%x\r\n" % self._left)
            self._step = self._chunk_take
        else:
            self._left = HEAD_BYTES_MAX
            self._step = self._trailer_take
        return True

    def _chunk_take(self) -> bool:
        if not self._part_take():
            return False
        self._step = self._chunk_end_take
        return True

    def _chunk_end_take(self) -> bool:
        held = self._held
        if not held.startswith(b"\r\n"[: len(held)]):
            raise no_request("A chunk is longer than its size.")
        if len(held) < len(b"\r\n"):
            return False
        self._connection.parse(self._taken(2))
        self._step = self._chunk_size_take
        return True

    def _trailer_take(self) -> bool:
        """Leave out the fields behind the last chunk, as a recipient may (RFC 9112, 7.1.2)."""
        line = self._line_take()
        if line is None:
            return False
        self._left -= len(line)
        if self._left < 0:
            raise ApplicationError("headers_too_large")
        if line and not is_trailer(line):
            raise no_request()
        if not line:
            self._step = self._wait
            self._connection.parse(b"0\r\n\r\n")
        return True

    def _wait(self) -> bool:
        if not self._answered:
            return False
        self._step = self._drop if self._closes else self._head_take
        return True

    def _drop(self) -> bool:
        """Read what nobody will answer any more."""
        self._left += len(self._held)
        self._held.clear()
        if self._left > LINGER_BYTES_MAX:
            self._connection.cut()
        return False

    def _part_take(self) -> bool:
        """Hand on what there is of a body or a chunk; return whether that was its end."""
        part = self._taken(self._left)
        self._left -= len(part)
        if part:
            self._connection.parse(part)
        return not self._left

    def _line_take(self) -> bytes | None:
        end = self._held.find(b"\n", 0, _CHUNK_LINE_BYTES_MAX)
        if end < 0:
            if len(self._held) >= _CHUNK_LINE_BYTES_MAX:
                raise no_request()
            return None
        line = self._taken(end + 1)
        if not line.endswith(b"\r\n"):
            raise no_request()
        return line[:-2]

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _refuse(self, error: ApplicationError) -> None:
        # Whoever was answered before the body was whole gets no second answer.
        alone = self._step == self._head_take or (not self._answered and self._connection.abandon())
        begun = self._head or bytes(self._held)
        self._left, self._step = 0, self._drop
        self._drop()
        if alone:
            request_id = request_id_of(request_id_in(begun))
            bodiless = begun.startswith(b"HEAD ")
            self._connection.write_raw(problem_raw(error, request_id=request_id, bodiless=bodiless))
        self._connection.writing_end()
        self._loop.call_later(LINGER_S_MAX, self._connection.cut)
