"""What a pack's flows must show: however opened they come to their end, carried by the right people alone."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from shizhu.engines.cases import acting, actions, flows, patrols, stock, strolls
from shizhu.engines.cases.assignment import candidates
from shizhu.engines.cases.logic import FlowError, emergency
from shizhu.engines.cases.models import DRILL, Case, Task
from shizhu.engines.records import api as records
from shizhu.kernel import access, testing
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial

PICTURE = b"\x89PNG\r\n\x1a\n"
MOST_TASKS = 20
ALARM: dict[str, Any] = {  # what a case knows of the alarm that opened it
    "source": "alarm", "rule": "trial.rule", "level": "yellow", "value": 1.0, "limit": "≥ 2",
    "since": "2026-07-01T00:00:00Z", "raised_at": "2026-07-01T00:00:00Z",
}  # fmt: skip


def filled(form: Body) -> dict[str, Any]:
    """An answer that agrees to everything: yes, the first choice, the least number, the shortest text.

    A reference that may be left out is: there is no row yet.
    """
    asked = form.get("required", [])
    return {
        name: _filled(item)
        for name, item in form["properties"].items()
        if item["type"] != "array" and ("x-shizhu-ref" not in item or name in asked)
    }


def _filled(item: Mapping[str, Any]) -> Any:
    for given in ("examples", "enum"):
        if given in item:
            return item[given][0]
    if item["type"] == "boolean":
        return True
    if item["type"] in {"number", "integer"}:
        return item.get("minimum", 1)
    return "样" * max(2, item.get("minLength", 0))


def _pictures(form: Body) -> list[actions.Upload]:
    wanted = {name: item.get("minItems", 0) for name, item in form["properties"].items() if item["type"] == "array"}
    return [actions.Upload(name, "样.png", io.BytesIO(PICTURE)) for name, least in wanted.items() for _ in range(least)]


def opened(trial: Trial, key: str) -> Case:
    """A case of the flow, by hand where it has a form to begin with."""
    flow, about = flows.current(key, trial.county.pk)
    for code in {about.owner, *(step.organisation for step in flow.steps)} - {""}:
        trial.organisation(code)
    for role in trial.roles:
        trial.person(role)
    if not about.start_form:
        return actions.open_case(actions.Opening(key, "样", trial.town, ALARM))
    form = flows.form(about.start_form, trial.county.pk)
    document = {"source": "person", **filled(form)}
    by = trial.person(about.starters[0]) if about.starters else trial.root
    return actions.open_case(actions.Opening(key, "样", trial.town, document, by, uploads=_pictures(form)))


def make(trial: Trial, key: str, body: Body) -> None:
    """A case that stays open."""
    opened(trial, key)


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Names, and cases that go their way to the end."""
    yield from _names(trial, key)
    try:
        yield from _to_the_end(trial, opened(trial, key))
        if '"alarm"' in body["text"]:  # it asks who opened it
            case = actions.open_case(actions.Opening(key, "样", trial.town, ALARM))
            yield from (f"opened by an alarm: {line}" for line in _to_the_end(trial, case))
    except (FlowError, actions.AnswerRefused) as error:
        yield str(error)


def _names(trial: Trial, key: str) -> Iterator[str]:
    """Elements that people read of have their English name, and each choice of a form its names."""
    flow, about = flows.current(key, trial.county.pk)
    for step in flow.steps:
        names = about.names.get(step.id)
        is_told = step.kind in {"user", "task", "manual", "start", "end", "milestone", "decision"}
        if is_told and not flow.is_silent(step.id) and (names is None or names["en"] == names["zh"]):
            yield f"{step.id}: must have a name, and an English one as its property `en`"


def _to_the_end(trial: Trial, case: Case) -> Iterator[str]:
    """Every task is answered by its first candidate; everybody else is refused and changes nothing."""
    flow, _about = flows.version(case.flow, case.digest)
    for _ in range(MOST_TASKS):
        task = Task.objects.filter(case=case, status=Task.Status.READY).first()
        if task is None:
            break
        people = candidates(task.role, case, task.organisation)
        if not people:
            yield f"{task.step}: nobody of the role {task.role} can be given the task"
            return
        yield from _refused(trial, task, people)
        for helper in task.helpers.select_related("person"):
            acting.contribute(access.actor(helper.person), helper.pk, "样样")
        form = flows.form_of(case, flow.step[task.step].form or "")
        actions.answer(access.actor(people[0]), task.pk, filled(form), _pictures(form))
    case.refresh_from_db()
    if case.status != Case.Status.CLOSED:
        yield f"is not closed after {MOST_TASKS} tasks, each answered with yes and the first choice"


