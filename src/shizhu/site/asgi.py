"""The ASGI application: hot paths first, Django for the rest."""

from __future__ import annotations

import os

import django
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
django.setup(set_prefix=False)

application = get_asgi_application()
