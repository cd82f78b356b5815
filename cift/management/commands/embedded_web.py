"""`manage.py embedded_web`: the web process the supervisor starts."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cift.processes.workers import WorkerEndedError


class Command(BaseCommand):
    """Serves the venue on a listening socket handed down by the supervisor, with the order service inside."""

    help = "the embedded venue's web process; started by `manage.py venue`"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; the supervisor has checked

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the descriptors."""
        parser.add_argument("--listener", type=int, required=True, metavar="FD", help="the bound socket")
        parser.add_argument("--lifeline", type=int, metavar="FD", help="end when this file descriptor is closed")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Serve."""
        from cift.asgi import application  # noqa: PLC0415 - needs the apps to be loaded
        from cift.embedded.web import EmbeddedWeb  # noqa: PLC0415 - as does this
        from cift.servers.serving import serve  # noqa: PLC0415 - a web server is this command's alone

        try:
            beside = EmbeddedWeb(lifeline=options["lifeline"]).run
            serve(settings.WEB_SERVER, application, beside, descriptor=options["listener"], tls=settings.TLS)
        except WorkerEndedError as error:
            self.stderr.write(str(error))
            raise SystemExit(error.exit_code) from error
