"""Channels' layer, which carries private events between web processes."""

CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1_000, "expiry": 10}},
}
