"""Addresses of the pages of identities, under `/account/`."""

from django.urls import path

from apps.accounts.rest import pages

urlpatterns = [
    path("confirm/<str:token>/", pages.confirm_page, name="account-confirm"),
    path("reset/done/", pages.reset_done_page, name="account-reset-done"),
    path("reset/<uidb64>/<token>/", pages.reset_page, name="account-reset"),
    path("second-factor/", pages.second_factor_page, name="account-second-factor"),
]
