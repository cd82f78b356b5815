"""Addresses of identities and money, under `/api/v1/`."""

from django.urls import path

from apps.accounts import identityapis, registrationapis
from apps.accounts.apis import AccountApi, BalanceListApi, LedgerApi

urlpatterns = [
    path("auth/register/", registrationapis.RegisterApi.as_view(), name="auth-register"),
    path("auth/email/confirm/", registrationapis.EmailConfirmApi.as_view(), name="auth-email-confirm"),
    path("auth/password/", registrationapis.PasswordApi.as_view(), name="auth-password"),
    path("auth/password/reset/", registrationapis.PasswordResetApi.as_view(), name="auth-password-reset"),
    path(
        "auth/password/reset/confirm/",
        registrationapis.PasswordResetConfirmApi.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("auth/token/", identityapis.TokenObtainApi.as_view(), name="auth-token"),
    path("auth/token/refresh/", identityapis.TokenRefreshApi.as_view(), name="auth-token-refresh"),
    path("auth/logout/", identityapis.LogoutApi.as_view(), name="auth-logout"),
    path("auth/logout/everywhere/", identityapis.LogoutEverywhereApi.as_view(), name="auth-logout-everywhere"),
    path("auth/ws-ticket/", identityapis.SocketTicketApi.as_view(), name="auth-ws-ticket"),
    path("auth/second-factor/", identityapis.SecondFactorApi.as_view(), name="auth-second-factor"),
    path(
        "auth/second-factor/confirm/",
        identityapis.SecondFactorConfirmApi.as_view(),
        name="auth-second-factor-confirm",
    ),
    path("auth/second-factor/verify/", identityapis.SecondFactorVerifyApi.as_view(), name="auth-second-factor-verify"),
    path("account/", AccountApi.as_view(), name="account"),
    path("ledger/", LedgerApi.as_view(), name="ledger"),
    path("balances/", BalanceListApi.as_view(), name="balances"),
]
