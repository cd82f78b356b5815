"""Where log lines go: one line a record, to standard error; for people here, for programs in production."""

from typing import Any


def logging_settings(*, formatter: str, refusals: str) -> dict[str, Any]:
    """Log by a formatter of `cift.logs.formatters`; `refusals`: the least level they are shown at, INFO for all."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"cift.logs.formatters.{formatter}"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "daphne": {"level": "WARNING"},
            "twisted": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "cift.refusals": {"level": refusals},
        },
    }


# On a console of its own the simulated market's refused orders would be most of what is read.
LOGGING = logging_settings(formatter="LineFormatter", refusals="WARNING")
