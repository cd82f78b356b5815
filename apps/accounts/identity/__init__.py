"""Who asks: registration, logins, tokens, tickets, second factor, and the end of sessions."""
