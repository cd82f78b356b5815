"""`manage.py socket_schema`: the AsyncAPI document of the socket, as it stands in docs/reference/asyncapi.json."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.gateways.socket.schema import document_text


class Command(BaseCommand):
    """Print the document."""

    help = "Print the AsyncAPI document of the socket."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Print it."""
        self.stdout.write(document_text(), ending="")
