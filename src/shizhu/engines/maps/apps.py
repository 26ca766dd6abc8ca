"""Django application of the maps engine."""

from django.apps import AppConfig


class MapsConfig(AppConfig):
    """The one map."""

    name = "shizhu.engines.maps"
    label = "maps"
    verbose_name = "Maps"

    def ready(self) -> None:
        """Register kinds and menu."""
        from shizhu.engines.maps import collections, declare, dossier, selections  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.maps.http import tiles  # noqa: PLC0415
        from shizhu.engines.records import api as records  # noqa: PLC0415
        from shizhu.web import menu  # noqa: PLC0415  # apps must be loaded first

        declare.register()
        dossier.register()
        records.add_collections(collections.of)
        records.add_part(tiles.PART)
        records.add_descriptions(collections.described)
        records.add_work(records.Batch.Kind.SELECTION, selections.run)
        menu.add(menu.Entry({"zh": "一张图", "en": "Map"}, "map", "/map/", "maps.map.view", 10, on_phone=True))
