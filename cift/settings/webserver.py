"""The web servers' connections: how many, and how long each may keep silent; which server it is is the topology's."""

from cift.settings import variables

# Every so many seconds a server sends each socket a ping frame; no answer for as long again closes the socket.
SOCKET_PING_S = variables.SOCKET_PING_SECONDS.read()

HEAD_S_MAX = variables.HEAD_SECONDS.read()
IDLE_S_MAX = variables.IDLE_SECONDS.read()

CONNECTIONS_MAX = variables.CONNECTIONS.read()
CONNECTIONS_PER_ADDRESS_MAX = variables.CONNECTIONS_PER_ADDRESS.read()
SOCKETS_ANONYMOUS_MAX = variables.SOCKETS_ANONYMOUS.read()
