"""A report in words, tables and charts: what may stand in a template, the template of the house, the annex in Excel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from shizhu.engines.plan.datasets import LIGHTS
from shizhu.engines.plan.facts import ANNUAL, MIDTERM, NODE_LIGHTS, QUARTERLY
from shizhu.engines.plan.keytasks import LEVEL_NAMES
from shizhu.engines.plan.telling import RULES
from shizhu.engines.records import api as records
from shizhu.kernel import official
from shizhu.kernel.documents import Heading, Table, day, moment
from shizhu.kernel.text import label
from shizhu.kernel.wordcharts import Chart, Series
from shizhu.web.templatetags.shizhu import number

Facts = Mapping[str, Any]
Parts = Iterator[official.Part]
NAMES = {
    QUARTERLY: gettext_lazy("Quarterly brief"), ANNUAL: gettext_lazy("Annual evaluation"),
    MIDTERM: gettext_lazy("Mid-term evaluation"),
}  # fmt: skip
WORDS: Mapping[str, str] = {  # name → what stands there
    "head": gettext_noop("the red head: county and kind"), "number": gettext_noop("number of the issue"),
    "issuer": gettext_noop("who issues it"), "day": gettext_noop("day of making"),
    "title": gettext_noop("title with the period"), "county": gettext_noop("the county"),
    "plan": gettext_noop("title of the plan"), "period": gettext_noop("the period in words"),
    "as_of": gettext_noop("day up to which is judged"), "known_at": gettext_noop("moment of the data"),
    "all": gettext_noop("number of indicators"), "green": gettext_noop("number on the way"),
    "yellow": gettext_noop("number nearly"), "red": gettext_noop("number behind"),
    "none": gettext_noop("number not judged"), "tasks": gettext_noop("number of tasks"),
}  # fmt: skip
BEHIND = ("red", "yellow")
MONEY = {"planned": gettext_noop("money planned"), "spent": gettext_noop("money spent")}
PARTS = {
    "base": gettext_noop("base value"), "target": gettext_noop("target value"), "growth": gettext_noop("yearly growth"),
    "expected": gettext_noop("expected by the day"), "outlook": gettext_noop("outlook"),
    "score": gettext_noop("weighted score"), "so_far": gettext_noop("this year so far"),
}  # fmt: skip
WAYS = {
    "target": gettext_noop("the target itself, for want of a base"),
    "linear": gettext_noop("by an equal amount every year"),
    "zero": gettext_noop("by an equal amount every year from 0 on"),
    "compound": gettext_noop("by an equal share every year"),
    "steps": gettext_noop("by steps set for years"),
    "time": gettext_noop("the year's value by an equal part every month"),
}
HEAD_SIZE = 30.0  # points: fourteen characters on a line, as 石柱土家族自治县规划评估报告
APPENDIX = "sources_table"
CITED = re.compile(r"［(\d+)］")
PATHS = 6  # charts of paths in one document
YEAR = 1.65  # centimetres of a column: a number, its source below it


def words(facts: Facts, *, issuer: str, serial: str) -> dict[str, str]:
    """Name → words for a template."""
    made = datetime.fromisoformat(facts["known_at"])
    counts = facts["counts"]
    return {
        "head": facts["county"] + {
            QUARTERLY: _("brief on the plan"),
            ANNUAL: _("evaluation of the plan"),
            MIDTERM: _("evaluation of the plan"),
        }[facts["kind"]],
        "number": _("No. %(number)s of %(year)s") % {"number": serial, "year": timezone.localtime(made).year},
        "issuer": issuer, "day": day(timezone.localtime(made).date()), "title": official.in_lines(title(facts)),
        "county": facts["county"], "plan": facts["plan"], "period": _period(facts),
        "as_of": day(date.fromisoformat(facts["day"])), "known_at": _moment(facts["known_at"]),
        "all": str(len(facts["indicators"])), "tasks": str(len(facts["tasks"])),
        **{light: str(count) for light, count in counts.items()},
    }  # fmt: skip


def title(facts: Facts) -> str:
    """The plan, the period and the kind."""
    told = {"plan": facts["plan"], "period": _period(facts)}
    if facts["kind"] == QUARTERLY:
        return _("%(plan)s: brief on %(period)s") % told
    if facts["kind"] == ANNUAL:
        return _("%(plan)s: evaluation of %(period)s") % told
    return _("%(plan)s: mid-term evaluation (%(period)s)") % told


def _period(facts: Facts) -> str:
    year, _dash, quarter = facts["period"].partition("-Q")
    if quarter:
        return _("quarter %(quarter)s of %(year)s") % {"quarter": "一二三四"[int(quarter) - 1], "year": year}
    first = facts["first"][:4]
    return _("the year %s") % year if facts["kind"] == ANNUAL else year if first == year else f"{first}—{year}"


def _moment(text: str) -> str:
    return text and moment(datetime.fromisoformat(text))


def _light(key: str) -> str:
    return label(LIGHTS[key])


def _cited(told: Mapping[str, Any] | None) -> str:
    """A number with the number of its source in the appendix."""
    return _sourced(number(told["value"]), told["source"]) if told else "—"


def _marked(text: str, row: Mapping[str, Any], part: str) -> str:
    """A base, a target or what was computed, with the number of its source in the appendix."""
    return _sourced(text, row.get("cites", {}).get(part))


def _sourced(text: str, source: int | None) -> str:
    """With the number of its source; what was issued before these had sources has none."""
    return f"{text}［{source}］" if source else text


def _below(text: str) -> str:
    """A number in a narrow cell: its source stands below it."""
    return text.replace("［", "\n［")


def _named(row: Mapping[str, Any]) -> str:
    """An indicator with its unit."""
    return f"{row['name']}（{row['unit']}）" if row["unit"] else row["name"]


def _done(row: Mapping[str, Any]) -> str:
    return "—" if row["done"] is None else f"{100 * row['done']:.0f}%"


def _notice(facts: Facts) -> Parts:
    if facts["simulated"]:
        yield _("This report holds simulated values and is no statement about any real place.")
    if "outside" in facts:
        yield _(
            "This is the copy for outside evaluators: notes, risks in words and titles of nodes are left out, and "
            "telephone, identity and card numbers and e-mail addresses are masked (＊＊＊)."
        )


def _summary(facts: Facts) -> Parts:
    if not facts["indicators"]:
        yield _("The plan has no indicators.")
        return
    counts = {"all": len(facts["indicators"]), "day": day(date.fromisoformat(facts["day"])), **facts["counts"]}
    yield (
        _(
            "By %(day)s the plan has %(all)d indicators: %(green)d on the way, %(yellow)d nearly, %(red)d behind, "
            "%(none)d not judged for want of a value or a target."
        )
        % counts
    )
    if facts["score"]["value"] is not None:
        marked = _sourced(f"{facts['score']['value']:.1f}", facts["score"].get("source"))
        told = {"score": marked, "known": f"{100 * facts['score']['known']:.0f}"}
        yield _("Weighted score: %(score)s of 100 (known by weight: %(known)s %%).") % told
    behind = [row["name"] for row in facts["indicators"] if row["light"] == "red"]
    if behind:
        yield _("Behind are: %s.") % "、".join(behind)
    late = [row["name"] for row in facts["indicators"] if row["late"]]
    if late:
        yield _("Values not reported in time: %s. That says nothing about the work.") % "、".join(late)


def _lights(facts: Facts) -> Parts:
    if not facts["indicators"]:
        return  # the summary says so
    heads = (_("No."), _("Indicator"), _("Base"), _("Value now"), _("Expected by now"), _("Target"), _("Standing"))
    rows = [
        [
            str(n), _named(row), _below(_marked(number(row["base"]), row, "base")), _below(_cited(row["now"])),
            _below(_marked(number(row["expected"]), row, "expected")), _below(_target(row)), _light(row["light"]),
        ]
        for n, row in enumerate(facts["indicators"], 1)
    ]  # fmt: skip
    yield Table(rows, heads, (1.3, 4.4, 1.5, 2.8, 2.05, 1.5, 2.05))


def _target(row: Mapping[str, Any]) -> str:
    if row["target"] is None and row["growth"] is not None:
        return _marked(f"+{number(row['growth'])}%", row, "target")
    return _marked(number(row["target"]), row, "target")


def _red_list(facts: Facts) -> Parts:
    found = [row for light in BEHIND for row in facts["indicators"] if row["light"] == light]
    if not found:
        yield _("None.")
    for row in found:
        yield Heading(f"{row['name']}（{_light(row['light'])}）", 2)
        told = label(row["why"]) + "".join(f"［{one}］" for one in _cited_by(row))
        if row["target"] is not None and row["target_year"]:
            told_target = _marked(f"{number(row['target'])} {row['unit']}".rstrip(), row, "target")
            target = {"target": told_target, "year": row["target_year"]}
            told += "；" + _("target %(target)s in %(year)s") % target
        yield f"{told}。{_outlook(row)}"


def _cited_by(row: Mapping[str, Any]) -> Iterator[int]:
    """The sources of the two numbers in the reason of a light."""
    if row["now"]:
        yield row["now"]["source"]
    if cited := row.get("cites", {}).get("expected"):
        yield cited


def _outlook(row: Mapping[str, Any]) -> str:
    ahead = row["outlook"]
    if not ahead and row["target_year"] and any(int(year) >= row["target_year"] for year in row["years"]):
        return ""  # it is known, nothing is left to foretell
    if not ahead:
        return _("Too few years are known for an outlook.")
    told = _("If it goes on like this, %(year)d will bring %(value)s (%(low)s to %(high)s).") % {
        "year": ahead["year"], "value": _marked(number(float(ahead["value"])), row, "outlook"),
        **{name: number(float(ahead[name])) for name in ("low", "high")},
    }  # fmt: skip
    if ahead["error"] is None:
        return told
    return told + _("Forecast in the same way from earlier years, known values were off by %(error)s on average "
                    "(%(tried)d tried).") % {"error": _error(row), "tried": ahead["tried"]}  # fmt: skip


def _error(row: Mapping[str, Any]) -> str:
    """The mean error of the same forecast in the past, one year ahead, in the indicator's unit."""
    error = row["outlook"]["error"]
    return "—" if error is None else f"{number(float(f'{error:.3g}'))}{row['unit']}"


