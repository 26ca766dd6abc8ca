"""Registers devices in a running stack: `python -m bench.devices PASSWORD KEY…`, all in one process."""

from __future__ import annotations

import os
import sys

import django

PROFILE = "ecology.water_station"


def register(password: str, keys: list[str]) -> None:
    from shizhu.engines.things import api as things  # noqa: PLC0415  # Django must be set up first
    from shizhu.kernel.models import Area, County, Organisation  # noqa: PLC0415

    county = County.objects.get()
    top = Organisation.objects.get(county=county, code=county.pk)
    area = Area.objects.get(county=county, code=county.pk)
    for key in keys:
        things.register(things.Registration(key, PROFILE, key, top, area, None), password)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup(set_prefix=False)
    register(sys.argv[1], sys.argv[2:])
