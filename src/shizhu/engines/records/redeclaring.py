"""Changing a declaration that has many rows: a worker looks at all of them, and keeps it if none forbids it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.records import batches
from shizhu.engines.records.batches import Unfit
from shizhu.engines.records.catalogue import KIND, merged
from shizhu.engines.records.forbidding import Forbidden, forbidden, looked_at
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import Problem
from shizhu.engines.records.models import Batch, Record
from shizhu.engines.records.tasks import prepare_soon
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Declaration, Person, Role
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.web import declaring

AT_ONCE = 10_000  # rows that are looked at while the person waits
ACTIONS = {"view": ("view",), "write": ("create", "edit"), "delete": ("delete",), "unmask": ("unmask",)}
RIGHTS = {"view": gettext_noop("See"), "write": gettext_noop("Write"), "delete": gettext_noop("Withdraw"),
          "unmask": gettext_noop("Unmask")}  # fmt: skip
Rights = Mapping[str, Collection[str]]  # role → verbs


@dataclass(frozen=True)
class Change:
    """A change that a worker looks at or looked at: `reasons` and `refused` say why it was not kept."""

    batch: Batch
    kind: str
    key: str
    body: Body
    reasons: tuple[Forbidden, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether it is in force."""
        return self.batch.state == Batch.State.DONE and not self.reasons and not self.refused


def editions(county: str, kind: str, key: str, *bodies: Body) -> list[Register]:
    """The register by each of these declarations of its own, or of fields that are laid over a pack's."""
    if kind == overlays.FIELDS:
        base = packs.declarations(KIND, county)[key]
        return [Register(key, merged(base, body)) for body in bodies]
    return [Register(key, body) for body in bodies]


def is_long(county: str, kind: str, key: str, old: Body, new: Body) -> bool:
    """Whether so many rows have to be looked at that nobody should wait for it."""
    rows = Record.objects.filter(county_id=county, register=key)
    return looked_at(*editions(county, kind, key, old, new)) > 0 and rows[AT_ONCE : AT_ONCE + 1].exists()


def give(who: Actor, county: str, key: str, wanted: Rights) -> None:
    """Give rights on a register; on rows that are there, only those one has for the whole county. Raises Refused."""
    wrong = lacking(who, county, key, wanted)
    if wrong:
        raise overlays.Refused(wrong)
    overlays.grant(county, f"records.{key}", wanted)


def lacking(who: Actor, county: str, key: str, wanted: Rights) -> list[str]:
    """Rights that somebody may not give, a line for each role."""
    prefix, lines = f"records.{key}", []
    if not Record.objects.filter(county_id=county, register=key).exists():
        return []
    given = overlays.granted(county, prefix)
    for role in Role.objects.filter(pk__in=wanted).order_by("source", "pk"):
        more = set(wanted[role.pk]) - given.get(role.pk, set())
        missing = {verb for verb in more if not access.has_county(who, f"{prefix}.{verb}", county)}
        names = [_(RIGHTS[name]) for name, verbs in ACTIONS.items() if missing.intersection(verbs)]
        if names:
            rule = _("there are records, and you have not got this right for the whole county yourself")
            lines.append(f"{label(role.name) or role.pk}: {', '.join(names)}: {rule}")
    return lines


def begin(
    person: Person, who: Actor, county: str, kind: str, key: str, body: Body, *, read: str,
    rights: Rights | None = None,
) -> Batch:  # fmt: skip
    """Have a worker look at it. Raises Stale, Refused at once for what rows have nothing to do with."""
    row = overlays.find(county, kind, key)
    if (row.digest if row else "") != read:
        raise overlays.Stale(key)
    wrong = overlays.refusals(county, {(kind, key): body}) + (lacking(who, county, key, rights) if rights else [])
    if wrong:
        raise overlays.Refused(wrong)
    told = None if rights is None else {role: sorted(verbs) for role, verbs in rights.items()}
    asked = {"body": json.dumps(body, ensure_ascii=False), "read": read, "rights": told}  # text keeps its order
    made = batches.begin(person, county, f"{kind}/{key}", Batch.Kind.DECLARE, Batch.State.CHECKING, asked=asked)
    batches.start(made)
    return made


def change_of(batch: Batch) -> Change:
    """What a batch is about, and what came of it."""
    kind, _slash, key = batch.register.partition("/")
    told = [
        Forbidden(
            one["path"], one["rule"], one["total"], tuple((pk, name, title) for pk, name, title in one["rows"]),
            Problem(**one["problem"]) if one["problem"] else None,
        )
        for one in batch.preview.get("reasons", [])
    ]  # fmt: skip
    refused = tuple(batch.preview.get("refused", []))
    return Change(batch, kind, key, json.loads(batch.asked["body"]), tuple(told), refused)


def working(county: str, kind: str, key: str) -> Batch | None:
    """The change of a declaration that a worker is at."""
    states = [Batch.State.CHECKING, Batch.State.WRITING]
    rows = Batch.objects.filter(county=county, register=f"{kind}/{key}", kind=Batch.Kind.DECLARE, state__in=states)
    return rows.first()


def run(batch: Batch, who: Actor) -> None:
    """Look at the rows, and keep the declaration if none forbids it; begun anew after a crash."""
    change, county = change_of(batch), batch.county_id
    try:
        access.require_county(who, overlays.EDIT, county)
    except PermissionDenied:
        raise Unfit(_("You may no longer declare for the whole county.")) from None
    row = Declaration.objects.get(county_id=county, kind=change.kind, key=change.key)
    old, new = editions(county, change.kind, change.key, row.body, change.body)
    total = looked_at(old, new) * Record.objects.filter(county_id=county, register=change.key).count()
    batch.done = 0

    def tell(rows: int) -> None:
        batches.progress(batch, batch.done + rows, total)

    reasons = forbidden(who, county, old, new, tell)
    batch.preview = {"reasons": [_plain(one) for one in reasons]}
    if not reasons:
        try:
            with transaction.atomic():
                overlays.save(county, change.kind, change.key, change.body, read=batch.asked["read"])
                if batch.asked["rights"] is not None:
                    give(who, county, change.key, batch.asked["rights"])
                batches.end(batch, Batch.State.DONE)
        except (overlays.Refused, overlays.Stale) as error:
            batch.preview = {"refused": declaring.refusal(error)}
        else:
            prepare_soon(county)
            return
    batches.end(batch, Batch.State.DONE)


def _plain(one: Forbidden) -> dict[str, Any]:
    told = asdict(one)
    return told | {"problem": {**told["problem"], "value": ""}} if told["problem"] else told