def _changes(facts: Facts) -> Parts:
    found = [row for row in facts["indicators"] if row["now"] and row["before"]]
    if not found:
        yield _("No indicator has a value of this period and one before.")
        return
    rows = [
        [
            row["name"], row["unit"] or "—", f"{_cited(row['before'])} {row['before']['period']}",
            f"{_cited(row['now'])} {row['now']['period']}", _difference(row["before"]["value"], row["now"]["value"]),
        ]
        for row in found
    ]  # fmt: skip
    yield Table(
        rows, (_("Indicator"), _("Unit"), _("Before"), _("Value now"), _("Difference")), (5.6, 1.6, 3.4, 3.4, 1.6)
    )


def _difference(before: float, now: float) -> str:
    told = number(float(f"{now - before:.6g}"))
    return told if now <= before else f"+{told}"


def _years(facts: Facts) -> Parts:
    if not facts["indicators"]:
        yield _("The plan has no indicators.")
        return
    years = sorted({year for row in facts["indicators"] for year in row["years"] if year <= facts["last"][:4]})[-6:]
    rows = [
        [_named(row), *(_below(_cited(row["years"].get(year))) for year in years), _below(_target(row))]
        for row in facts["indicators"]
    ]
    widths = [YEAR] * len(years)
    yield Table(rows, (_("Indicator"), *years, _("Target")), (14.1 - sum(widths), *widths, 1.5))


