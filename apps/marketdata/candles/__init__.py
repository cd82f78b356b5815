"""Candles: their intervals, and how trades are folded into them; no Django."""
