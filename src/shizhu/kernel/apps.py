"""Django application of the kernel."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """People, places, rights, events, packs."""

    name = "shizhu.kernel"
    label = "kernel"
    verbose_name = "Kernel"
