"""Public channels: book, trades, ticker, candles and status of each instrument, built once for all readers."""
