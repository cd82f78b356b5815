"""The project's ASGI application: what every web server serves."""

from typing import Any, cast

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

# Sets Django up, so it comes before anything that needs models.
_django = get_asgi_application()

from apps.gateways.socket.consumer import socket_application  # noqa: E402 - see above
from apps.orders.rest.programs import programs_served  # noqa: E402 - as does this
from cift.http.bodies import bodies_bounded  # noqa: E402 - reads the settings
from cift.http.origins import origins_own  # noqa: E402 - reads the settings
from cift.http.proxies import proxies_trusted  # noqa: E402 - as does this
from cift.http.staticfiles import StaticFiles  # noqa: E402 - as does this

_sockets: list[Any] = [path("ws/v1/", cast("Any", socket_application))]

_protocols = {
    "http": bodies_bounded(programs_served(cast("Any", StaticFiles(_django)))),
    "websocket": origins_own(URLRouter(_sockets)),
}

application = proxies_trusted(ProtocolTypeRouter(_protocols))
