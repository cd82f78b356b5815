"""What the back office of every app stands on: operator acts, forms, tables, the site."""