def _outlooks(facts: Facts) -> Parts:
    found = [row for row in facts["indicators"] if row["outlook"]]
    if not found:
        yield _("Too few years are known for an outlook.")
        return
    rows = []
    for row in found:
        ahead = row["outlook"]
        reached = "—"
        if row["target"] is not None:
            rising = row.get("rising", row["base"] is None or row["target"] >= row["base"])
            hits = ahead["value"] >= row["target"] if rising else ahead["value"] <= row["target"]
            reached = _("expected") if hits else _("not expected")
        span = f"{number(float(ahead['low']))}—{number(float(ahead['high']))}"
        rows.append(
            [
                row["name"], str(ahead["year"]), _below(_marked(number(float(ahead["value"])), row, "outlook")), span,
                f"{_error(row)}（{ahead['tried']}）", _below(_target(row)), reached,
            ]
        )  # fmt: skip
    heads = (_("Indicator"), _("Year"), _("Outlook"), _("Range"), _("Past error"), _("Target"), _("Reached"))
    yield Table(rows, heads, (3.9, 1.3, 1.8, 2.9, 2.3, 1.6, 1.8))
    yield _(
        "Range: 90 % prediction interval of the straight line. "
        "Past error: how far the same method was off on average, one year ahead, in years that are known by now; "
        "in brackets how many were tried."
    )


