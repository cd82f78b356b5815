"""The project's ASGI application: what every web server serves."""

import sys
from typing import Any, cast

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

# Sets Django up, so it comes before anything that needs models.
_django = get_asgi_application()

from apps.gateways.socket.consumer import socket_application  # noqa: E402 - see above
from apps.orders.rest.programs import programs_served  # noqa: E402 - as does this
from cift.env import SetupError  # noqa: E402 - as does this
from cift.exposure import exposed_refuse  # noqa: E402 - as does this
from cift.http.bodies import bodies_bounded  # noqa: E402 - reads the settings
from cift.http.faults import faults_answered  # noqa: E402 - as does this
from cift.http.handshakes import handshakes_checked  # noqa: E402 - reads the settings
from cift.http.limits import calls_limited  # noqa: E402 - as does this
from cift.http.proxies import proxies_trusted  # noqa: E402 - as does this
from cift.http.staticfiles import StaticFiles  # noqa: E402 - as does this

try:
    exposed_refuse()
except SetupError as refusal:
    # Whichever server imports this: the line, and no traceback.
    sys.exit(str(refusal))

_protocols = {
    "http": faults_answered(bodies_bounded(programs_served(calls_limited(cast("Any", StaticFiles(_django)))))),
    "websocket": handshakes_checked(cast("Any", socket_application), path="/ws/v1/"),
}

application = proxies_trusted(ProtocolTypeRouter(_protocols))
