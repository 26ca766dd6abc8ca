"""Reports: a document made of the same answers as the boards, as of the end of its day or month.

A report holds the county's numbers. Who may read it needs, beside the right to reports, every right that its panels
ask for, in the whole county: nobody reads in a document what a board would not show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shizhu.engines.boards import panels, periods, rankings, shown
from shizhu.engines.boards.declare import BOARDS, REPORTS, named_in, panels_of_report, ranked_in
from shizhu.engines.boards.models import Report
from shizhu.engines.boards.panels import Answer
from shizhu.engines.boards.shown import Shown
from shizhu.kernel import datasets, documents, files, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, County, Organisation, Person
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named
from shizhu.lib import feel

VIEW, MAKE = "boards.report.view", "boards.report.make"
DATED = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?")


class NoReport(LookupError):
    """The county declares no report of that key."""


def declared(county: str) -> dict[str, Body]:
    """The reports of a county, in their order."""
    found = packs.declarations(REPORTS, county)
    return dict(sorted(found.items(), key=lambda pair: (pair[1].get("order", 50), pair[0])))


def may_read(who: Actor, key: str, county: str) -> bool:
    """Whether somebody may read a report: has the right to reports and to everything in it, in the whole county."""
    body = declared(county).get(key)
    if body is None:
        return False
    used = panels_of_report(body, packs.declarations(BOARDS, county)).values()
    ranked = [rankings.rankings(county).get(name) for _place, name, _view in ranked_in(body)]
    wanted = {VIEW, *panels.verbs(used), *(verb for one in ranked if one for verb in rankings.verbs(one))}
    return all(datasets.sees_all(who, verb, county) for verb in wanted)


def make(key: str, county: County, day: date, by: Person | None = None) -> Report:
    """Make the report of a day, or of the month that holds it, and keep it. Raises NoReport."""
    body = declared(county.pk).get(key)
    if body is None:
        raise NoReport(key)
    with translation.override(documents.CHINESE):  # whoever asks for it
        made = _Making(body, county, periods.of(body["period"], day))
        content, title = made.document(), made.title
    top = Organisation.objects.get(county=county, code=county.pk)
    root = Area.objects.get(county=county, code=county.pk)
    name = f"{label(body['title'], 'zh')}-{made.period.name}.docx"
    file = files.store(content, name=name, media_type=documents.MEDIA_TYPE, organisation=top, area=root, by=by)
    return Report.objects.update_or_create(
        county=county, key=key, period=made.period.name,
        defaults={
            "organisation": top, "area": root, "title": title, "file": file, "made": timezone.now(), "made_by": by,
        },
    )[0]  # fmt: skip


def make_due() -> int:
    """Every report of every county whose last period is over and that was not made yet; returns how many."""
    made = 0
    for county in County.objects.all():
        for key, body in declared(county.pk).items():
            period = periods.before(body["period"], timezone.localdate())
            if not Report.objects.filter(county=county, key=key, period=period.name).exists():
                make(key, county, period.first)
                made += 1
    return made


def _short(names: Sequence[str]) -> list[str]:
    """Days without their year, hours of one day without it: the title of the report has them."""
    if not all(DATED.fullmatch(name) for name in names):
        return list(names)
    is_one_day = len({name[:10] for name in names}) == 1
    return [name[11:] if is_one_day and name[11:] else name[5:] for name in names]


@dataclass(frozen=True)
class _Place:
    """A town in a ranking: its inputs and its score."""

    name: str
    inputs: Mapping[str, Any]
    score: float | None


class _Making:
    """One report being made."""

    def __init__(self, body: Body, county: County, period: periods.Period) -> None:
        self._body, self._county, self.period = body, county, period
        self._at = min(period.end, timezone.now())  # of a day that still runs: until now
        self._panels = panels_of_report(body, packs.declarations(BOARDS, county.pk))
        self._answers: dict[str, Answer] = {}

    @property
    def title(self) -> str:
        """Its title with the day."""
        return f"{label(self._body['title'])}（{self._day}）"

    @cached_property
    def _day(self) -> str:
        first = self.period.first
        return documents.dated(first.year, first.month, first.day if self._body["period"] == "day" else None)

    def document(self) -> bytes:
        """The file."""
        from shizhu.kernel import official  # noqa: PLC0415  # loads python-docx

        first = self.period.first
        number = first.timetuple().tm_yday if self._body["period"] == "day" else first.month
        front = official.Front(
            head=label(self._body.get("head", self._body["title"])),
            number=_("No. %(number)s of %(year)s") % {"number": number, "year": first.year},
            issuer=label(self._body["issuer"]),
            day=documents.day(timezone.localdate()),
            title=self.title,
        )
        return official.official(front, [*self._parts(), *self._accounts()])

    def _answer(self, key: str) -> Answer:
        if key not in self._answers:
            who = Actor(None, "", (), is_unbounded=True)  # of the county; may_read says who may read it
            self._answers[key] = panels.ask(self._panels[key], who, self._county.pk, self._at)
        return self._answers[key]

    def _shown(self, key: str) -> Shown:
        return shown.shown(self._panels[key], self._answer(key))

    def _parts(self) -> Iterator[Any]:
        for section in self._body["sections"]:
            yield documents.Heading(label(section["title"]))
            for part in section["parts"]:
                yield from self._part(part)

    def _part(self, part: Body) -> Iterator[Any]:
        ((kind, given),) = part.items()
        if kind == "heading":
            yield documents.Heading(label(given), 2)
        elif kind == "text":
            yield label(given).format_map(self._words(label(given)))
        elif kind == "figures":
            yield self._figures(given)
        elif kind == "table":
            yield from self._table(given)
        elif kind == "chart":
            yield from self._chart(given)
        elif kind == "ranked":
            yield from self._ranked(given)
        else:
            yield from self._ranking(given)

    def _words(self, text: str) -> dict[str, str]:
        given = {"day": self._day, "county": named(self._county)}
        return given | {key: self._shown(key).value for key in named_in(text) if key not in given}

    def _figures(self, keys: list[str]) -> documents.Table:
        """Numbers in a table; how they stand against the span before where any of them says."""
        is_compared = any("compare" in self._panels[key] for key in keys)
        heads = [_("Figure"), _("Value"), _("Unit"), *([_("Against before")] if is_compared else []), _("Source")]
        rows = []
        for key in keys:
            one = self._shown(key)
            rows.append(
                [one.title, one.value, one.unit or "—", *([one.change_text or "—"] if is_compared else []), one.source]
            )
        return documents.Table(rows, head=heads)

    def _table(self, key: str) -> Iterator[Any]:
        one = self._shown(key)
        if not one.lines:
            yield _("%s: none.") % one.title
            return
        yield f"{one.title}："
        yield documents.Table([[cell.text for cell in line.cells] for line in one.lines], head=list(one.heads))

    def _chart(self, key: str) -> Iterator[Any]:
        from shizhu.kernel.wordcharts import Chart, Series  # noqa: PLC0415  # beside what loads python-docx

        panel, one = self._panels[key], self._shown(key)
        chart = shown.chart_of(
            {**panel, "kind": "bar" if panel["kind"] in {"ranking", "map"} else panel["kind"]}, self._answer(key)
        )
        if chart is None or not chart["names"]:
            yield _("%s: none.") % one.title
            return
        series = [Series(line["name"], line["values"]) for line in chart["series"]]
        kind = "ranking" if panel["kind"] in {"ranking", "map"} else panel["kind"]
        height = max(62, 14 + 7 * len(chart["names"])) if kind == "ranking" else 62
        yield Chart(kind, _short(chart["names"]), series, one.title, chart["unit"], height=height)

    def _ranking(self, given: Body) -> Iterator[Any]:
        places = self._places(given)
        ranked = sorted((p for p in places if p.score is not None), key=lambda p: (-(p.score or 0), p.name))
        titles = [self._shown(key).title for key in given["inputs"].values()]
        heads = [
            _("Place"),
            _("Town"),
            *titles,
            f"{_('Score')}（{label(given['unit'])}）" if "unit" in given else _("Score"),
        ]
        rows = []
        for place in ranked:
            rank = 1 + sum((other.score or 0) > (place.score or 0) for other in ranked)
            rows.append(
                [str(rank), place.name, *map(shown.number, place.inputs.values()), shown.number(place.score, 1)]
            )
        left = [place.name for place in places if place.score is None]
        if rows:
            yield documents.Table(rows, head=heads)
        if left:
            yield _("Not ranked, because the formula has no answer for them: %s.") % "、".join(left)
        names = "；".join(f"{name} = {title}" for name, title in zip(given["inputs"], titles, strict=True))
        if "told" in given:
            yield label(given["told"])
        yield _("The formula (FEEL): %(formula)s. In it %(names)s.") % {"formula": given["score"], "names": names}

    def _ranked(self, given: Body) -> Iterator[Any]:
        """One view of a ranking with its formula."""
        who = Actor(None, "", (), is_unbounded=True)  # of the county; may_read says who may read it
        found = rankings.Ranking(given["of"], given["view"], who, self._county.pk, self._at)
        heads, rows = found.table()
        if not rows:
            yield _("%s: none.") % label(found.view["title"])
            return
        yield documents.Table(
            [[one if isinstance(one, str) else shown.number(one, 1) for one in row] for row in rows], head=heads
        )
        yield from found.told()
        if found.is_simulated:
            yield _("Among what was counted are simulated rows.")

    def _places(self, given: Body) -> list[_Place]:
        columns = {name: self._by_town(key) for name, key in given["inputs"].items()}
        found = []
        for town in Area.objects.towns(self._county):
            inputs = {name: column.get(town.code, 0) for name, column in columns.items()}
            value = feel.evaluate(given["score"], inputs)
            score = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
            found.append(_Place(named(town), inputs, score))
        return found

    def _by_town(self, key: str) -> dict[Any, Any]:
        result = self._answer(key).result
        return {row.keys[0]: row.cells[-1] for row in result.rows} if result else {}

    def _accounts(self) -> Iterator[Any]:
        """Where everything comes from, how old it is, what is simulated and what is missing."""
        yield documents.Heading(_("About the data"))
        yield _("Counted as of %(moment)s; registers and devices as of the making on %(made)s.") % {
            "moment": documents.moment(self._at), "made": documents.moment(timezone.now()),
        }  # fmt: skip
        rows = []
        for key, answer in self._answers.items():
            one = self._shown(key)
            if answer.result is None:
                rows.append([one.title, one.problem or "—", "—", "—", "—"])
                continue
            told = "；".join(one.missing) or "—"
            newest = f"{timezone.localtime(one.newest):%m-%d %H:%M}" if one.newest else "—"
            rows.append([one.title, one.source, newest, f"{one.simulated} / {one.total}", told])
        yield documents.Table(
            rows, head=[_("Figure"), _("Source"), _("Newest data"), _("Simulated / rows"), _("Remark")]
        )
