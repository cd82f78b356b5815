"""Who may see the venue's inside: Prometheus, as its token shows."""

from typing import Any

from django.conf import settings
from django.test import AsyncClient


async def watched(path: str) -> Any:
    """Ask as who shows the token."""
    return await AsyncClient().get(path, headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"})