def _late(facts: Facts) -> Parts:
    rows = [[row["name"], str(row["late"])] for row in facts["indicators"] if row["late"]]
    if rows:
        yield Table(rows, (_("Indicator"), _("Days late")), (11.0, 4.6))
    else:
        yield _("None.")


def _tasks(facts: Facts) -> Parts:
    rows = [
        [task["no"] or "—", task["name"], task["category"] or "—", _span(task), "、".join(task["owners"]) or "—"]
        for task in facts["tasks"]
    ]
    if rows:
        heads = (_("No."), _("Task"), _("Class"), _("Period"), _("Owners"))
        yield Table(rows, heads, (1.3, 5.4, 2.6, 2.6, 3.7))
    else:
        yield _("No task was read from the plan.")


def _money(facts: Facts) -> Parts:
    rows = [
        [row["task"], str(row["year"]), row["fund"], _cited(row["planned"]), _cited(row["spent"])]
        for row in facts["money"]
    ]
    if not rows:
        yield _("No money of tasks was told.")
        return
    planned, spent = (
        sum(row[name]["value"] for row in facts["money"] if row[name]) for name in ("planned", "spent")
    )  # fmt: skip
    heads = (_("Task"), _("Year"), _("Fund"), _("Planned (10,000 yuan)"), _("Spent (10,000 yuan)"))
    total = [_("All together"), "", "", number(float(planned)), number(float(spent))]
    yield Table([*rows, total], heads, (5.6, 1.4, 3.2, 2.7, 2.7))


def _risks(facts: Facts) -> Parts:
    rows = [
        [
            row["task"], f"{_told(row['name'])}（{_('simulated')}）" if row["simulated"] else _told(row["name"]),
            str(LEVEL_NAMES[row["level"]]), row["unit"], _told(row["measure"]),
        ]
        for row in facts["risks"]
    ]  # fmt: skip
    if rows:
        heads = (_("Task"), _("Risk"), _("Level"), _("Answers for it"), _("What is done against it"))
        yield Table(rows, heads, (3.6, 3.2, 1.7, 2.6, 4.5))
    else:
        yield _("No risk of a task is open.")


def _nodes(facts: Facts) -> Parts:
    told = facts["nodes"]
    if not told["units"]:
        yield _("No node was due.")
        return
    counts = {**told["counts"], "all": sum(told["counts"].values())}
    yield _("%(all)d nodes were due: %(green)d green, %(yellow)d yellow, %(red)d red.") % counts
    rows = [[unit["name"], *(str(unit[light]) for light in NODE_LIGHTS)] for unit in told["units"]]
    yield Table(rows, (_("Unit in charge"), _("red"), _("yellow"), _("green")), (8.1, 2.5, 2.5, 2.5))
    if told["rows"]:
        heads = (_("No."), _("Node"), _("Unit in charge"), _("Due on"), _("Why"))
        yield Table([_node(n, row) for n, row in enumerate(told["rows"], 1)], heads, (1.2, 4.9, 3.0, 3.8, 2.7))


def _node(place: int, row: Mapping[str, Any]) -> list[str]:
    due, was = (one and day(date.fromisoformat(one)) for one in (row["due"], row["was_due"]))
    due = _("%(day)s (before: %(was)s)") % {"day": due, "was": was} if was else due
    why = _("Said done, the readings say no") if row["contradicted"] else _(RULES[row["rule"]])
    return [str(place), _told(row["title"]), row["unit"], due, why]


def _told(text: str) -> str:
    """Words that outsiders are not given are said to be left out."""
    return text or _("(left out)")


def _span(task: Mapping[str, Any]) -> str:
    if not task["from"]:
        return str(task["text"] or "—")
    return f"{task['from']}—{task['to']}"


def _evaluations(facts: Facts) -> Parts:
    rows = [
        [one["title"], str(one["year"]), "、".join(one["best"]), one["digest"][:16]] for one in facts["evaluations"]
    ]
    if rows:
        yield Table(rows, (_("Evaluation"), _("Year"), _("First three"), "SHA-256"), (5.0, 1.4, 5.2, 4.0))
    else:
        yield _("No evaluation of this year was issued.")


def appendix(facts: Facts, blocks: Mapping[str, Iterable[official.Part]]) -> Parts:
    """The lines of the appendix that a document uses: cited or drawn in its blocks, or what such a number is of."""
    lines = {row["no"]: row for row in facts["sources"]}
    used = {number for name, parts in blocks.items() if name != APPENDIX for number in _used(facts, name, parts)}
    waiting = list(used)
    while waiting:
        inner = set(lines[waiting.pop()].get("of", ())) - used
        used |= inner
        waiting += inner
    yield from _sources({**facts, "sources": [row for row in facts["sources"] if row["no"] in used]})


