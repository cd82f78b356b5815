"""Which web server serves: both serve the same, and are measured side by side."""

from cift import env

WEB_SERVERS = ("daphne", "uvicorn")

# Every so many seconds a server sends each socket a ping frame; as long without its answer ends the socket as behind.
SOCKET_PING_S = env.integer("CIFT_SOCKET_PING_SECONDS", 10, least=1, most=60)


def web_server(default: str) -> str:
    """Read which web server is wanted.

    Raises:
        EnvironmentVariableError: it is none of the two.

    """
    return env.choice("WEB_SERVER", default, among=WEB_SERVERS)
