"""What readings say of nodes (读数核验): a declared formula over rows and readings, of the unit or the whole county."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from shizhu.engines.plan import computing
from shizhu.engines.plan.models import Node
from shizhu.engines.plan.periods import Period, period_of
from shizhu.kernel import packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

AT_LEAST, AT_MOST = "at_least", "at_most"
SIGNS = {AT_LEAST: "≥", AT_MOST: "≤"}
UNIT, COUNTY = "unit", "county"
Proof = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """What the readings of a period say; `is_met` is None where the formula has no answer."""

    period: str
    found: computing.Found
    is_met: bool | None


def declared(node: Node) -> Body:
    """The formula of a node's proof; empty where nobody declares it any more."""
    return packs.declared("indicators", node.proof["formula"], node.county_id) if node.proof else {}


def asked(node: Node) -> str:
    """What the readings are to say, in words; "" for a node without proof."""
    body = declared(node)
    if not node.proof or not body:
        return ""
    whose = node.organisation.name if node.proof["of"] == UNIT else _("the whole county")
    return f"{label(body['title'])}（{whose}） {SIGNS[node.proof['bound']]} {node.proof['value']:g} {body['unit']}"


def is_alone(node: Node) -> bool:
    """Whether a node is proved by readings and nothing else."""
    return bool(node.proof) and not node.files and node.value is None and not node.counted


def period(body: Body, node: Node, today: date) -> Period:
    """The period that holds the due day, or before it this day."""
    return period_of(body["period"], min(node.due_on, today))


def say(nodes: Iterable[Node], today: date) -> dict[int, Said]:
    """What the readings say of each node that has a proof, in one pass over each table for those of a kind of unit."""
    groups: dict[tuple[str, str], list[tuple[Node, Proof, Body, Period]]] = {}
    for node in nodes:
        if node.proof and (body := declared(node)):
            row = node, node.proof, body, period(body, node, today)
            groups.setdefault((node.county_id, _by(node, node.proof)), []).append(row)
    found: dict[int, Said] = {}
    for (county, by), rows in groups.items():
        parts = _parts(county, by, [row[0] for row in rows])
        wanted = {(proof["formula"], days.name): (body, days) for _node, proof, body, days in rows}
        made = dict(zip(wanted, computing.by_part(list(wanted.values()), county, by, parts), strict=True))
        for node, proof, _body, days in rows:
            one = made[proof["formula"], days.name][node.organisation.code if by else ""]
            found[node.pk] = Said(days.name, one, _is_met(one.value, proof))
    return found


def _is_met(value: float | None, proof: Proof) -> bool | None:
    if value is None:
        return None
    asked = float(proof["value"])
    return value >= asked if proof["bound"] == AT_LEAST else value <= asked


def _by(node: Node, proof: Proof) -> str:
    """How rows are told apart: a town's are those in its area, a department's those it keeps."""
    if proof["of"] == COUNTY:
        return ""
    return "area" if node.organisation.kind == "town" else "organisation"


def _parts(county: str, by: str, nodes: Sequence[Node]) -> Mapping[str, Sequence[str]]:
    """Unit → the codes of areas or organisations that are its."""
    if not by:
        return {"": [""]}
    model = Area if by == "area" else Organisation
    codes = list(model.objects.filter(county_id=county).values_list("code", "path"))
    paths = {node.organisation.code: node.area.path if by == "area" else node.organisation.path for node in nodes}
    return {unit: [code for code, other in codes if other.startswith(path)] for unit, path in paths.items()}


def within(node: Node) -> str:
    """The condition in CQL2 under which rows are of the unit that the proof is about."""
    if not node.proof or not (by := _by(node, node.proof)):
        return ""
    if by == "area":
        return f"_town = '{node.area.code}'"
    [codes] = _parts(node.county_id, by, [node]).values()
    return f"_organisation IN ({', '.join(repr(code) for code in codes)})"
