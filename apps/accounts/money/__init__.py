"""Money that enters and leaves: requests of operators, four eyes, bookings, opening deposits."""
