"""REST of identities, accounts and money."""
