"""The web servers' pings; which of them serves is the topology's."""

from cift.settings import variables

# Every so many seconds a server sends each socket a ping frame; no answer for as long again closes the socket.
SOCKET_PING_S = variables.SOCKET_PING_SECONDS.read()
