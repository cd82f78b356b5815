"""What django-prometheus needs to know: bounds that fit answers in milliseconds."""

PROMETHEUS_LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, float("inf"))
