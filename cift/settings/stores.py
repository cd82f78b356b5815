"""Where trades and candles are kept, and who ships them there."""

from typing import Any

from cift.settings import variables
from cift.settings.journal import CANDLES_KEEP_S, TICK_STORES


def questdb_options() -> dict[str, Any] | None:
    """Return where QuestDB is, as whom it is asked, and how long its candles are kept; None: there is none."""
    url = variables.QUESTDB_URL.given()
    if url is None:
        return None
    return {
        "url": url,
        "sql_port": variables.QUESTDB_SQL_PORT.read(production=True),
        "user": variables.QUESTDB_USER.read(production=True),
        "password": variables.QUESTDB_PASSWORD.given() or "",
        "keep_s": {length: CANDLES_KEEP_S[length] for length in (1, 60)},
    }


def production_tick_stores() -> dict[str, dict[str, Any]]:
    """QuestDB where it is named, else the projected tables."""
    options = questdb_options()
    if options is None:
        return TICK_STORES
    return {"default": {"BACKEND": "apps.marketdata.ticks.questdb.QuestDBTickStore", "OPTIONS": options}}


def production_tick_shipping() -> dict[str, Any] | None:
    """Return what the workers' writer is made with; None: nothing is shipped."""
    options = questdb_options()
    if options is None:
        return None
    return {**options, "ticks_keep_days": variables.TICKS_KEEP_DAYS.read(production=True)}
