"""Where each address leads."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import URLPattern, URLResolver, include, path

from apps.gateways.socket.schema import socket_schema
from cift.monitoring.health import health, ready
from cift.monitoring.metrics import metrics
from cift.rest.clock import ClockApi
from cift.rest.root import RootApi
from cift.rest.schemapages import SchemaApi, SchemaPage

admin.autodiscover()

# One view at both addresses, so that the way to a page names it once.
root = RootApi.as_view()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", root, name="root"),
    path("health", health, name="health"),
    path("ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("account/", include("apps.accounts.rest.page_urls")),
    path("api/login/login/", LoginView.as_view(template_name="cift/login.html", next_page="root")),
    path("api/login/", include("rest_framework.urls")),
    path("api/schema/socket/", socket_schema, name="socket-schema"),
    path("api/schema/", SchemaApi.as_view(), name="schema"),
    path("api/docs/", SchemaPage.as_view(url_name="schema"), name="schema-page"),
    path("api/v1/", root, name="api-root"),
    path("api/v1/time/", ClockApi.as_view(), name="time"),
    path("api/v1/", include("apps.marketdata.urls")),
    path("api/v1/", include("apps.accounts.rest.urls")),
    path("api/v1/", include("apps.orders.rest.urls")),
]

handler400 = "cift.errors.pages.bad_request"
handler403 = "cift.errors.pages.permission_denied"
handler404 = "cift.errors.pages.page_not_found"
handler500 = "cift.errors.pages.server_error"
