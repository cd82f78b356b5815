"""What a market looked like: its tape, the stylised facts told from it, and an engine to study agents on."""