def _refused(trial: Trial, task: Task, people: list[Person]) -> Iterator[str]:
    others = [trial.stranger, trial.root, *(trial.person(role) for role in trial.roles if role != task.role)]
    before = testing.everything_kept()
    for person in others:
        if person in people:
            continue
        try:
            actions.answer(access.actor(person), task.pk, {})
        except PermissionDenied:
            continue
        except actions.AnswerRefused:
            yield f"{task.step}: {person.username} may answer it without the role {task.role}"
    if testing.everything_kept() != before:
        yield f"{task.step}: somebody without the role {task.role} changed rows"


def check_form(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """Every choice has its name, and no name stands without a choice."""
    for name, item in body["properties"].items():
        named, values = set(item.get("x-choices", {})), {str(value) for value in item.get("enum", [])}
        if named != values:
            yield f"{name}: x-choices: {', '.join(sorted(named ^ values))}: must name what enum has, and nothing else"


def _opens(who: Actor, key: str) -> bool:
    _flow, about = flows.current(key, testing.CODE)
    return any(scope.role in about.starters for scope in who.scopes)


def _address(key: str) -> str:
    _flow, about = flows.current(key, testing.CODE)
    return f"/cases/new/{key}/" if about.start_form else ""


def check_emergency(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """At every level each task is done by its people, and only then is the response ended."""
    for level in emergency.levels(body):
        opened(trial, key)
        document = {"source": "person", "title": "样样", "level": level, "description": "样样"}
        case = actions.open_case(actions.Opening(key, "样", trial.town, document, origin=DRILL))
        wanted = {id_ for one in emergency.LEVELS[: emergency.LEVELS.index(level) + 1] if one in body["levels"]
                  for id_ in body["levels"][one]["tasks"]}  # fmt: skip
        ready = Task.objects.filter(case=case, status=Task.Status.READY).exclude(step=emergency.DECIDE)
        while (task := ready.first()) is not None:
            people = candidates(task.role, case, task.organisation)
            if not people:
                yield f"{task.step}: nobody of the role {task.role} can be given the task"
                return
            form = flows.form_of(case, flows.version(key, case.digest)[0].step[task.step].form or "")
            actions.answer(access.actor(people[0]), task.pk, filled(form), _pictures(form))
        done = set(Task.objects.filter(case=case, status=Task.Status.DONE).values_list("step", flat=True))
        yield from (f"levels.{level}: {id_}: is not given at this level" for id_ in sorted(wanted - done))


def make_stock(trial: Trial, key: str, body: Body) -> None:
    """One article at one place."""
    who, county, register = access.actor(trial.root), trial.county.pk, body["places"][0]
    article = next(records.scan(who, county, body["articles"], records.Query()))
    place = next(one for one in records.scan(who, county, register, records.Query()) if one.geometry is not None)
    wanted = stock.Wanted(key, "receive", article.key, Decimal(1), target=(register, place.key))
    stock.move(who, county, wanted)


def make_patrol(trial: Trial, key: str, body: Body) -> None:
    """One walk along the first object that has a place."""
    beat, who = patrols.beats(trial.county.pk)[key], access.actor(trial.person(body["role"]))
    entry = next(one for one in patrols.objects(who, trial.county.pk, beat) if one.geometry is not None)
    begins = timezone.now() - timedelta(hours=1)
    strolls.walk(who, trial.county.pk, strolls.Stroll(key, entry.key, begins, 45, (0.0, 0.5)))


testing.sample("flows", make)
testing.sample("patrols", make_patrol)
testing.sample("stocks", make_stock)
testing.proof("emergencies", check_emergency)
testing.proof("flows", check)
testing.proof("forms", check_form)
testing.door("flows", testing.Door(_address, _opens))
