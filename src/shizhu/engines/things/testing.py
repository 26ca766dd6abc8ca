"""What a pack's device profiles must show: a device can be registered, and its page names every property."""

from __future__ import annotations

from collections.abc import Iterator

from django.test import Client
from django.utils.html import escape

from shizhu.engines.things import devices, queries
from shizhu.engines.things.logic.readings import Origin
from shizhu.engines.things.models import Thing
from shizhu.kernel import testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial


def make(trial: Trial, key: str, body: Body) -> None:
    """A device of the profile."""
    name, place = key.replace(".", "-"), (100.5, 30.5)
    devices.register(
        devices.Registration(name, key, name, trial.organisation(), trial.town, place, Origin.SIMULATED), "secret"
    )


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Every property has its datastream, and the page shows it to whoever may see it."""
    thing = Thing.objects.get(key=key.replace(".", "-"))
    missing = [name for name in body["properties"] if not queries.streams_of(key, name, thing=thing.pk)]
    if missing:
        yield f"has no datastreams for {', '.join(missing)}"
    client = Client()
    client.force_login(trial.root)
    page = client.get(f"/things/{thing.pk}/").content.decode()
    for name, item in body["properties"].items():
        if escape(item["title"]["zh"]) not in page:
            yield f"{name}: the page of a device does not show it"
    status = trial.status(trial.stranger, f"/things/{thing.pk}/")
    if status != 403:
        yield f"a device's page answers a person without a role with {status}"


testing.sample("things", make)
testing.proof("things", check)
