"""Computed fields (`x-shizhu-computed`): FEEL over the fields of a row, evaluated when it is written, never when read.

An expression sees every field of the row by its name, in a group or in rows also those beside it; what is not there is
null, of rows the empty list. Computed fields of the row itself see those declared before them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shizhu.engines.records.logic import conditions
from shizhu.engines.records.logic.register import Body, Field, Kind, Register
from shizhu.engines.records.logic.values import Data, canonical, time_text
from shizhu.lib import feel

NAME = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.])[A-Za-z_]\w*')
WORD = re.compile(r"[A-Za-z_]\w*")
RESTLESS = re.compile(r"\b(?:now|today)\s*\(")  # what is computed at write would grow stale by itself


def names(expression: str) -> frozenset[str]:
    """Words of an expression that may name fields, texts in quotes left out."""
    return frozenset(word for word in NAME.findall(expression) if not word.startswith('"'))


def has_computed(register: Register) -> bool:
    """Whether anything is computed in the register at all: most rows never need V8."""
    return any(item.computed for _path, item in register.everything)


def filled(register: Register, data: Body) -> Data:
    """Data in canonical form with every computed field as it is now; what FEEL makes null of is not there.

    Raises FeelError.
    """
    (found,) = filled_each(register, [data])
    if isinstance(found, feel.FeelError):
        raise found
    return found


def filled_each(register: Register, rows: Sequence[Body]) -> list[Data | feel.FeelError]:
    """The same of many rows, much faster than one by one."""
    if not has_computed(register):
        return [dict(data) for data in rows]
    made: dict[int, Data | feel.FeelError] = {}
    running = {number: _filled(register.body, register.fields, data, {}) for number, data in enumerate(rows)}
    asked = {number: next(steps) for number, steps in running.items()}
    while asked:
        answers, asked = _answered(asked), {}
        for number, answer in answers.items():
            try:
                if isinstance(answer, feel.FeelError):
                    made[number] = answer
                else:
                    asked[number] = running[number].send(answer)
            except StopIteration as stop:
                made[number] = canonical(register, stop.value)
    return [made[number] for number in range(len(rows))]


def _filled(
    body: Body, fields: Mapping[str, Field], data: Body, around: Mapping[str, Any]
) -> Generator[_Asked, Data, Data]:
    """Asks for what is computed, inside first, and goes on with the answers."""
    made: Data = {name: v for name, v in data.items() if name not in fields or not fields[name].computed}
    here = {**around, **_context(fields, made)}
    for name, item in fields.items():
        value = made.get(name)
        if item.kind == Kind.GROUP and (isinstance(value, Mapping) or any(part.computed for part in item.fields)):
            made[name] = yield from _filled(item.body, item.parts, value or {}, here)
        elif item.kind == Kind.ROWS and isinstance(value, list):
            made[name] = yield from _filled_rows(item, value, here)
    there = conditions.applying(body, made)
    wanted = tuple(item for item in fields.values() if item.computed and item.name in there)
    found = yield _Asked(wanted, {**around, **_context(fields, made)})
    return {**made, **found}


def _filled_rows(item: Field, rows: list[Any], around: Mapping[str, Any]) -> Generator[_Asked, Data, list[Any]]:
    made = []
    for row in rows:
        is_row = isinstance(row, Mapping)
        made.append((yield from _filled(item.body, item.parts, row, around)) if is_row else row)
    return made


@dataclass(frozen=True)
class _Asked:
    """Fields to compute of one object, and what their expressions may see."""

    wanted: tuple[Field, ...]
    context: Mapping[str, Any]

    @property
    def expression(self) -> str:
        """All at once, as one FEEL context whose entries see those before them."""
        return f"{{{', '.join(f'{item.name}: ({item.computed})' for item in self.wanted)}}}"

    @property
    def known(self) -> dict[str, Any]:
        """What the expressions may name: what they cannot would only be in the way."""
        own = {item.name for item in self.wanted}
        return {name: self.context[name] for name in WORD.findall(self.expression) if name in self.context.keys() - own}

    def found(self, answer: Any) -> Data:
        """The values that there are."""
        values = answer if isinstance(answer, dict) else {}
        made = {item.name: _plain(item, values.get(item.name)) for item in self.wanted}
        return {name: value for name, value in made.items() if value is not None}


def _answered(asked: Mapping[int, _Asked]) -> dict[int, Data | feel.FeelError]:
    """Those with the same expressions and names together."""
    answers: dict[int, Data | feel.FeelError] = {number: {} for number, one in asked.items() if not one.wanted}
    alike: dict[tuple[str, ...], dict[int, dict[str, Any]]] = {}
    for number in asked.keys() - answers.keys():
        expression, known = asked[number].expression, asked[number].known
        alike.setdefault((expression, *known), {})[number] = known
    for (expression, *_names), contexts in alike.items():
        for number, answer in zip(contexts, _evaluated(expression, list(contexts.values())), strict=True):
            answers[number] = answer if isinstance(answer, feel.FeelError) else asked[number].found(answer)
    return answers


def _evaluated(expression: str, contexts: Sequence[Mapping[str, Any]]) -> Sequence[feel.Value | feel.FeelError]:
    if len(contexts) > 1:
        try:
            return feel.evaluate_each(expression, contexts)
        except feel.FeelError:
            return [answer for context in contexts for answer in _evaluated(expression, [context])]
    try:
        return [feel.evaluate(expression, contexts[0])]
    except feel.FeelError as error:
        return [error]


def _context(fields: Mapping[str, Field], data: Body) -> dict[str, Any]:
    return {name: _value(item, data.get(name)) for name, item in fields.items()}


def _value(item: Field, value: Any) -> Any:
    """A field's value as FEEL takes it; what is not of the field's type is null, for the schema to refuse."""
    if item.kind == Kind.ROWS:
        return [_context(item.parts, row) for row in value if isinstance(row, Mapping)] if value else []
    if item.kind == Kind.GROUP:
        return _context(item.parts, value) if isinstance(value, Mapping) else None
    if item.kind in {Kind.NUMBER, Kind.INTEGER}:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    try:
        if item.kind == Kind.DATE and value is not None:
            return dt.date.fromisoformat(value)
        if item.kind == Kind.TIME and value is not None:
            return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return value


def _plain(item: Field, value: Any) -> Any:
    """What FEEL found as JSON; numbers without the noise of binary fractions, by `multipleOf` where one is declared."""
    match value:
        case bool():
            return value
        case float() if "multipleOf" in item.rules:
            step = Decimal(str(item.rules["multipleOf"]))
            return float(round(Decimal(str(value)) / step) * step)
        case float():
            return float(f"{value:.12g}")
        case dt.datetime():
            return time_text(value) or value.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return feel.duration_text(value)
        case list():
            return [_plain(item, part) for part in value]
    return value
