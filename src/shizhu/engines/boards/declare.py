"""What packs and counties may declare: boards (`boards/*.yaml`), reports (`reports/*.yaml`) and rankings
(`rankings/*.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from shizhu.kernel import datasets, overlays, packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.lib import feel
from shizhu.lib.times import parse_duration

BOARDS, REPORTS, RANKINGS = "boards", "reports", "rankings"
GROUPED = {"bar", "line", "area", "stacked", "pie", "ranking"}
GIVEN = {"day", "county"}
NEEDS = {"table": "rows", "list": "rows", "timeline": "timeline"}


def panels(board: Body) -> Iterator[tuple[str, Body]]:
    """(place, panel) of every panel of a board."""
    for f, field in enumerate(board["fields"]):
        for p, panel in enumerate(field["panels"]):
            yield f"fields[{f}].panels[{p}]", panel


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Panels have keys of their own, ask what there is, and the layouts place every field."""
    seen: set[str] = set()
    for place, panel in panels(body):
        if panel["key"] in seen:
            yield f"{place}.key: {panel['key']}: stands twice"
        seen.add(panel["key"])
        for line in of_panel(key, panel, everything):
            yield f"{place}.{line}"
    fields = {field["key"] for field in body["fields"]}
    for name, rows in body.get("layout", {}).items():
        yield from _areas(name, rows, fields)


def of_panel(key: str, panel: Body, everything: LoadedPacks) -> Iterator[str]:
    """What is wrong with one panel."""
    for name in ("stale",):
        try:
            parse_duration(panel.get(name, "PT1H"))
        except ValueError as error:
            yield f"{name}: {error}"
    query = panel.get("query")
    if query is None:
        return
    if panel["kind"] in GROUPED and not query.get("by") and "each" not in query:
        yield f"query.by: a {panel['kind']} must be put together by something"
    needed = NEEDS.get(panel["kind"])
    if needed and not query.get(needed) and query["from"] not in {"plan", "readings"}:
        yield f"query.{needed}: a {panel['kind']} needs it"
    if panel.get("compare") and "during" not in query:
        yield "compare: only what happened during a span has one before it"
    has_time = query["from"] == "readings" or panel.get("trend", {}).get("time") or query.get("during", {}).get("time")
    if panel.get("trend") and not has_time:
        yield "trend.time: which column puts a row into an hour or a day?"
    yield from (f"query.{line}" for line in _foreign(key, query, everything))
    dataset = datasets.known().get(query["from"])
    if dataset is None:
        yield f"query.from: {query['from']}: there is no such dataset; there are {', '.join(sorted(datasets.known()))}"
        return
    yield from (f"query.{line}" for line in dataset.check(query, everything))


def _foreign(key: str, query: Body, everything: LoadedPacks) -> Iterator[str]:
    """A pack's board asks for what the pack declares; only a county's board joins packs."""
    pack = key.split(".", maxsplit=1)[0]
    of: Any = query.get("of", "")
    if pack not in {packs.COUNTY, overlays.LOCAL} and ("." in of or of in everything) and of.split(".")[0] != pack:
        yield f"of: {of}: is another pack's; a county's board may join packs"


def _areas(name: str, rows: list[str], fields: set[str]) -> Iterator[str]:
    widths = {len(row.split()) for row in rows}
    if len(widths) != 1:
        yield f"layout.{name}: every row needs as many cells as the others"
    placed = {cell for row in rows for cell in row.split()} - {"."}
    for wrong in sorted(placed - fields):
        yield f"layout.{name}: {wrong}: there is no such field"
    for left in sorted(fields - placed):
        yield f"layout.{name}: {left}: is placed nowhere"


# -- reports


def named_in(text: str) -> list[str]:
    """The names between braces of a text. Raises ValueError for a brace that is not closed."""
    return [name for _text, name, _format, _conversion in Formatter().parse(text) if name]


def used_in(body: Body) -> Iterator[tuple[str, str]]:
    """(place, key) of every panel that a report names."""
    for s, section in enumerate(body["sections"]):
        for p, part in enumerate(section["parts"]):
            place = f"sections[{s}].parts[{p}]"
            for text in part.get("text", {}).values():
                yield from ((f"{place}.text", name) for name in named_in(text) if name not in GIVEN)
            yield from ((f"{place}.figures", key) for key in part.get("figures", []))
            yield from ((f"{place}.{kind}", part[kind]) for kind in ("table", "chart") if kind in part)
            yield from ((f"{place}.ranking", key) for key in part.get("ranking", {}).get("inputs", {}).values())


