"""The simulation app: it has commands and no tables."""

from django.apps import AppConfig


class SimulationConfig(AppConfig):
    """The simulated market: agents that trade like any other client."""

    name = "apps.simulation"
    verbose_name = "Simulation"
