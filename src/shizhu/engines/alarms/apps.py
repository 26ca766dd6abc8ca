"""Django application of the alarms engine."""

from django.apps import AppConfig


class AlarmsConfig(AppConfig):
    """Rules and alarms."""

    name = "shizhu.engines.alarms"
    label = "alarms"
    verbose_name = "Alarms"

    def ready(self) -> None:
        """Register kinds, consumers, menu and cards."""
        from shizhu.engines.alarms import (  # noqa: PLC0415  # apps must be loaded first
            acting,
            bindings,
            caring,
            datasets,
            declare,
            dossier,
            edges,
            features,
            finding,
            judging,
            places,
            raising,
            telling,  # apps must be loaded first
        )
        from shizhu.engines.alarms.http import declaring, views, warnings  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.alarms.warnings import datasets as warned  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.alarms.warnings import finding as warned_finding  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.alarms.warnings import issuing, proposing  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.alarms.warnings import places as warned_places  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.maps import api as maps  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.records import api as records  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.things import api as things  # noqa: PLC0415  # apps must be loaded first
        from shizhu.kernel import events  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import live, menu, search  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import views as web  # noqa: PLC0415  # apps must be loaded first

        declare.register()
        edges.register()
        declaring.register()
        datasets.register()
        warned.register()
        records.add_collections(features.of)
        happening = {"zh": "告警与处置", "en": "Alarms and cases"}
        see = "alarms.alarm.view"
        maps.source(
            "alarms",
            places.features,
            verb=see,
            group=happening,
            legend=places.legend,
            open_at=places.open_at,
        )
        maps.source(
            "warnings",
            warned_places.features,
            verb=issuing.VIEW,
            group=happening,
            legend=places.legend,
        )
        maps.subject("alarm", dossier.alarm)
        things.add_limits(bindings.limits)
        things.add_levels(places.levels)
        maps.section(30, dossier.of_subject)
        events.consumer("alarms.judge", ["things.observations.committed"], judging.readings_committed)
        events.consumer("alarms.tell", [raising.RAISED], telling.raised)
        events.consumer("alarms.graver", [raising.CHANGED], telling.changed)
        events.consumer("alarms.draft", [raising.RAISED, raising.CHANGED], proposing.alarm_rose)
        events.consumer("alarms.assigned", [acting.ACTED], telling.assigned)
        events.consumer("alarms.remind", [caring.REMINDER], telling.reminded)
        events.consumer("alarms.rollouts", ["things.rollout.changed"], telling.rollout_changed)
        sources = ["things.device.registered", "things.datastream.deleted"]
        events.consumer("alarms.binding", sources, judging.sources_changed)
        menu.add(menu.Entry({"zh": "告警", "en": "Alarms"}, "bell", "/alarms/", "alarms.alarm.view", 20, on_phone=True))
        menu.add(
            menu.Entry({"zh": "预警发布", "en": "Warnings"}, "alert-triangle", "/alarms/warnings/", issuing.VIEW, 21)
        )
        web.add_card(views.card, order=20)
        search.provider(finding.find, order=18)
        search.provider(warned_finding.find, order=17)
        web.add_card(warnings.card, order=12)
        live.topic("warnings", "ev.*.alarms.warning.*", live.something_happened(issuing.VIEW))
        live.topic("alarms", "ev.*.alarms.alarm.*", live.something_happened("alarms.alarm.view"))
