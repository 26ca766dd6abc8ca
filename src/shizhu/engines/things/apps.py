"""Django application of the things engine."""

from django.apps import AppConfig


class ThingsConfig(AppConfig):
    """SensorThings, devices, observations."""

    name = "shizhu.engines.things"
    label = "things"
    verbose_name = "Things"

    def ready(self) -> None:
        """Register what packs may declare, menu and pages."""
        from shizhu.engines.things import declare  # noqa: PLC0415  # apps must be loaded first

        declare.register()
