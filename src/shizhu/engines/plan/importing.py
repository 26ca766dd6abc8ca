"""Bring a plan into the tables: what was read from a text, or what the county's folder says. A person's links stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import transaction

from shizhu.engines.plan import clauses, computing, rulings
from shizhu.engines.plan.clauses import key_of
from shizhu.engines.plan.logic import reader
from shizhu.engines.plan.logic.linking import is_as_much, is_same
from shizhu.engines.plan.logic.reading import read_file
from shizhu.engines.plan.models import Collection, Indicator, Plan, Task
from shizhu.kernel.counties import Folder
from shizhu.kernel.models import County, Organisation, Person

DEFAULT_CODE = "plan"
FLOWS = ("元", "人次", "场次")  # what units of numbers end with that are made anew each year
STOCKS = ("余额", "存量", "总资产", "净资产", "资产总", "注册资本", "实收资本", "市值", "原值")  # money that is there
_CHANGED = re.compile("[增提升降减]")
CHANGES = {"rise": 1, "fall": -1}  # bounds of targets that are no level
T = TypeVar("T", Indicator, Task)


def import_text(
    county: County, text: str, *, code: str = DEFAULT_CODE, source: str = "", by: Person | None = None
) -> Plan:
    """Read the text and keep everything with its place; rows of an older reading with the same key are replaced."""
    return _kept(county, text, reader.read(text).as_json(), code=code, source=source, by=by)


def import_file(
    county: County,
    name: str,
    content: bytes,
    *,
    code: str = DEFAULT_CODE,
    by: Person | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Plan:
    """Read a file (txt, docx, PDF, HTML) and keep everything; its name is the source. Raises FileUnreadable.

    `told` hears how many pages of how many are read.
    """
    read = read_file(name, content, told)
    return _kept(county, read.opened.text, read.as_json(), code=code, source=name, by=by)


@transaction.atomic
def _kept(county: County, text: str, document: dict[str, Any], *, code: str, source: str, by: Person | None) -> Plan:
    plan, _ = Plan.objects.update_or_create(
        county=county,
        code=code,
        defaults={
            "title": (document.get("title") or "")[:200] or county.name,
            "source": source[:200],
            "text": text,
            "document": document,
            "updated_by": by,
        },
    )
    _indicators(plan, [row for row in document["indicators"] if row["found_in"] == "table"], "plan")
    _tasks(plan, document["tasks"])
    _keep_adopted(plan)
    rulings.apply(plan)
    _keep_bases(plan)
    clauses.keep(plan)
    return plan


class Doubled(ValueError):
    """There is an indicator of the same target under a name that is alike; its text is that name."""


def adopt(plan: Plan, key: str, *, anyway: bool = False) -> Indicator | None:
    """Make an indicator of a target that a sentence states; None where the newest reading has no such target.

    Raises Doubled where one of the same target is there already, unless a person says that it is another one.
    """
    rows = [row for row in (plan.document or {}).get("indicators", []) if row.get("found_in") == "sentence"]
    row = next((row for row in rows if row["key"] == key), None)
    if row is None:
        return None
    if not anyway and (twin := Twins(plan).of(row)):
        raise Doubled(twin.name)
    order = 500 + rows.index(row)
    made = _indicator(plan, {**row, "key": key_of(row)}, "sentence", order)
    computing.keep_base(made)
    clauses.point(plan)
    return made


class InUse(ValueError):
    """There are values of the indicator, or somebody reports it; its text is its name."""


@transaction.atomic
def give_up(plan: Plan, key: str) -> str | None:
    """Make an indicator of a sentence none again; returns its name, None where there is none. Raises InUse."""
    rows = {row["key"]: key_of(row) for row in (plan.document or {}).get("indicators", [])}
    indicator = plan.indicators.filter(source="sentence", key=rows.get(key)).first()
    if indicator is None:
        return None
    if indicator.values.exclude(source="plan").exists() or Collection.objects.filter(indicator=indicator).exists():
        raise InUse(indicator.name)
    indicator.delete()
    clauses.point(plan)
    return indicator.name


class Twins:
    """The indicators of a plan, to be asked for one that states the target of a row of the reading already."""

    def __init__(self, plan: Plan) -> None:
        self.indicators = list(plan.indicators.all())
        self._standing, self._on_lines = clauses.Standing(plan), clauses.indicators_by_line(plan)

    def of(self, row: Mapping[str, Any]) -> Indicator | None:
        """Another indicator of the same target: of a name that is alike, or of a clause linked with that of the row."""
        said = {"subject": row["name"], "unit": row["unit"], **(row["target"] or {"value": None, "year": None})}
        linked = self._linked(row, said)
        for one in self.indicators:
            told = clauses.amount_of(one)
            if one.key != key_of(row) and (is_same(said, told) or (one in linked and is_as_much(said, told))):
                return one
        return None

    def _linked(self, row: Mapping[str, Any], said: Mapping[str, Any]) -> set[Indicator]:
        """The indicators that clauses state which a person linked with the one that states a row."""
        standing, place = self._standing, row.get("place") or {"from": 0, "to": 0}
        own = {
            one.pk
            for one in standing.clauses
            if one.place["from"] <= place["to"] and place["from"] <= one.place["to"] and one.states(said)
        }
        groups = {standing.group[pk] for pk in own}
        others = [one for one in standing.clauses if one.pk not in own and standing.group[one.pk] in groups]
        return {
            found
            for one in others
            for line in one.lines
            for found in self._on_lines.get(line, ())
            if one.states(clauses.amount_of(found))
        }


def _keep_adopted(plan: Plan) -> None:
    """Indicators made of sentences take the values of the new reading; those it lacks stay as they are."""
    said = {key_of(row): row for row in plan.document["indicators"] if row["found_in"] == "sentence"}
    for indicator in plan.indicators.filter(source="sentence", key__in=said):
        _indicator(plan, {**said[indicator.key], "key": indicator.key}, "sentence", indicator.order)


@transaction.atomic
def load_county(folder: Folder) -> None:
    """The plan of a county's folder: facts with their source, links to formulas, indicators the county adds.

    A plan that was imported from a text is not touched but for links nobody has made yet.
    """
    told = folder.yaml("plan")
    if not told:
        return
    county = County.objects.get(pk=folder.body["code"])
    plan, is_new = Plan.objects.get_or_create(
        county=county, code=told.get("code", DEFAULT_CODE), defaults={"title": told["title"], "source": told["source"]}
    )
    if is_new:
        _indicators(plan, told["indicators"], "plan")
    _indicators(plan, told.get("added", []), "county")
    _keep_bases(plan)
    for key, formula in told.get("links", {}).items():
        plan.indicators.filter(key=key, formula="").update(formula=formula)
    if is_new:
        _collections(plan, told.get("collections", []))


def _collections(plan: Plan, rows: list[dict[str, Any]]) -> None:
    """Who reports what, as the county's folder says; afterwards it is a person's."""
    for row in rows:
        Collection.objects.create(
            indicator=plan.indicators.get(key=row["indicator"]), every=row["every"], due_days=row["due_days"],
            organisation=Organisation.objects.get(county=plan.county, code=row["by"]), since=row["since"],
        )  # fmt: skip


def _keep_bases(plan: Plan) -> None:
    for one in plan.indicators.all():
        computing.keep_base(one)


def _indicators(plan: Plan, rows: list[dict[str, Any]], source: str) -> None:
    start = 0 if source == "plan" else 1000
    for order, row in enumerate(rows, start):
        _indicator(plan, row, source, order)
    gone = Indicator.objects.filter(plan=plan, source=source, edited=[])
    gone.exclude(key__in=[row["key"] for row in rows]).delete()


def _aim(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Target value and yearly growth of a row; a target printed as a rise or fall is no level.

    年均增长8% is the growth, as is 8% alone over several years in a row of 亿元; 增长8% and 提高5个百分点 count from
    the base, and are no target without one. What is itself counted in per cent stays as printed.
    """
    target, growth = row["target"], None if row.get("growth_is_total") else row.get("growth")
    value, text, base = target["value"], target.get("text") or "", row["base"]["value"]
    is_share = "%" in text.replace("％", "%") and "百分点" not in text
    if value is None or target.get("bound") not in CHANGES or (row.get("unit") == "%" and "百分点" not in text):
        return value, growth
    change = CHANGES[target["bound"]] * abs(value)
    years = (target.get("year") or 0) - (row["base"].get("year") or target.get("year") or 0)
    if is_share and ("年均" in text or (years > 1 and not _CHANGED.search(text))):
        return None, change if growth is None else growth
    if base is None:
        return None, growth
    return round(base * (1 + change / 100) if is_share else base + change, 6), growth


