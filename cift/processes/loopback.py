"""How a process of this machine reaches an address the venue listens at."""


def reachable(host: str) -> str:
    """Return a host to connect to; that of all addresses is none to connect to."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
