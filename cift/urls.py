"""Where each address leads."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from cift.health import health, ready

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("ready", ready, name="ready"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("apps.marketdata.urls")),
    path("api/v1/", include("apps.accounts.urls")),
    path("api/v1/", include("apps.orders.urls")),
]

handler400 = "cift.errors.bad_request"
handler403 = "cift.errors.permission_denied"
handler404 = "cift.errors.page_not_found"
handler500 = "cift.errors.server_error"
