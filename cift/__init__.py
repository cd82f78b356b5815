"""The project package: settings, the edge, and what every app stands on."""

__version__ = "0.1.0"
