"""Addresses of reference data and books, under `/api/v1/`."""

from django.urls import path

from apps.marketdata.apis import BookApi, InstrumentDetailApi, InstrumentListApi, TickerApi

urlpatterns = [
    path("instruments/", InstrumentListApi.as_view(), name="instruments"),
    path("instruments/<str:symbol>/", InstrumentDetailApi.as_view(), name="instrument"),
    path("instruments/<str:symbol>/book/", BookApi.as_view(), name="instrument-book"),
    path("instruments/<str:symbol>/ticker/", TickerApi.as_view(), name="instrument-ticker"),
]
