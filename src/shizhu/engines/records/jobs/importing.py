"""Importing a table: one run says what would happen, another writes; rows that are wrong come back as a file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import shapely
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import batches, duplicates, queries, references, tables
from shizhu.engines.records.batches import Unfit
from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.http import excel, shown
from shizhu.engines.records.http.inputs import flat
from shizhu.engines.records.logic import places, reading, values
from shizhu.engines.records.logic.heads import IGNORED
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.many import CHANGE, NEW, Many, Proposed
from shizhu.engines.records.models import WITHDRAWN, Batch, Record
from shizhu.engines.records.store import Wanted
from shizhu.engines.records.tables import Row
from shizhu.kernel import files
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.text import label

CHUNK = 1000
SHOWN = 20  # rows that are wrong, on the page
SHOWN_ALIKE = 200  # rows that are probably there already, on the page
FARTHEST = {"_longitude": 180, "_latitude": 90}  # degrees
NUMBER = Field("", Kind.NUMBER, {}, {}, is_required=False, rules={})
OWN = {"_area": "kernel.area", "_organisation": "kernel.organisation"}


def run(batch: Batch, who: Actor) -> None:
    """Check or write a batch, whichever its state says; after a crash it goes on where it had committed."""
    declared = register_of(batch.register, batch.county_id)
    if not who.has(declared.verb("create")) and not who.has(declared.verb("edit")):
        raise Unfit(_("You may no longer write in this register."))
    assert batch.given
    path = files.path_of(batch.given)
    try:
        _Import(batch, who, declared, path).run()
    except tables.Unreadable as error:
        raise Unfit(str(error)) from error


@dataclass
class _Read:
    """One row of the table: its cells by target, what it identifies, what could not be read."""

    row: Row
    cells: Mapping[str, Any]
    key: str
    problems: list[Problem]


class _Import:
    def __init__(self, batch: Batch, who: Actor, declared: Register, path: Path) -> None:
        self._batch, self._who, self._register, self._path = batch, who, declared, path
        self._county = batch.county_id
        self._is_writing = batch.state == Batch.State.WRITING
        self._many = Many(who, self._county, declared)
        self._fields = dict(flat(declared))
        asked = batch.asked
        self._mapping: list[str] = asked["mapping"]
        self._header: int = asked["header"]
        self._sheet: int = asked.get("sheet", 0)
        self._clears: bool = asked.get("clears", False)
        self._seen: dict[str, int] = {}
        self._private = {path.partition(".")[0] for path, item in declared.everything if item.privacy}
        self._known = duplicates.Known(who, self._county, declared)
        self._alike: dict[int, list[Record]] = {}  # row of the table → records that are probably the same
        self._short: Counter[tuple[str, str, str]] = Counter()  # (as typed, area, code) → rows that call it so
        self._left = frozenset(asked.get("left", ()))  # rows that the person leaves out
        self._organisations = {row.code: row for row in Organisation.objects.filter(county=self._county)}
        self._areas = {row.code: row for row in Area.objects.filter(county=self._county)}

    def run(self) -> None:
        batch = self._batch
        media_type = batch.given.media_type if batch.given else ""
        total = max(0, tables.length(self._path, media_type, self._sheet) - self._header)
        was_done = batch.done if self._is_writing else 0
        counts = Counter(batch.counts if was_done else {})
        rows = tables.rows(self._path, media_type, self._sheet)
        wrong: tables.Writer | None = None
        done = 0
        batch.examples = []
        for chunk in _chunks(row for row in rows if row.number > self._header):
            done += len(chunk)
            judged, cells = self._deal(chunk, is_past=done <= was_done)
            if done > was_done:
                counts.update(one.outcome for one in judged)
                counts.update(_left_out(cells, self._left))
                batch.counts = dict(counts)
            for one in judged:
                if one.problems:
                    wrong = wrong or self._errors_file()
                    self._note(wrong, one, cells[one.number])
            if done > was_done and not self._is_writing:
                batches.progress(batch, done, total)
        if done == 0:
            raise Unfit(_("There is no row under the heads."))
        batch.total = batch.done = done
        self._end(wrong)

    def _deal(self, chunk: Sequence[Row], *, is_past: bool) -> tuple[list[Proposed], Mapping[int, Row]]:
        """Judge a thousand rows, and write them where that is wanted, with the progress in the same transaction."""
        cells = {row.number: row for row in chunk}
        read = [self._read(row) for row in chunk if row.number not in self._left]
        if not self._is_writing:
            judged = self._judged(read)
            self._look(judged)
            return judged, cells
        if is_past:
            return self._judged(read), cells
        for _attempt in range(3):
            try:
                with transaction.atomic():
                    judged = self._judged(read, is_held=True)
                    self._many.write(judged, "import")
                    counts = Counter(self._batch.counts) + Counter(one.outcome for one in judged)
                    counts += _left_out(cells, self._left)
                    Batch.objects.filter(pk=self._batch.pk).update(
                        done=self._batch.done + len(chunk), counts=dict(counts), total=max(self._batch.total, 0)
                    )
            except IntegrityError:  # somebody took a key or what must be unique at this moment: now it is seen
                continue
            self._batch.done += len(chunk)
            return judged, cells
        raise Unfit(_("Somebody else writes the same rows now. Try again later."))

    def _look(self, judged: Sequence[Proposed]) -> None:
        """Look for records that the rows probably are."""
        rows = {}
        for one in judged:
            wanted = one.wanted
            if one.outcome in {NEW, CHANGE} and wanted.area and wanted.organisation:
                facts = {"data": wanted.data, "area": wanted.area, "organisation": wanted.organisation}
                row = Record(pk=one.row.pk, county_id=self._county, register=self._register.key, **facts)
                rows[one.number] = row, one.row if one.row.pk else None
        self._alike |= self._known.look(rows)

    def _tell_alike(self) -> None:
        """Keep which rows are probably there already, in the register or before in the table."""
        before = self._known.among()
        numbers = sorted(before.keys() | self._alike.keys())
        self._batch.asked["alike"] = numbers
        self._batch.alike = [
            {
                "row": number, "title": self._known.title(number), "rows": before.get(number, []),
                "records": [[row.pk, row.key, row.title] for row in self._alike.get(number, [])],
            }
            for number in numbers[:SHOWN_ALIKE]
        ]  # fmt: skip

    def _read(self, row: Row) -> _Read:
        cells = {
            target: row.cells[place] if place < len(row.cells) else None
            for place, target in enumerate(self._mapping)
            if target and target != IGNORED
        }
        raw = cells.get(self._register.key_field)
        item = self._register.fields[self._register.key_field]
        key = str(reading.read(item, raw, timezone.get_current_timezone()) or "")
        found = []
        if reading.is_rounded(item, raw):
            found.append(problem(item.name, raw, "rounded"))
        elif key and key in self._seen and self._seen[key] != row.number:
            found.append(problem(item.name, key, "twice", self._seen[key]))
        elif key:
            self._seen[key] = row.number
        return _Read(row, cells, key, found)

    def _judged(self, read: Sequence[_Read], *, is_held: bool = False) -> list[Proposed]:
        rows = Record.objects.filter(county=self._county, register=self._register.key, key__in=[r.key for r in read])
        rows = rows.select_for_update(of=("self",)).order_by("id") if is_held else rows
        there = {row.key: row for row in rows.select_related("organisation", "area")}
        sees = self._many.may
        seen = [queries.entry(r, self._register) for r in there.values() if sees("view", r.organisation, r.area)]
        known = shown.titles(self._who, self._county, self._register, seen)
        written = {entry.key: excel.cells(self._register, entry, known) for entry in seen}
        names = self._names(read, written)
        proposed = [self._proposed(one, there.get(one.key), written.get(one.key, {}), names) for one in read]
        self._many.compute(proposed)
        self._many.judge(proposed)
        return proposed

    def _names(self, read: Sequence[_Read], written: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
        """(reference, what was typed) → what it may mean; of all rows at once."""
        wanted: dict[str, set[str]] = {}
        for one in read:
            kept = written.get(one.key, {})
            for target, raw in one.cells.items():
                reference = OWN.get(target) or (self._fields[target].reference if target in self._fields else "")
                if reference and (text := reading.plain(raw)) and not _is_same(raw, kept.get(target)):
                    wanted.setdefault(reference, set()).add(text)
        return {
            (reference, text): choices
            for reference, texts in wanted.items()
            for text, choices in self._many.naming.find(reference, texts).items()
        }

    def _proposed(
        self, read: _Read, row: Record | None, kept: Mapping[str, Any], names: Mapping[tuple[str, str], Any]
    ) -> Proposed:
        """What a row of the table asks for; a cell that says what the record says already asks for nothing."""
        changes: dict[str, Any] = {} if row else self._defaults()
        problems, places_asked = list(read.problems), dict[str, str]()
        for target, raw in read.cells.items():
            if (row and _is_same(raw, kept.get(target))) or target in {
                "_longitude",
                "_latitude",
                "_geometry",
                "_state",
            }:
                continue
            item = self._fields.get(target)
            reference = OWN.get(target) or (item.reference if item else "")
            value = reading.plain(raw) if reference else self._value(item, raw, problems, target)
            if reference and value:
                value = self._one(target, reference, value, names.get((reference, value), ()), problems)
            is_empty = value is None or value in ("", [])
            if target in OWN:
                places_asked |= {} if is_empty else {target: value}
            elif not is_empty or (row and self._clears):
                _put(changes, target, None if is_empty else value)
        data = values.merged(self._register, row.data if row else {}, changes)
        organisation = self._place(places_asked, "_organisation", row, self._organisations)
        area = self._place(places_asked, "_area", row, self._areas)
        geometry = self._geometry(read.cells, row, kept, problems)
        state = self._state(read.cells, row, kept, problems)
        fresh = Record(county_id=self._county, register=self._register.key, key=read.key, source="import")
        return Proposed(
            read.row.number, row or fresh, Wanted(data, organisation, area, geometry, state), places_asked, problems,
            "edit" if row else "create", is_private=bool(changes.keys() & self._private),
        )  # fmt: skip

    def _one(self, target: str, reference: str, text: str, found: Sequence[Any], problems: list[Problem]) -> str:
        """The one thing that is meant; else a problem that lists what may be meant, and the text."""
        if len(found) == 1:
            if self._many.naming.is_short(reference, text):
                self._short[text, found[0].title, found[0].value] += 1
            return str(found[0].value)
        if found:
            problems.append(problem(target, text, "ambiguous", "、".join(f"{c.title}（{c.value}）" for c in found[:5])))
        elif target not in OWN:
            kind = references.find(reference, self._county)
            problems.append(problem(target, text, "x-shizhu-ref", kind.name if kind else reference))
        return text

    def _defaults(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, item in self._fields.items():
            if "default" in item.rules and "." not in name:
                made[name] = item.rules["default"]
        return made

    def _value(self, item: Field | None, raw: Any, problems: list[Problem], target: str) -> Any:
        if item is None:
            return None
        if reading.is_rounded(item, raw) and all(fault.path != target for fault in problems):
            problems.append(problem(target, raw, "rounded"))
        return reading.read(item, raw, timezone.get_current_timezone())

    def _place(self, asked: Mapping[str, str], name: str, row: Record | None, known: Mapping[str, Any]) -> Any:
        """The area or organisation: as the table says, as it is, or as the person said for all."""
        if name in asked:
            return known.get(asked[name])
        if row:
            return row.area if name == "_area" else row.organisation
        return known.get(self._batch.asked.get(name, ""))

    def _geometry(
        self, cells: Mapping[str, Any], row: Record | None, kept: Mapping[str, Any], problems: list[Problem]
    ) -> Any:
        """The place on the map; empty cells leave it as it is."""
        before = row.geometry if row else None
        asked = {
            name: cells[name] for name in ("_longitude", "_latitude", "_geometry") if reading.plain(cells.get(name))
        }
        if not asked or all(row and _is_same(raw, kept.get(name)) for name, raw in asked.items()):
            return before
        if "_geometry" in asked:
            try:
                return places.read(reading.plain(asked["_geometry"]), self._register.geometry)
            except ValueError:
                problems.append(problem("_geometry", asked["_geometry"], "geometry", self._register.geometry))
                return before
        zone = timezone.get_current_timezone()
        point = [reading.read(NUMBER, asked.get(name), zone) for name in FARTHEST]
        wrong = len(problems)
        for (name, most), part in zip(FARTHEST.items(), point, strict=True):
            if not isinstance(part, int | float):
                problems.append(problem(name, asked.get(name, ""), "type", values.TYPES["number"]))
            elif not abs(part) <= most:
                problems.append(problem(name, part, "large", most))
        return shapely.Point(*point) if len(problems) == wrong else before

    def _state(
        self, cells: Mapping[str, Any], row: Record | None, kept: Mapping[str, Any], problems: list[Problem]
    ) -> str:
        first = next(iter(self._register.states))
        before = row.state if row else first
        text = reading.plain(cells.get("_state"))
        if not text or (row and _is_same(text, kept.get("_state"))):
            return before
        states = self._register.states.items()
        found = [key for key, names in states if reading.narrow(text) in {key, *names.values()}]
        if len(found) == 1:
            return found[0]
        problems.append(problem("_state", text, "state"))
        return before if before != WITHDRAWN else first

    def _errors_file(self) -> tables.Writer:
        return tables.Writer(
            label(self._register.title), [*self._batch.asked["heads"], label(WHAT)], marked=self._last()
        )

    def _last(self) -> frozenset[int]:
        return frozenset({len(self._batch.asked["heads"])})

    def _note(self, wrong: tables.Writer, one: Proposed, row: Row) -> None:
        """The row as it came, and in a column more what is wrong with it."""
        width = len(self._batch.asked["heads"])
        order = {target: place for place, target in enumerate(self._mapping)}
        told = [self._told(fault) for fault in sorted(one.problems, key=lambda fault: order.get(fault.path, width))]
        cells = [*row.cells[:width], *([None] * (width - len(row.cells))), "\n".join(told)]
        faulty = {fault.path for fault in one.problems}
        marked = {n for n, target in enumerate(self._mapping) if target in faulty} | {width}
        wrong.add(cells, frozenset(marked))
        if len(self._batch.examples) < SHOWN:
            self._batch.examples.append({"row": one.number, "told": told})

    def _told(self, fault: Problem) -> str:
        titles = {target.name: label(target.title) for target in excel.targets(self._register)}
        head = titles.get(fault.path) or titles.get(fault.path.rpartition(".")[0]) or fault.path
        value = f"“{fault.value}”" if fault.value else ""
        return f"{head}{value}：{label(fault.message)}"

    def _end(self, wrong: tables.Writer | None) -> None:
        batch = self._batch
        assert batch.given
        if wrong:
            name = f"{Path(batch.given.name).stem}-{label(TO_CORRECT)}.xlsx"
            batch.made = batches.keep(batch.person, self._county, wrong.done(), name, tables.XLSX)
        else:
            batch.made = None
        if not self._is_writing:
            self._tell_alike()
            batch.asked["short"] = [[*named, rows] for named, rows in self._short.most_common(SHOWN_ALIKE)]
        batches.end(batch, Batch.State.DONE if self._is_writing else Batch.State.CHECKED)


WHAT = {"zh": "需要改正", "en": "What to correct"}
TO_CORRECT = {"zh": "待改正", "en": "to correct"}


def _left_out(cells: Mapping[int, Row], left: frozenset[int]) -> Counter[str]:
    """How many of these rows the person leaves out."""
    number = len(cells.keys() & left)
    return Counter({"left": number} if number else {})


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _is_same(raw: Any, kept: Any) -> bool:
    """Whether a cell holds what an export would write there."""
    if kept is None or raw is None:
        return raw is None and kept is None
    if isinstance(kept, int | float) and isinstance(raw, int | float):
        return math.isclose(kept, raw, rel_tol=1e-14)  # what a table keeps of a number
    return reading.plain(raw) == reading.plain(kept)


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    """A value at a path of a group."""
    head, dot, rest = path.partition(".")
    if dot:
        _put(data.setdefault(head, {}), rest, value)
    else:
        data[head] = value