def _used(facts: Facts, name: str, parts: Iterable[official.Part]) -> Iterator[int]:
    """The numbers in brackets in parts of a block, and those behind its charts."""
    for part in parts:
        cells = [cell for row in part.rows for cell in row] if isinstance(part, Table) else [part]
        for cell in cells:
            if isinstance(cell, str):
                yield from map(int, CITED.findall(cell))
    if name == "progress_chart":
        rows = [row for row in facts["indicators"] if row["done"] is not None]
        yield from (row["now"]["source"] for row in rows if row["now"])
    elif name == "path_charts":
        rows = _charted(facts)
        yield from (one["source"] for row in rows for one in row["years"].values())
    else:
        return
    yield from (row["cites"][part] for row in rows for part in ("base", "target") if part in row.get("cites", {}))


def _sources(facts: Facts) -> Parts:
    rows = [
        [
            f"［{row['no']}］", of_what(row), row["period"], f"{number(row['value'])}{row['unit']}",
            _moment(row["known_at"]) or "—", how(row),
        ]
        for row in facts["sources"]
    ]  # fmt: skip
    if rows:
        heads = (_("No."), _("Indicator"), _("Period"), _("Value"), _("Recorded"), _("Where it comes from"))
        yield Table(rows, heads, (1.75, 2.7, 2.4, 2.0, 3.8, 2.95))
    yield _("Data as known at %s. A number in brackets ［ ］ names its line here.") % _moment(facts["known_at"])
    yield _(
        "Of a year that goes on after %(day)s it is what was known on that day. Numbers left out here are not used in "
        "this document; the Excel annex has all of them, and the code of the formulas."
    ) % {"day": day(date.fromisoformat(facts["last"]))}
    yield _(
        "The way done is (value − base) ÷ (target − base), without a base value ÷ target. Tasks, nodes, risks and days "
        "late are counted from their lists as they stood then."
    )


def of_what(source: Mapping[str, Any]) -> str:
    """What a number of the appendix is of: an indicator, or its base, its target and the like."""
    part = source.get("part")
    return f"{source['name']}（{_(PARTS[part])}）" if part else str(source["name"])


def how(source: Mapping[str, Any]) -> str:
    """Where a number comes from, in words."""
    of = "".join(f"［{one}］" for one in source.get("of", ()))
    if source["source"] == "formula":
        told = _("computed by the platform: %s") % _counted(source)
    elif source["source"] in MONEY:
        told = "，".join(part for part in (_(MONEY[source["source"]]), source["note"], source["by"]) if part)
    elif source["source"] == "plan":
        told = _("the text of the plan")
        if lines := source.get("lines"):
            told += "，" + _("lines %s") % "—".join(dict.fromkeys(map(str, lines)))
    elif source["source"] == "named":
        told = source["note"]
    elif source["source"] == "set":
        told = _("set here, no source was given")
    elif source["source"] == "expected":
        told = _("computed: %(way)s, from %(of)s") % {"way": _(WAYS[source["formula"]]), "of": of}
    elif source["source"] == "score":
        told = _("computed: the ways done of the indicators, 0 to 100 each, by weight")
    elif source["source"] == "so_far":
        told = _("computed: of the year so far, from %s") % of
    elif source["source"] == "outlook":
        told = _("computed: the straight line through %s, by least squares") % of
    else:
        told = "，".join(part for part in (_("reported"), source["by"], source["note"]) if part)
    return f"{told}，{_('simulated')}" if source["simulated"] else told


def _counted(source: Mapping[str, Any]) -> str:
    """What a formula counts and its inputs, in words; its code stands in the Excel annex."""
    inputs = "，".join(f"{name} {number(count)}" for name, count in source["inputs"].items())
    counts = source.get("counts", "")  # what was made before it was kept has none
    return f"{counts}（{inputs}）" if counts and inputs else counts or inputs


def _lights_chart(facts: Facts) -> Parts:
    if not facts["indicators"]:
        return
    counts = facts["counts"]
    series = (Series(_("Indicators"), tuple(counts.values())),)
    yield Chart("bar", tuple(map(_light, counts)), series, _("Indicators by light"), height=55)


