"""Django application of the notices engine."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Messages and what became of them."""

    name = "shizhu.engines.notices"
    label = "notices"
    verbose_name = "Notices"

    def ready(self) -> None:
        """Register the menu and the card."""
        from shizhu.engines.notices.http import views  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import menu  # noqa: PLC0415  # apps must be loaded first
        from shizhu.web import views as web  # noqa: PLC0415  # apps must be loaded first

        channels = {"zh": "通知渠道", "en": "Channels"}
        menu.add(menu.Entry(channels, "antenna", "/messages/channels/", views.MANAGE, 95))
        web.add_card(views.card, order=15)
