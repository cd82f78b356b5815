"""Addresses of identities and money, under `/api/v1/`."""

from django.urls import path

from apps.accounts.apis import BalanceListApi, TokenObtainApi

urlpatterns = [
    path("auth/token/", TokenObtainApi.as_view(), name="auth-token"),
    path("balances/", BalanceListApi.as_view(), name="balances"),
]
