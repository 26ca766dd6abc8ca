"""Django application of the page shell."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Shell, widgets, generic pages."""

    name = "shizhu.web"
    label = "web"
    verbose_name = "Web"
