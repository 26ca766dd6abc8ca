"""What a pack's rules must show: judged on the database as in their examples, one alarm, for the right people."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.alarms import api, judging
from shizhu.engines.alarms.logic.conditions import bind
from shizhu.engines.alarms.logic.examples import series
from shizhu.engines.alarms.logic.judge import judge
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.things import api as things
from shizhu.kernel import access, events, testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial
from shizhu.lib.times import parse_duration


def make(trial: Trial, key: str, body: Body) -> None:
    """A device of the rule's profile that sends the first example with an alarm, up to the reading that raises it."""
    example = next((one for one in body["examples"] if one["expect"] != "none"), None)
    if example is None:
        return
    name, profile, place = f"rule-{key.replace('.', '-')}", body["when"]["profile"], (100.6, 30.6)
    properties = example.get("properties", {})
    wanted = things.Registration(
        name, profile, name, trial.organisation(), trial.town, place, things.Origin.SIMULATED, properties=properties
    )
    device, _ = things.register(wanted, "secret")
    judging.bind_all()
    (stream,) = things.streams_of(profile, body["when"]["property"], thing=device.thing_id)
    made = list(series(example["series"], parse_duration(example.get("every", "PT1H"))))
    _, changes = judge(bind(body["when"], body.get("clear"), properties), made)
    raised = next((change.at for change in changes if change.is_raised), made[-1][0])
    told = [[stream.id, at.isoformat(), value, int(things.Origin.SIMULATED)] for at, value in made if at <= raised]
    consumer = next(found for found in events.consumers() if found.name == "alarms.judge")
    event = events.Event(name, consumer.types[0], "", trial.county.pk, raised, {"readings": told})
    events.handle(consumer, event)


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """The alarm is there once, at the rule's level; a person without a role sees nothing of it."""
    found = list(Alarm.objects.filter(rule=key))
    if [alarm.level for alarm in found] != [body["level"]]:
        levels = ", ".join(alarm.level for alarm in found) or "none"
        yield f"the readings of its example raised {levels} on the database, expected {body['level']}"
        return
    address = f"/alarms/{found[0].pk}/"
    for who, expected in ((trial.root, 200), (trial.stranger, 403)):
        status = trial.status(who, address)
        if status != expected:
            yield f"the page of its alarm answers {who.username} with {status}, expected {expected}"
    if api.alarms(access.actor(trial.stranger), trial.county.pk):
        yield "a person without a role sees its alarm"


testing.sample("rules", make)
testing.proof("rules", check)
