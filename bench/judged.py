"""Rules in a running stack, and the judge's consumer by hand: `python -m bench.judged declare|consume`."""

from __future__ import annotations

import os
import sys
import time
import uuid
from datetime import UTC, datetime

import django

from bench import judge

HIGH = {
    "title": {"zh": "酸碱度偏高", "en": "High pH"}, "level": "yellow", "examples": [],
    "when": {**judge.WATCHED, "above": 9},
}  # fmt: skip


def declare() -> None:
    """A rule of the county that raises at once."""
    from shizhu.engines.alarms import api  # noqa: PLC0415  # Django must be set up first
    from shizhu.kernel import packs  # noqa: PLC0415
    from shizhu.kernel.models import County, Declaration  # noqa: PLC0415

    Declaration.objects.update_or_create(
        kind="rules", key="local.bench", county=County.objects.get(),
        defaults={"body": HIGH, "digest": "bench", "source": "person"},
    )  # fmt: skip
    packs.forget()
    api.bind_all()


def consume() -> None:
    """Judge events of a thousand bindings, each of a rule of its own; prints readings a second."""
    from shizhu.engines.alarms import judging  # noqa: PLC0415
    from shizhu.engines.alarms.bindings import Group, _bind  # noqa: PLC0415
    from shizhu.engines.alarms.models import Binding, Revision  # noqa: PLC0415
    from shizhu.engines.things import api as things  # noqa: PLC0415
    from shizhu.kernel import events  # noqa: PLC0415
    from shizhu.kernel.models import County  # noqa: PLC0415

    county = County.objects.get()
    info = things.streams_of(*judge.WATCHED.values())[0]
    Binding.objects.all().delete()
    first = 10_000_000
    for n in range(judge.RULES):
        stream = type(info)(**{**vars(info), "id": first + n})
        group = Group(f"datastream/{stream.id}", (stream,), info.organisation, info.area)
        _bind(f"bench.rule{n}", judge.KINDS[n % len(judge.KINDS)], county.pk, group, None)
    Revision.objects.update_or_create(pk=1, defaults={"token": uuid.uuid4()})
    consumer = next(one for one in events.consumers() if one.handler is judging.readings_committed)
    made = [
        events.Event(uuid.uuid4().hex, consumer.types[0], "", county.pk, datetime.now(UTC), {"readings": rows})
        for rows in judge.events(judge.ROUNDS, first)
    ]
    events.handle(consumer, made[0])
    began = time.perf_counter()
    for event in made[1:]:
        events.handle(consumer, event)
    print((judge.ROUNDS - 1) * judge.EVENT / (time.perf_counter() - began))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup(set_prefix=False)
    {"declare": declare, "consume": consume}[sys.argv[1]]()