def _indicator(plan: Plan, row: Mapping[str, Any], source: str, order: int) -> Indicator:
    target, growth = _aim(row)
    values: dict[str, Any] = {
        "order": order,
        "no": str(row.get("no") or ""),
        "name": row["name"][:200],
        "unit": row.get("unit") or "",
        "kind": "每年" if row.get("kind") == reader.YEARLY else row.get("kind") or "",
        "base_year": row["base"]["year"],
        "base_value": row["base"]["value"],
        "target_year": row["target"]["year"],
        "target_value": target,
        "growth": growth,
        "is_cumulative": bool(row.get("cumulative")),
        "is_rising": _rises(row, target, growth),
        "place": row.get("place"),
        "source": source,
    }
    told = {name: row[name] for name in ("formula", "definition") if row.get(name)}
    sources = {f"{end}_source": row[end]["source"] for end in ("base", "target") if row[end].get("source")}
    values |= told | sources
    made, is_new = _row(Indicator, plan, row["key"], values)
    if is_new:  # afterwards they are a person's
        made.steps = _steps(row)
        made.is_flow = not values["is_cumulative"] and _flows(row["name"], values["unit"])
        made.save(update_fields=["steps", "is_flow"])
    return made


def _row(model: type[T], plan: Plan, key: str, values: Mapping[str, Any]) -> tuple[T, bool]:
    """The row of a key with what was read, and whether it is new; what a person entered or changed stays as it is."""
    made, is_new = model.objects.get_or_create(plan=plan, key=key, defaults=dict(values))
    if not is_new and made.source != "person":
        for field in values.keys() - set(made.edited):
            setattr(made, field, values[field])
        made.save(update_fields=[field for field in values if field not in made.edited])
    return made, is_new


