"""HTTP without Django: what the lean paths of the project's edge share."""
