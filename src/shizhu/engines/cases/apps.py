"""Django application of the cases engine."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """Flows, cases, tasks."""

    name = "shizhu.engines.cases"
    label = "cases"
    verbose_name = "Cases"

    def ready(self) -> None:
        """Register kinds, consumers, menu and cards."""
        from shizhu.engines.alarms import api as alarms  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.cases import (  # noqa: PLC0415  # apps first
            actions,
            alarmed,
            datasets,
            declare,
            devices,
            dossier,
            faults,
            features,
            finding,
            happening,
            places,
            stock,
            telling,
            waits,
            walked,
            walks,
            work,
        )
        from shizhu.engines.cases.http import (  # noqa: PLC0415  # apps first
            deciding,
            declaring,
            duty,
            emergencies,
            rollcalls,
            taskcards,
            views,
        )
        from shizhu.engines.maps import api as maps  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.records import api as records  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.things import api as things  # noqa: PLC0415  # apps must be loaded first
        from shizhu.kernel import events  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import declaring as shelves  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import live, menu, search  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import views as web  # noqa: PLC0415  # apps must be loaded first

        declare.register()
        datasets.register()
        walks.register()
        work.register()
        walked.register()
        records.add_collections(features.of)
        declaring.put_up()
        shelves.rules((*faults.RULES, *deciding.RULES))
        records.add_panel(views.about_record)
        records.add_panel(rollcalls.about_record)
        records.add_panel(taskcards.about_record)
        records.add_reference(taskcards.REFERENCE, taskcards.reference())
        shown = {"zh": "告警与处置", "en": "Alarms and cases"}
        maps.source(
            "cases",
            places.features,
            verb="cases.case.view",
            group=shown,
            find=places.find,
            open_at=places.open_at,
        )
        maps.subject("case", dossier.case)
        maps.section(40, dossier.of_subject)
        maps.section(60, dossier.photos)
        maps.section(30, stock.section)
        maps.source("stock", stock.features, verb="cases.stock.view", group={"zh": "物资", "en": "Supplies"})
        events.consumer("cases.start", [alarms.RAISED], alarmed.alarm_raised)
        events.consumer("cases.cleared", [alarms.CLEARED], alarmed.alarm_cleared)
        events.consumer("cases.graver", [alarms.CHANGED], alarmed.alarm_changed)
        events.consumer("cases.warned", [alarms.WARNED], alarmed.warning_issued)
        events.consumer("cases.telling", [actions.TASK_READY], telling.task_ready)
        events.consumer("cases.thrown", [waits.THROWN], happening.thrown)
        events.consumer("cases.devices", [waits.JOB_READY], devices.job_ready)
        events.consumer("cases.answered", [things.COMMAND_ENDED], devices.command_ended)
        menu.add(
            menu.Entry({"zh": "案件", "en": "Cases"}, "briefcase", "/cases/", "cases.case.view", 30, on_phone=True)
        )
        menu.add(menu.Entry({"zh": "值班", "en": "Duty"}, "calendar", "/duty/", "cases.duty.view", 34))
        menu.add(menu.Entry({"zh": "外业", "en": "Field"}, "phone", "/field/", "cases.case.view", 31))
        menu.add(menu.Entry({"zh": "巡查", "en": "Patrols"}, "route", "/patrols/", "cases.patrol.view", 32))
        menu.add(menu.Entry({"zh": "码牌", "en": "Labels"}, "qrcode", "/labels/", "cases.label.view", 33))
        search.provider(finding.find, order=20)
        web.add_card(views.card, order=10)
        web.add_card(duty.card, order=15)
        web.add_card(emergencies.card, order=5)
        web.add_card(duty.holidays_card, order=70)
        live.topic("cases", "ev.*.cases.case.*", live.something_happened("cases.case.view"))