def _steps(row: Mapping[str, Any]) -> dict[str, float]:
    """The values that the plan prints for years between base and target."""
    marks = [(mark["year"], mark["value"]) for mark in row.get("milestones", [])]
    first, last = row["base"]["year"] or 0, row["target"]["year"] or 0
    return {str(year): value for year, value in marks if value is not None and year and first < year < last}


def _flows(name: str, unit: str) -> bool:
    """Whether a number is made anew each year: money, but for what is owned of it, and what is held or attended."""
    return unit.endswith(FLOWS) and not any(word in name for word in STOCKS)


def _rises(row: Mapping[str, Any], target: float | None, growth: float | None) -> bool:
    """Whether more is better: as declared, else by the bound (a floor, a ceiling), else by the way from the base."""
    if "direction" in row:
        return bool(row["direction"] == "rising")
    if (bound := row["target"].get("bound")) in {"at_least", "at_most"}:
        return bool(bound == "at_least")
    if target is None:
        return (growth or 0) >= 0
    return row["base"]["value"] is None or target >= row["base"]["value"]


def _tasks(plan: Plan, rows: list[dict[str, Any]]) -> None:
    for order, row in enumerate(rows):
        values = {
            "order": order, "no": str(row.get("no") or ""), "name": row["name"][:200],
            "content": row.get("content") or "", "category": (row.get("class") or "")[:60],
            "period": row.get("period") or {}, "owners": row.get("owners") or [], "place": row.get("place"),
        }  # fmt: skip
        _row(Task, plan, row["key"], values)
    gone = Task.objects.filter(plan=plan, source="plan", edited=[], budgets=None, risks=None)
    gone.exclude(key__in=[row["key"] for row in rows]).delete()
