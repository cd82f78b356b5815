"""Addresses of the pages of identities, under `/account/`."""

from django.urls import path

from apps.accounts.rest import pages

urlpatterns = [
    path("confirm/", pages.confirm_page, name="account-confirm"),
    path("password/", pages.password_page, name="account-password"),
    path("reset/", pages.reset_page, name="account-reset"),
    path("second-factor/", pages.second_factor_page, name="account-second-factor"),
]
