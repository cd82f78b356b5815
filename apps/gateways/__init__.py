"""The ways programs reach the venue besides REST: the WebSocket; other protocols stand beside it."""
