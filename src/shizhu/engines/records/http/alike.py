"""Rules by which two rows are probably one, as an administrator clicks them together, and back again.

The controls of a rule are named `d.<id>.<field>` and `d.<id>.within`, and `rules` lists the ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.records.logic.duplicates import AREA, ORGANISATION, OWN, TOWN
from shizhu.kernel.packs import Body
from shizhu.lib import likeness
from shizhu.lib.numbers import whole
from shizhu.web.parts import OTHER, Part, Posted, rearranged

SAME, MOST = "same", 8
ALIKE = (likeness.ORGANISATION, likeness.PERSON, likeness.ADDRESS)
NO_VALUE = {"lines", "several", "photos", "files", OTHER}  # kinds that cannot be compared
ADD = "rule"  # the click that adds one


@dataclass(frozen=True)
class Rule:
    """One rule as it is typed: `how` is field id → same or one of ALIKE, `within` one of OWN or a field's id."""

    id: str
    how: Mapping[str, str] = field(default_factory=dict)
    within: str = ""
    problem: str = ""


def read(posted: Posted) -> tuple[Rule, ...]:
    """The rules that were typed, in order."""
    found = []
    for id_ in dict.fromkeys(filter(None, posted.get("rules", "").split(","))):
        prefix = f"d.{id_}."
        told = {key.removeprefix(prefix): value for key, value in posted.items() if key.startswith(prefix) and value}
        within = told.pop("within", "")
        found.append(Rule(id_, told, within))
    return tuple(found)


def moved(rules: Sequence[Rule], do: str) -> tuple[Rule, ...]:
    """The rules after a click: ADD, `remove:<id>`; anything else changes nothing."""
    if do == ADD and len(rules) < MOST:
        numbers = [whole(rule.id[1:]) for rule in rules if rule.id[:1] == "~"]
        return (*rules, Rule(f"~{max(numbers, default=0) + 1}"))
    return tuple(rearranged(rules, [rule.id for rule in rules], do))


def written(bodies: Sequence[Body]) -> tuple[Rule, ...]:
    """Declared rules as they would be typed."""
    return tuple(
        Rule(
            f"~{number}", {**dict.fromkeys(body.get("same", []), SAME), **body.get("like", {})}, body.get("within", "")
        )
        for number, body in enumerate(bodies, 1)
    )


def declared(rules: Sequence[Rule], names: Mapping[str, str], kept: Sequence[Body]) -> list[Body]:
    """Rules as they are declared; one that did not change keeps the order of its fields."""
    known = list(zip((_plain(rule) for rule in written(kept)), kept, strict=True))
    found = []
    for rule in rules:
        how = {names[id_]: how for id_, how in rule.how.items() if id_ in names}
        same, like = [name for name, way in how.items() if way == SAME], {n: w for n, w in how.items() if w != SAME}
        within = rule.within if rule.within in OWN else names.get(rule.within, "")
        body: dict[str, Any] = {
            word: told for word, told in (("same", same), ("like", like), ("within", within)) if told
        }
        found.append(next((old for plain, old in known if plain == (how, within)), body))
    return found


def _plain(rule: Rule) -> tuple[Mapping[str, str], str]:
    return rule.how, rule.within


def marked(rules: Sequence[Rule], parts: Sequence[Part], key: str) -> tuple[Rule, ...]:
    """The rules, each with what is wrong with it; `key` is the id of the field that identifies a record."""
    by_id = {part.id: part for part in parts}
    return tuple(replace(rule, problem=next(_wrong(rule, by_id, key), "")) for rule in rules)


def _wrong(rule: Rule, parts: Mapping[str, Part], key: str) -> Iterator[str]:
    how = {id_: way for id_, way in rule.how.items() if id_ in parts}
    if not how:
        yield _("Say of one field at least how it agrees.")
    for id_, way in how.items():
        part = parts[id_]
        if way != SAME and (way not in ALIKE or part.kind not in {"text", OTHER}):
            yield _("%(field)s: only a text of one line is compared as a name or an address.") % {"field": part.zh}
        elif way == SAME and part.kind in NO_VALUE - {OTHER}:
            yield _("%(field)s: this kind cannot be compared.") % {"field": part.zh}
    if list(how.items()) == [(key, SAME)]:
        yield _("No two records have the same field that identifies them: choose another one.")
    if rule.within and rule.within not in OWN:
        part_ = parts.get(rule.within)
        if part_ is None or part_.kind in NO_VALUE - {OTHER}:
            yield _("Choose one of the list.")


def offer(rules: Sequence[Rule], parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What the page shows of each rule: its fields, each with the ways it may agree, and what both rows lie in."""
    ways = [
        (SAME, _("is the same")), (likeness.ORGANISATION, _("is alike, as the name of a body")),
        (likeness.PERSON, _("is alike, as the name of a person")), (likeness.ADDRESS, _("is alike, as an address")),
    ]  # fmt: skip
    nearby = [
        ("", _("the whole county")), (AREA, _("the same area")), (TOWN, _("the same town")),
        (ORGANISATION, _("the same organisation")),
    ]  # fmt: skip
    made = []
    for rule in rules:
        fields = [
            (part, rule.how.get(part.id, ""), ways if part.kind in {"text", OTHER} else ways[:1])
            for part in parts
            if part.kind not in NO_VALUE or part.id in rule.how
        ]
        beside = [(part.id, part.zh) for part in parts if part.kind not in NO_VALUE or part.id == rule.within]
        made.append({"rule": rule, "fields": fields, "nearby": nearby, "beside": beside})
    return made
