"""What a pack's rules must show: judged on the database as in their examples, one alarm, for the right people."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from shizhu.engines.alarms import api
from shizhu.engines.alarms.bindings import bind_all
from shizhu.engines.alarms.logic import examples, warnings
from shizhu.engines.alarms.logic.moments import moment
from shizhu.engines.alarms.models import Alarm, PublicWarning
from shizhu.engines.alarms.warnings import drafting, issuing
from shizhu.engines.things import api as things
from shizhu.kernel import access, events, testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial


def _example(body: Body) -> Body | None:
    """The first that raises an alarm by what it is told, for a device of one profile."""
    found = (one for one in body["examples"] if one["expect"] != "none" and isinstance(one["series"], list))
    is_told = "missing" not in body["when"] and "zone" not in body["when"] and "calendar" not in body
    return next(found, None) if is_told else None


def _named(key: str) -> str:
    """The key and name of a rule's device: several rules may judge one profile."""
    return f"rule-{key.replace('.', '-')}"


def make(trial: Trial, key: str, body: Body) -> None:
    """A device of the rule's profile that sends the first example with an alarm, up to the reading that raises it."""
    example = _example(body)
    if example is None:
        return
    name, profile, place = _named(key), body["when"]["profile"], (100.6, 30.6)
    properties = example.get("properties", {})
    wanted = things.Registration(
        name, profile, name, trial.organisation(), trial.town, place, things.Origin.SIMULATED, properties=properties
    )
    device, _ = things.register(wanted, "secret")
    bind_all()
    (stream,) = things.streams_of(profile, body["when"]["property"], thing=device.thing_id)
    ((_source, made),) = examples.sources(body, example)
    _, found = examples.tried(body, example)
    last = max((step.at for step in found[0].levels if step.level == example["expect"]), default=found[0].raised_at)
    told = [
        [stream.id, at.isoformat(), value, int(things.Origin.SIMULATED)] for at, value in made if moment(at) <= last
    ]
    consumer = next(found for found in events.consumers() if found.name == "alarms.judge")
    event = events.Event(name, consumer.types[0], "", trial.county.pk, made[0][0], {"readings": told})
    events.handle(consumer, event)


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """The alarm is there once, at the rule's level; a person without a role sees nothing of it."""
    example = _example(body)
    if example is None:
        return
    streams = things.streams_of(body["when"]["profile"], body["when"]["property"])
    own = [stream.id for stream in streams if stream.thing_name == _named(key)]
    found = list(Alarm.objects.filter(rule=key, datastream__in=own))
    if [alarm.level for alarm in found] != [example["expect"]]:
        levels = ", ".join(alarm.level for alarm in found) or "none"
        yield f"the readings of its example raised {levels} on the database, expected {example['expect']}"
        return
    address = f"/alarms/{found[0].pk}/"
    for who, expected in ((trial.root, 200), (trial.stranger, 403)):
        status = trial.status(who, address)
        if status != expected:
            yield f"the page of its alarm answers {who.username} with {status}, expected {expected}"
    if api.alarms(access.actor(trial.stranger), trial.county.pk):
        yield "a person without a role sees its alarm"


def warn(trial: Trial, key: str, body: Body) -> None:
    """A warning of the kind at its example's level for the town, written by one person and issued by another."""
    writer, start = trial.person(), drafting.Start(key, body["example"]["level"], (trial.town,), trial.organisation())
    content = drafting.prefilled(start, timezone.now())
    draft = issuing.propose(content, trial.organisation(), trial.town, person=writer.pk)
    issuing.issue(access.actor(trial.root), draft.pk, draft.version, web="https://example.org")


def warned(trial: Trial, key: str, _body: Body) -> Iterator[str]:
    """It is in force with texts in both languages, and a person without a role gets no page of it."""
    held = PublicWarning.objects.get(kind=key)
    said = held.messages.get().content
    for name in warnings.TEXTS:
        for language in warnings.LANGUAGES:
            if not said[name][language] or "{" in said[name][language]:
                yield f"{name}.{language}: {said[name][language]!r} is no text"
    for who, expected in ((trial.root, 200), (trial.stranger, 403)):
        status = trial.status(who, f"/alarms/warnings/{held.pk}/")
        if status != expected:
            yield f"the page of its warning answers {who.username} with {status}, expected {expected}"


testing.sample("rules", make)
testing.proof("rules", check)
testing.sample("warnings", warn)
testing.proof("warnings", warned)
