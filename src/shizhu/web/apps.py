"""Django application of the page shell."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Shell, widgets, generic pages."""

    name = "shizhu.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        """The home page stands first in the menu."""
        from shizhu.web import menu, notices, search, views  # noqa: PLC0415  # apps must be loaded first

        views.add_card(notices.card, order=15)
        menu.add(menu.Entry({"zh": "通知", "en": "Notices"}, "speakerphone", "/notices/", order=45))
        search.provider(notices.find, order=35)

        menu.add(menu.Entry({"zh": "我的工作", "en": "My work"}, "home", "/", order=5, on_phone=True))
        menu.add(
            menu.Entry({"zh": "本县自建", "en": "Own"}, "tool", "/declarations/", "kernel.declaration.edit", order=85)
        )
        menu.add(menu.Entry({"zh": "用户管理", "en": "People"}, "users", "/people/", "kernel.person.view", order=90))
