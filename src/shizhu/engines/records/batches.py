"""Work on many rows in the background: who asked, how far it is, what came of it. Kinds of work register themselves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pghistory
from django.db import OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shizhu.engines.records.catalogue import UnknownRegister
from shizhu.engines.records.models import Batch
from shizhu.kernel import access, files, jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, File, Organisation, Person

logger = logging.getLogger(__name__)
State = Batch.State
_kinds: dict[str, Callable[[Batch, Actor], None]] = {}


class Unfit(ValueError):
    """Work that cannot go on; the text says to its person why, and what to do."""


def kind(name: str, do: Callable[[Batch, Actor], None]) -> None:
    """Say how a kind of work is done. It is called anew after a crash, and goes on from `batch.done`."""
    _kinds[name] = do


def begin(person: Person, county: str, register: str, of: Batch.Kind, state: State, **values: Any) -> Batch:
    """Keep new work; `go` starts it."""
    return Batch.objects.create(
        county_id=county, register=register, kind=of, person=person, state=state,
        language=translation.get_language() or "zh-hans", **values,
    )  # fmt: skip


def start(batch: Batch, *, at_once: bool = False) -> None:
    """Let a worker do what its state says, or do it now, where that takes no time."""
    (run if at_once else _ask)(batch.pk)


@transaction.atomic
def go(batch: Batch, state: State, *, at_once: bool = False, asked: Mapping[str, Any] | None = None) -> bool:
    """Let a worker check or write, what is `asked` now; False if it was moved on already, by another click."""
    waiting = Batch.objects.filter(pk=batch.pk, state=batch.state).exclude(state=state)
    fresh = {} if asked is None else {"asked": asked}
    if not waiting.update(state=state, done=0, counts={}, examples=[], fault="", **fresh):
        return False
    batch.refresh_from_db()
    start(batch, at_once=at_once)
    return True


def run(number: int) -> None:
    """Do the work as its person, in their language; what goes wrong is kept where they look."""
    batch = Batch.objects.select_related("person").filter(pk=number).first()
    if batch is None or not batch.is_working:
        return
    person = batch.person
    try:
        with (
            translation.override(batch.language),
            pghistory.context(person=person.pk, name=person.username, path=f"{batch.register} {number}"),
        ):
            _kinds[batch.kind](batch, access.actor(person))
    except OperationalError:
        raise  # the database is away: the job is tried again
    except Unfit as error:
        end(batch, State.FAILED, fault=str(error))
    except UnknownRegister as error:
        end(batch, State.FAILED, fault=str(error))
    except Exception:
        logger.exception("batch %d", number)
        with translation.override(batch.language):
            said = _("Something of ours went wrong. It is in the log; what was written before stays written.")
        end(batch, State.FAILED, fault=said)


def _work(number: int) -> None:
    """A worker does it. One that was thought dead may live: another waits until it is done."""
    with jobs.locked(f"records.batch {number}"):
        run(number)


def _give_up(number: int) -> None:
    """It was tried often enough: its person is told."""
    batch = Batch.objects.get(pk=number)
    if batch.is_working:
        with translation.override(batch.language):
            said = _("The database could not be reached. Start it again; what was written before stays written.")
        end(batch, State.FAILED, fault=said)


_ask = jobs.later("records.batch", _work, _give_up)


def progress(batch: Batch, done: int, total: int = 0) -> None:
    """Say how far it is."""
    batch.done, batch.total = done, max(total, done)
    batch.save(update_fields=["done", "total", "counts", "examples", "preview"])


def end(batch: Batch, state: State, *, fault: str = "") -> None:
    """The work is done, or waits for its person again."""
    batch.state, batch.fault = state, fault
    batch.finished = timezone.now() if state in {State.DONE, State.FAILED} else None
    batch.save(update_fields=["state", "fault", "finished"] if state == State.FAILED else None)


def keep(batch_person: Person, county: str, data: bytes | Path, name: str, media_type: str) -> File:
    """Keep a file that was given or made; only its person is shown it."""
    organisation = Organisation.objects.get(county_id=county, code=county)
    area = Area.objects.get(county_id=county, code=county)
    return files.store(data, name=name, media_type=media_type, organisation=organisation, area=area, by=batch_person)
