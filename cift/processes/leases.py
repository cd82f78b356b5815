"""A lease in Dragonfly: of several processes one does the work; the others stand by.

It only chooses. A server that was flushed or changed may let two of them in for one term, so what is done under it does
no harm when it is done twice.
"""

import secrets
from functools import cached_property
from typing import cast

from redis import Redis

_PREFIX = "cift:lease:"
_SOCKET_S_MAX = 2.0

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder == false or holder == ARGV[1] or holder == ARGV[3] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
end
return 0
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class SharedLease:
    """One holder's claim on a name, by the server's clock."""

    def __init__(self, url: str, name: str, *, lease_s: float) -> None:
        """Name it; the holder is this object."""
        self._url = url
        self._key = f"{_PREFIX}{name}"
        self._lease_ms = int(lease_s * 1_000)
        self.holder = secrets.token_hex(8)

    @cached_property
    def _client(self) -> Redis:
        return Redis.from_url(self._url, socket_timeout=_SOCKET_S_MAX, socket_connect_timeout=_SOCKET_S_MAX)

    def take(self, *, after: str = "") -> bool:
        """Take it if it is free or `after` has it, who left it to us, or prolong it; False: another has it.

        Raises:
            RedisError: the server does not answer.

        """
        return cast("int", self._client.eval(_RENEW, 1, self._key, self.holder, self._lease_ms, after)) == 1

    def release(self) -> None:
        """Leave it to the next.

        Raises:
            RedisError: the server does not answer.

        """
        self._client.eval(_RELEASE, 1, self._key, self.holder)
