"""How the venue is: readiness, metrics, the operator's overview and `manage.py venue_status`."""
