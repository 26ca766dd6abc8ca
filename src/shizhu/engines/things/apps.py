"""Django application of the things engine."""

from django.apps import AppConfig


class ThingsConfig(AppConfig):
    """SensorThings, devices, observations."""

    name = "shizhu.engines.things"
    label = "things"
    verbose_name = "Things"

    def ready(self) -> None:
        """Register what packs may declare, menu and pages."""
        from shizhu.engines.maps import api as maps  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.records import api as records  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.things import (  # noqa: PLC0415
            datasets,
            declare,
            dossier,
            exporting,
            features,
            finding,
            ingest,
            places,
        )
        from shizhu.web import live, menu, search  # noqa: PLC0415  # apps must be loaded first

        declare.register()
        datasets.register()
        records.add_collections(features.of)
        records.add_work(records.Batch.Kind.READINGS, exporting.run)
        names = {"zh": "设备", "en": "Device"}
        records.add_reference("things.device", records.Reference(names, places.device_titles, places.device_search))
        group = {"zh": "监测设备", "en": "Monitoring"}
        maps.source(
            "things",
            places.features,
            verb="things.thing.view",
            group=group,
            find=places.find,
            grid=places.grid,
        )
        maps.subject("thing", dossier.thing)
        maps.section(20, dossier.readings)
        search.provider(finding.find, order=30)
        live.topic("things", ingest.LIVE, places.live)
        developers = {"zh": "开发者", "en": "Developers"}
        menu.add(menu.Entry(developers, "external-link", "/things/developer/", "things.thing.view", 90))
        menu.add(menu.Entry({"zh": "监测站", "en": "Stations"}, "antenna", "/things/", "things.thing.view", 40))
