"""What the trading process is told when it starts: where the venue is, who it is, and how it behaves."""

import msgspec

from apps.simulation.agents.profiles import Terms


class Login(msgspec.Struct, frozen=True):
    """An account's tokens, as a login gives them; `access_until`: ns since the epoch, UTC."""

    access: str
    refresh: str
    access_until: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `begin`: the last price of each instrument, in its integers; `run`: what client order ids begin with.

    `certificate` is the file of the venue's own TLS certificate, empty where it speaks plainly. `funds`: what each
    asset is held at, in smallest units: an account that is far off is moved back.
    """

    host: str
    port: int
    certificate: str
    seed: int
    rate: int
    run: str
    terms: list[Terms]
    begin: dict[str, int]
    scales: dict[str, int]
    funds: dict[str, int]
    logins: dict[str, Login]
    access_s: int
    fund_command: list[str]
