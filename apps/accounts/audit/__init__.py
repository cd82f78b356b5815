"""The audit log: what operators did, in records bound to one another by a hash chain."""
