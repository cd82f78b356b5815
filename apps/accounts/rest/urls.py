"""Addresses of identities and money, under `/api/v1/`."""

from django.urls import path

from apps.accounts.rest import identity_apis, registration_apis
from apps.accounts.rest.apis import AccountApi, BalanceListApi, LedgerApi

urlpatterns = [
    path("auth/register/", registration_apis.RegisterApi.as_view(), name="auth-register"),
    path("auth/email/confirm/", registration_apis.EmailConfirmApi.as_view(), name="auth-email-confirm"),
    path("auth/password/", registration_apis.PasswordApi.as_view(), name="auth-password"),
    path("auth/password/reset/", registration_apis.PasswordResetApi.as_view(), name="auth-password-reset"),
    path(
        "auth/password/reset/confirm/",
        registration_apis.PasswordResetConfirmApi.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("auth/token/", identity_apis.TokenObtainApi.as_view(), name="auth-token"),
    path("auth/token/refresh/", identity_apis.TokenRefreshApi.as_view(), name="auth-token-refresh"),
    path("auth/logout/", identity_apis.LogoutApi.as_view(), name="auth-logout"),
    path("auth/logout/everywhere/", identity_apis.LogoutEverywhereApi.as_view(), name="auth-logout-everywhere"),
    path("auth/ws-ticket/", identity_apis.SocketTicketApi.as_view(), name="auth-ws-ticket"),
    path("auth/second-factor/", identity_apis.SecondFactorApi.as_view(), name="auth-second-factor"),
    path(
        "auth/second-factor/confirm/",
        identity_apis.SecondFactorConfirmApi.as_view(),
        name="auth-second-factor-confirm",
    ),
    path("auth/second-factor/verify/", identity_apis.SecondFactorVerifyApi.as_view(), name="auth-second-factor-verify"),
    path("account/", AccountApi.as_view(), name="account"),
    path("ledger/", LedgerApi.as_view(), name="ledger"),
    path("balances/", BalanceListApi.as_view(), name="balances"),
]
