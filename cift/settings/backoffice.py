"""The back office: who writes down what operators do, and how its pages look."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

BACK_OFFICE: dict[str, Any] = {
    # How long a money request may wait for a decision; then it expires, and what it holds is free again.
    "REQUEST_DAYS": 14,
}

AUDIT_RECORDERS: dict[str, dict[str, Any]] = {"default": {"BACKEND": "apps.accounts.audit.records.ChainedRecorder"}}

OPERATOR_SESSIONS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "apps.accounts.identity.operators.BrowserSessions"}
}


def _item(title: str, icon: str, view: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{view}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "CIFT Markets",
    "SITE_HEADER": "CIFT Markets",
    "SITE_SUBHEADER": "Back office",
    "SITE_SYMBOL": "candlestick_chart",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("cift/icon.svg")},
    ],
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "4px",
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": "Venue",
                "items": [
                    _item("Overview", "monitoring", "overview", "orders.view_venuestate"),
                    _item("Kill switch", "power_settings_new", "kill_switch", "orders.kill_venuestate"),
                    _item("Cancel orders", "cancel", "mass_cancel", "orders.cancel_order"),
                    _item("Journal", "history_edu", "journal", "orders.view_journalbatch"),
                ],
            },
            {
                "title": "Trading",
                "items": [
                    _item("Orders", "list_alt", "orders_order_changelist", "orders.view_order"),
                    _item("Fills", "handshake", "orders_fill_changelist", "orders.view_fill"),
                    _item("Positions", "balance", "orders_position_changelist", "orders.view_position"),
                    _item(
                        "Position limits", "straighten", "orders_positionlimit_changelist", "orders.view_positionlimit"
                    ),
                ],
            },
            {
                "title": "Money",
                "items": [
                    _item("Requests", "approval", "accounts_moneyrequest_changelist", "accounts.view_moneyrequest"),
                    _item("Balances", "account_balance", "accounts_balance_changelist", "accounts.view_balance"),
                    _item("Ledger", "receipt_long", "accounts_ledgerentry_changelist", "accounts.view_ledgerentry"),
                ],
            },
            {
                "title": "Who and what",
                "items": [
                    _item("Accounts", "badge", "accounts_account_changelist", "accounts.view_account"),
                    _item("Users", "person", "accounts_user_changelist", "accounts.view_user"),
                    _item(
                        "Instruments", "show_chart", "marketdata_instrument_changelist", "marketdata.view_instrument"
                    ),
                    _item("Assets", "paid", "marketdata_asset_changelist", "marketdata.view_asset"),
                    _item("Fee tiers", "percent", "marketdata_feetier_changelist", "marketdata.view_feetier"),
                    _item("Audit log", "policy", "accounts_auditrecord_changelist", "accounts.view_auditrecord"),
                ],
            },
        ],
    },
}
