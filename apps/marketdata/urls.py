"""Addresses of reference data, books, trades and candles, under `/api/v1/`."""

from django.urls import path

from apps.marketdata.apis import BookApi, InstrumentDetailApi, InstrumentListApi, TickerApi, TradeListApi
from apps.marketdata.history_apis import CandleListApi, DayTickerListApi

urlpatterns = [
    path("instruments/", InstrumentListApi.as_view(), name="instruments"),
    path("instruments/<str:symbol>/", InstrumentDetailApi.as_view(), name="instrument"),
    path("instruments/<str:symbol>/book/", BookApi.as_view(), name="instrument-book"),
    path("instruments/<str:symbol>/candles/", CandleListApi.as_view(), name="instrument-candles"),
    path("instruments/<str:symbol>/ticker/", TickerApi.as_view(), name="instrument-ticker"),
    path("instruments/<str:symbol>/trades/", TradeListApi.as_view(), name="instrument-trades"),
    path("tickers/", DayTickerListApi.as_view(), name="tickers"),
]