def _progress_chart(facts: Facts) -> Parts:
    rows = [row for row in facts["indicators"] if row["done"] is not None]
    if rows:
        done = tuple(round(100 * row["done"], 1) for row in rows)
        height = 14 + 8 * len(rows)
        names = tuple(row["name"] for row in rows)
        yield Chart(
            "ranking", names, (Series(_("Way done"), done),), _("Way done from base to target"), "%", 150, height
        )


def _charted(facts: Facts) -> list[Mapping[str, Any]]:
    """The indicators whose paths are drawn."""
    lights = (*BEHIND, "green")
    return [row for light in lights for row in facts["indicators"] if row["light"] == light and row["path"]][:PATHS]


def _path_charts(facts: Facts) -> Parts:
    for row in _charted(facts):
        years = sorted({year for year, _value in row["path"]} | {int(year) for year in row["years"]})
        way = dict(map(tuple, row["path"]))
        known = {int(year): one["value"] for year, one in row["years"].items()}
        series = (
            Series(_("Value"), tuple(known.get(year) for year in years)),
            Series(_("Path"), tuple(way.get(year) for year in years)),
        )
        yield Chart("line", tuple(map(str, years)), series, row["name"], row["unit"], height=52)


Block = Callable[[Facts], Parts]
BLOCKS: Mapping[str, tuple[str, Block]] = {  # name → (what stands there, what makes it)
    "notice": (gettext_noop("a line where values are simulated"), _notice),
    "summary": (gettext_noop("the state in sentences"), _summary),
    "lights_table": (gettext_noop("every indicator with its light"), _lights),
    "lights_chart": (gettext_noop("chart: indicators by light"), _lights_chart),
    "progress_chart": (gettext_noop("chart: way done"), _progress_chart),
    "red_list": (gettext_noop("indicators behind or nearly, with reason and outlook"), _red_list),
    "changes_table": (gettext_noop("values of the period beside those before"), _changes),
    "years_table": (gettext_noop("values by year"), _years),
    "path_charts": (gettext_noop("charts: paths and values, those behind first"), _path_charts),
    "outlook_table": (gettext_noop("what the target year will bring"), _outlooks),
    "late_table": (gettext_noop("values not reported in time"), _late),
    "nodes_table": (gettext_noop("nodes of supervision that were due, by unit, and those not green"), _nodes),
    "tasks_table": (gettext_noop("tasks of the plan"), _tasks),
    "money_table": (gettext_noop("money of tasks by year and fund"), _money),
    "risks_table": (gettext_noop("open risks of tasks"), _risks),
    "evaluations_table": (gettext_noop("evaluations issued of the year"), _evaluations),
    APPENDIX: (gettext_noop("appendix: where every number comes from"), _sources),
}
CHAPTERS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {  # what stands in the template of the house
    QUARTERLY: (
        (gettext_noop("Overall state"), ("notice", "summary", "lights_chart", "lights_table")),
        (gettext_noop("Changes in the quarter"), ("changes_table",)),
        (gettext_noop("Behind or nearly"), ("red_list", "path_charts")),
        (gettext_noop("Nodes of supervision"), ("nodes_table",)),
        (gettext_noop("Values not reported in time"), ("late_table",)),
        (gettext_noop("Money and risks of tasks"), ("money_table", "risks_table")),
    ),
    ANNUAL: (
        (gettext_noop("Overall state"), ("notice", "summary", "lights_chart", "lights_table")),
        (gettext_noop("Way to the targets"), ("progress_chart", "years_table")),
        (gettext_noop("Behind or nearly"), ("red_list", "path_charts")),
        (gettext_noop("Outlook"), ("outlook_table",)),
        (gettext_noop("Tasks"), ("tasks_table", "nodes_table")),
        (gettext_noop("Money and risks of tasks"), ("money_table", "risks_table")),
        (gettext_noop("Evaluations of towns and departments"), ("evaluations_table",)),
    ),
    MIDTERM: (
        (gettext_noop("State at half-way"), ("notice", "summary", "lights_chart", "lights_table")),
        (gettext_noop("Way to the targets"), ("progress_chart", "years_table", "path_charts")),
        (gettext_noop("Behind or nearly"), ("red_list",)),
        (gettext_noop("What the target year will bring"), ("outlook_table",)),
        (gettext_noop("Tasks"), ("tasks_table", "nodes_table")),
        (gettext_noop("Money and risks of tasks"), ("money_table", "risks_table")),
    ),
}


