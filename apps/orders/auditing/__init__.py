"""Whether the records are right: the invariants, the chain of the journal, and its export."""
