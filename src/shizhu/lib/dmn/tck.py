"""Test cases of the DMN Technology Compatibility Kit (dmn-tck/tck, testCases.xsd): what a model must decide of what.

A result is right if it is equal, also where an error comes with it (`errorResult`): numbers to 8 digits after the
point, as the kit compares them; dates, times and durations as values; lists in order; of a context what is expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.lib import dmn, feel, markup

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
DIGITS = 8
TEMPORAL = {
    "date": "date", "time": "time", "dateTime": "date and time", "duration": "duration",
    "dayTimeDuration": "duration", "yearMonthDuration": "duration",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One test: what is given, asked and expected. `asks` is the element invoked, "" for the decision of the result."""

    id: str
    name: str
    given: Mapping[str, Any]
    expected: Any
    asks: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a case went: `why` is empty where it passed."""

    case: Case
    why: str = ""
    faults: tuple[str, ...] = field(default=())

    @property
    def told(self) -> str:
        """Why it failed, with the first thing that could not be computed."""
        return f"{self.why}（{self.faults[0]}）" if self.why and self.faults else self.why


def read(xml: bytes) -> tuple[str, list[Case]]:
    """(file of the model, cases) of a file of test cases. Raises MarkupError."""
    root = markup.read(xml, "a file of test cases")
    cases = [one for element in _all(root, "testCase") for one in _cases(element)]
    return (_text(root, "modelName") or "").strip(), cases


def _all(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if etree.QName(child).localname == name)


def _text(element: Any, name: str) -> str:
    return next(("".join(child.itertext()) for child in _all(element, name)), "")


def _cases(element: Any) -> Iterator[Case]:
    given = {node.get("name"): value(node) for node in _all(element, "inputNode")}
    is_service = element.get("type") == "decisionService"
    for node in _all(element, "resultNode"):
        expected = next((value(child) for child in _all(node, "expected")), None)
        asks = element.get("invocableName") or "" if is_service or element.get("type") == "bkm" else ""
        yield Case(element.get("id") or "", node.get("name") or "", given, expected, asks)


def value(element: Any) -> Any:
    """The value that an element of the kit holds."""
    for child in element:
        name = etree.QName(child).localname
        if child.get(NIL) in {"true", "1"}:
            return None
        if name == "value":
            return _single(child)
        if name == "list":
            return [value(item) for item in _all(child, "item")]
        if name == "component":
            return {part.get("name"): value(part) for part in _all(element, "component")}
    return None


def _single(element: Any) -> Any:
    kind = (element.get(TYPE) or "").rpartition(":")[2]
    text = "".join(element.itertext())
    if kind in {"decimal", "double", "float", "integer", "int", "long"}:
        try:
            return float(text)
        except ValueError:
            raise markup.MarkupError(text, "is no number") from None
    if kind == "boolean":
        return text.strip() in {"true", "1"}
    if kind in TEMPORAL:
        try:
            return feel.evaluate(f"{TEMPORAL[kind]}(text)", {"text": text.strip()})
        except feel.FeelError:  # a year that Python has no date of
            return text.strip()
    return text


def run(model: dmn.Model, case: Case) -> Outcome:
    """Decide a case. What raises has failed."""
    value: Any = None
    faults: tuple[str, ...] = ()
    try:
        found = dmn.decide(model, case.asks or case.name, case.given)
        value, faults = found.value, found.faults
    except feel.OutOfRange as error:
        value = error.text  # as _single reads it
    except feel.FeelError as error:
        faults = (error.rule,)
    except KeyError as error:
        return Outcome(case, f"模型中没有 {error.args[0]}")
    if is_same(value, case.expected):
        return Outcome(case)
    return Outcome(case, f"应为 {case.expected!r}，实为 {value!r}", faults)


def is_same(found: Any, expected: Any) -> bool:
    """Whether a value is what the kit expects."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(name in found and is_same(found[name], part) for name, part in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(is_same, found, expected))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
        return round(found - expected, DIGITS) == 0 or found == expected
    return type(expected) is type(found) and bool(expected == found)