def house_template(kind: str) -> bytes:
    """The template of the house as a Word document (GB/T 9704), to be used as it is or edited."""
    parts: list[official.Part] = []
    for chapter, names in CHAPTERS[kind]:
        parts.append(Heading(_(chapter)))
        parts += [f"{{{{ {name} }}}}" for name in names]
    front = official.Front(
        "{{ head }}", "{{ number }}", "{{ issuer }}", "{{ day }}", "{{ title }}", head_size=HEAD_SIZE
    )
    return official.official(front, parts, (_("Sources of the data"), ["{{ sources_table }}"]))


def annex(facts: Facts) -> bytes:
    """The annex as a workbook: indicators, values by year, tasks, where every number comes from."""
    sheets = [
        (_("Indicators"), _indicator_rows(facts)), (_("Values by year"), _year_rows(facts)),
        (_("Tasks"), _task_rows(facts)), (_("Money"), _money_rows(facts)), (_("Sources"), _source_rows(facts)),
    ]  # fmt: skip
    writer: records.TableWriter | None = None
    for name, rows in sheets:
        if writer is None:
            writer = records.TableWriter(name, next(rows))
        else:
            writer.sheet(name, next(rows))
        for row in rows:
            writer.add(row)
    assert writer is not None
    return writer.done()


def _indicator_rows(facts: Facts) -> Iterator[list[Any]]:
    yield [
        _("No."), _("Indicator"), _("Unit"), _("Base year"), _("Base"), _("Value now"), _("Period"),
        _("Expected by now"), _("Target"), _("Target year"), _("Way done %"), _("Standing"), _("Why"), _("Source"),
        _("Outlook"), _("Outlook from"), _("Outlook to"), _("Past error"), _("Forecasts tried (number)"),
        _("Source of the base"), _("Source of what is expected"), _("Source of the target"), _("Source of the outlook"),
    ]  # fmt: skip
    for row in facts["indicators"]:
        now = row["now"] or {"value": None, "period": "", "source": ""}
        yield [
            row["no"], row["name"], row["unit"], row["base_year"], row["base"], now["value"], now["period"],
            row["expected"], row["target"], row["target_year"],
            None if row["done"] is None else round(100 * row["done"], 2), _light(row["light"]), label(row["why"]),
            now["source"], *(
                (row["outlook"] or {}).get(name) for name in ("value", "low", "high", "error", "tried")
            ), *(row.get("cites", {}).get(part) for part in ("base", "expected", "target", "outlook")),
        ]  # fmt: skip


def _year_rows(facts: Facts) -> Iterator[list[Any]]:
    years = sorted({year for row in facts["indicators"] for year in row["years"]})
    yield [_("No."), _("Indicator"), _("Unit"), *years]
    for row in facts["indicators"]:
        yield [row["no"], row["name"], row["unit"], *((row["years"].get(y) or {}).get("value") for y in years)]


def _task_rows(facts: Facts) -> Iterator[list[Any]]:
    yield [_("No."), _("Task"), _("Class"), _("From"), _("To"), _("Owners")]
    for task in facts["tasks"]:
        yield [task["no"], task["name"], task["category"], task["from"], task["to"], "、".join(task["owners"])]


def _money_rows(facts: Facts) -> Iterator[list[Any]]:
    yield [_("Task"), _("Year"), _("Fund"), _("Planned (10,000 yuan)"), _("Spent (10,000 yuan)")]
    for row in facts["money"]:
        yield [row["task"], row["year"], row["fund"], *((row[name] or {}).get("value") for name in MONEY)]


def _source_rows(facts: Facts) -> Iterator[list[Any]]:
    yield [
        _("No."), _("Indicator"), _("Period"), _("Value"), _("Unit"), _("Recorded"), _("Where it comes from"),
        _("Formula"),
    ]  # fmt: skip
    for row in facts["sources"]:
        formula = row["formula"] if row["source"] == "formula" else ""
        yield [
            row["no"], of_what(row), row["period"], row["value"], row["unit"],
            row["known_at"] and datetime.fromisoformat(row["known_at"]), how(row), formula,
        ]  # fmt: skip


__all__ = [
    "APPENDIX", "BLOCKS", "CHAPTERS", "NAMES", "WORDS", "annex", "appendix", "house_template", "how", "of_what",
    "title", "words",
]  # fmt: skip
