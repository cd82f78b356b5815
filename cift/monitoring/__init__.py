"""How a process of the venue is, over HTTP: /health, /ready and /metrics."""
