"""An order's whole life, told from the journal."""
