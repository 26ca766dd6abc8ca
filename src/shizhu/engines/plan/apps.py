"""Django application of the plan engine."""

from django.apps import AppConfig


class PlanConfig(AppConfig):
    """Plans, indicators, values."""

    name = "shizhu.engines.plan"
    label = "plan"
    verbose_name = "Plan"

    def ready(self) -> None:
        """Register kinds, consumers, menu and cards."""
        from shizhu.engines.cases import api as cases  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.plan import datasets, declare, keytasks, supervised, tasks  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.plan.http import finding, mine, views  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.records import api as records  # noqa: PLC0415  # apps must be loaded first
        from shizhu.kernel import events  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import menu, search  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import views as web  # noqa: PLC0415  # apps must be loaded first

        declare.register()
        datasets.register()
        supervised.register()
        keytasks.register()
        counted = [cases.OPENED, cases.CLOSED, records.CHANGED]
        events.consumer("plan.computing", counted, tasks.something_counted)
        menu.add(menu.Entry({"zh": "规划", "en": "Plan"}, "target", "/plan/", "plan.plan.view", 15, on_phone=True))
        supervision = {"zh": "督查", "en": "Supervision"}
        menu.add(menu.Entry(supervision, "eye", "/plan/supervision/", "plan.node.view", 16))
        menu.add(
            menu.Entry({"zh": "我的任务", "en": "My tasks"}, "clipboard-check", "/plan/mine/", "plan.node.report", 17)
        )
        web.add_card(mine.card, order=12)
        search.provider(finding.find, order=15)
        collect, room = {"zh": "指标填报", "en": "Values to report"}, {"zh": "评估员查询室", "en": "Evaluators' room"}
        menu.add(menu.Entry(collect, "forms", "/plan/collect/", "plan.value.report", 18))
        menu.add(menu.Entry(room, "package", "/plan/room/", "plan.room.view", 19))
        web.add_card(views.card, order=30)
