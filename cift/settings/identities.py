"""Who may register, how long a login lasts, and how often anybody may try."""

from collections.abc import Mapping
from typing import Any

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_DAY_S = 24 * _HOUR_S

AUTHENTICATION_BACKENDS = ["apps.accounts.identity.login.LimitedBackend"]

PASSWORD_RESET_TIMEOUT = _HOUR_S
OTP_TOTP_ISSUER = "CIFT Markets"
# In whole units: what the demo trader has, so that who registers can buy and sell at once.
PAPER_MONEY = {"USD": "1000000", "AAPL": "10000", "MSFT": "10000", "SPY": "10000", "BTC": "100", "ETH": "1000"}

OTP_ADMIN_HIDE_SENSITIVE_DATA = True


def identities_settings(
    *, confirm_email: bool, second_factor: bool, opening_deposits: Mapping[str, str], public_address: str
) -> dict[str, Any]:
    """Apply the rules of identities.

    `confirm_email`: nobody logs in before; `second_factor`: operators need a fresh one for every dangerous
    act; `opening_deposits`: what a new account gets, decimals by asset; `public_address`: where links in mails lead.
    """
    return {
        "ACCESS_S": 15 * _MINUTE_S,
        "REFRESH_S": 14 * _DAY_S,
        # So long a used refresh token is exchanged for the same successor: its answer may have been lost on the way.
        "REFRESH_AGAIN_S": 10,
        "BROWSER_S": 14 * _DAY_S,
        "TICKET_S": 30,
        "CONFIRM_EMAIL": confirm_email,
        "CONFIRMATION_DAYS": 7,
        "SECOND_FACTOR_REQUIRED": second_factor,
        "SECOND_FACTOR_FRESH_S": 15 * _MINUTE_S,
        "OPENING_DEPOSITS": dict(opening_deposits),
        "PUBLIC_ADDRESS": public_address,
        # Requests and the seconds they are spread over. Never by account alone: a stranger must not lock anybody out.
        "LIMITS": {
            "login-address": (30, _MINUTE_S),
            "login-account-address": (10, 5 * _MINUTE_S),
            "register-address": (100, _HOUR_S),
            "refresh-address": (120, _MINUTE_S),
            "refresh-family": (20, _MINUTE_S),
            "mail-address": (10, _HOUR_S),
            "mail-account": (5, _HOUR_S),
            "second-factor-account": (10, 5 * _MINUTE_S),
        },
    }
