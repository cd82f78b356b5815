"""Public channels: book, trades, ticker and status of each instrument, built once for all readers."""
