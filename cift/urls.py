"""Where each address leads."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import URLPattern, URLResolver, include, path

from apps.orders.socketschema import socket_schema
from cift.health import health, ready
from cift.metrics import metrics
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
    path("account/", include("apps.accounts.pageurls")),
    path("api/login/login/", LoginView.as_view(template_name="cift/login.html", next_page="root")),
    path("api/login/", include("rest_framework.urls")),
    path("api/schema/socket/", socket_schema, name="socket-schema"),
    path("api/schema/", SchemaApi.as_view(), name="schema"),
    path("api/docs/", SchemaPage.as_view(url_name="schema"), name="schema-page"),
    path("api/v1/", root, name="api-root"),
    path("api/v1/", include("apps.marketdata.urls")),
    path("api/v1/", include("apps.accounts.urls")),
    path("api/v1/", include("apps.orders.urls")),
]

handler400 = "cift.errors.bad_request"
handler403 = "cift.errors.permission_denied"
handler404 = "cift.errors.page_not_found"
handler500 = "cift.errors.server_error"