def ranked_in(body: Body) -> Iterator[tuple[str, str, str]]:
    """(place, ranking, view) of every view of a ranking that a report prints."""
    for s, section in enumerate(body["sections"]):
        for p, part in enumerate(section["parts"]):
            if "ranked" in part:
                yield f"sections[{s}].parts[{p}].ranked", part["ranked"]["of"], part["ranked"]["view"]


def panels_of_report(body: Body, boards: Mapping[str, Body]) -> dict[str, Body]:
    """key → panel of those a report uses: its own, or of its board."""
    known = {panel["key"]: panel for _place, panel in panels(boards.get(body.get("board", ""), {"fields": []}))}
    known |= {panel["key"]: panel for panel in body.get("panels", [])}
    return {key: known[key] for _place, key in used_in(body) if key in known}


def check_report(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Its panels are right, what it names is there, and formulas can be read."""
    own = packs.find(everything, BOARDS, body["board"]) if "board" in body else {"fields": []}
    if own is None:
        yield f"board: {body['board']}: there is no such board"
        return
    schema = {"$defs": packs.read_schema("shizhu.engines.boards", "board")["$defs"], "$ref": "#/$defs/panel"}
    for number, panel in enumerate(body.get("panels", [])):
        lines = list(packs.schema_errors(schema, panel)) or list(of_panel(key, panel, everything))
        yield from (f"panels[{number}].{line}" for line in lines)
    try:
        used = list(used_in(body))
    except ValueError as error:
        yield f"text: {error}"
        return
    for place, name, view in ranked_in(body):
        found = packs.find(everything, RANKINGS, name)
        if found is None or view not in [one["key"] for one in found["views"]]:
            yield f"{place}: {name} {view}: there is no such ranking, or no such view of it"
    known = panels_of_report(body, {body.get("board", ""): own})
    for place, name in used:
        if name not in known:
            yield f"{place}: {name}: there is no such panel"
        elif place.endswith("ranking") and known[name]["query"].get("by") != ["_town"]:
            yield f"{place}: {name}: must be put together by _town"


# -- rankings


def check_ranking(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Its questions can be asked, its formulas read its numbers, and grades fall."""
    query = {"$defs": packs.read_schema("shizhu.engines.boards", "board")["$defs"], "$ref": "#/$defs/query"}
    for v, view in enumerate(body["views"]):
        for n, one in enumerate(view["numbers"]):
            place = f"views[{v}].numbers[{n}]"
            lines = list(packs.schema_errors(query, one["query"])) or list(of_panel(key, _panel(one), everything))
            yield from (f"{place}.{line}" for line in lines)
        yield from (f"views[{v}].{line}" for line in _formulas(view))
    least = [grade["least"] for grade in body.get("grades", [])]
    if least != sorted(least, reverse=True):
        yield "grades: the highest stands first"


def _panel(one: Body) -> Body:
    return {**one, "kind": "ranking"}


def _formulas(view: Body) -> Iterator[str]:
    names = [name for one in view["numbers"] for name in (one["key"], f"{one['key']}_of")]
    given: dict[str, Any] = {name: "" if name.endswith("_of") else 1 for name in names}
    wanted = [(f"scores[{n}].value", one["value"]) for n, one in enumerate(view.get("scores", []))]
    for place, formula in [*wanted, *([("why", view["why"])] if "why" in view else [])]:
        try:
            feel.evaluate(formula, given, is_strict=True)
        except feel.FeelError as error:
            yield f"{place}: {error}"
    if view.get("named", names[0]) not in names:
        yield f"named: {view['named']}: is no number of this view"


def register() -> None:
    """Called once by the application."""
    packs.kind(BOARDS, schema=packs.read_schema("shizhu.engines.boards", "board"), check=check, of_county=True)
    report = packs.read_schema("shizhu.engines.boards", "report")
    packs.kind(REPORTS, schema=report, check=check_report, of_county=True)
    ranking = packs.read_schema("shizhu.engines.boards", "ranking")
    packs.kind(RANKINGS, schema=ranking, check=check_ranking, of_county=True)
