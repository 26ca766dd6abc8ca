"""Django application of the boards engine."""

from django.apps import AppConfig


class BoardsConfig(AppConfig):
    """Boards and reports."""

    name = "shizhu.engines.boards"
    label = "boards"
    verbose_name = "Boards"

    def ready(self) -> None:
        """Register kinds and the menu entry."""
        from shizhu.engines.boards import declare, finding, tasks  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.boards.boards import VIEW  # noqa: PLC0415  # apps must be loaded first
        from shizhu.engines.boards.http import declaring  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import menu, search  # noqa: PLC0415  # apps must be loaded first

        declare.register()
        declaring.put_up()
        assert tasks
        names = {"zh": "看板", "en": "Boards"}
        menu.add(menu.Entry(names, "layout-dashboard", "/boards/", VIEW, order=8))
        search.provider(finding.find, order=40)
