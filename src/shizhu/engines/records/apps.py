"""Django application of the records engine."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Registers and their rows."""

    name = "shizhu.engines.records"
    label = "records"
    verbose_name = "Records"

    def ready(self) -> None:
        """Register what packs may declare, and the menu entry."""
        from shizhu.engines.records import (  # noqa: PLC0415  # apps must be loaded first
            attachments,
            collections,
            datasets,
            declare,
            describing,
            jobs,
        )
        from shizhu.engines.records.http import declaring, found  # noqa: PLC0415
        from shizhu.kernel import files  # noqa: PLC0415
        from shizhu.web import menu, search  # noqa: PLC0415

        declare.register()
        collections.add_collections(lambda _county: [describing.CATALOGUE])
        jobs.register()
        files.used_by(attachments.used)
        search.provider(found.find, order=10, is_unready=found.is_unready)
        datasets.register()
        declaring.put_up()
        menu.add(menu.Entry({"zh": "登记簿", "en": "Registers"}, "database", "/records/", "records.", order=70))
