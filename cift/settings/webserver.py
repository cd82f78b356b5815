"""Which web server serves: both serve the same, and are measured side by side."""

from cift import env

WEB_SERVERS = ("daphne", "uvicorn")


def web_server(default: str) -> str:
    """Read which web server is wanted.

    Raises:
        EnvironmentVariableError: it is none of the two.

    """
    return env.choice("WEB_SERVER", default, among=WEB_SERVERS)
