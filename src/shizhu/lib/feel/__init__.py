"""FEEL, the expression language of DMN 1.3 (chapter 10), by feelin, the engine of bpmn.io, in V8.

Numbers are IEEE 754 doubles, results of arithmetic rounded to 15 digits: `0.1 + 0.2` is `0.3`, and the 34 digits of the
standard there are not. Where feelin departs from the standard it is mended as it is bundled (frontend/feelin.mends.ts).
Years are those from -271821 to 275760. Nothing an expression says reaches the disk, the network or Python. What FEEL
cannot compute is null (`1 / 0`, an unknown name, a wrong type).
Expressions are parsed anew at each call: FEEL's grammar depends on the names in the context.
"""

import atexit
import datetime as dt
import queue
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from py_mini_racer import JSEvalException, JSOOMException, JSTimeoutException, MiniRacer

Temporal: TypeAlias = dt.datetime | dt.date | dt.time | dt.timedelta
Value: TypeAlias = bool | int | float | str | Temporal | list["Value"] | dict[str, "Value"] | None

TIMEOUT = 0.2  # seconds for one evaluation
EACH_TIMEOUT = 2.0  # seconds for SLICE of them
SLICE = 250  # contexts of one call
PATIENCE = 5  # tries for an evaluation that ran out of time while the process hardly ran
MEMORY = 64 * 2**20  # bytes of V8 heap
DEEPEST = 100  # levels of lists and contexts in a value
EXACT = 2**53  # above it a double no longer tells neighbouring whole numbers apart
ENGINE = Path(__file__).with_name("engine.js")
TAG = "@feel"
UNKNOWN_NAMES = frozenset({"NO_VARIABLE_FOUND", "NO_CONTEXT_ENTRY_FOUND", "NO_PROPERTY_FOUND", "NO_FUNCTION_FOUND"})
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it
DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class YearsAndMonths(str):
    """A duration of years and months, as its ISO 8601 text: Python has no type of it."""

    __slots__ = ()


class FeelError(ValueError):
    """An expression that cannot be read or evaluated; `position` counts characters from 0, None where none is known."""

    def __init__(self, expression: str, position: int | None, rule: str) -> None:
        where = "" if position is None else f" at character {position + 1}"
        super().__init__(f"FEEL {expression!r}{where}: {rule}")
        self.expression = expression
        self.position = position
        self.rule = rule


class OutOfRange(FeelError):
    """A date or time of a year that Python has none for; `text` is its ISO 8601 text."""

    def __init__(self, expression: str, text: str, why: str) -> None:
        super().__init__(expression, None, f"its value {text!r} is out of range: {why}")
        self.text = text


def evaluate(
    expression: str, context: Mapping[str, object], *, is_strict: bool = False, timeout: float = TIMEOUT
) -> Value:
    """Value of an expression (DMN 1.3, 10.3.2) on a context of JSON values, dates, times, durations and decimals.

    Whole numbers up to 2^53 come back as int; a years and months duration as YearsAndMonths; a function as None.
    `is_strict` refuses an expression that met a name the context does not hold, instead of taking it for null.
    Raises FeelError for a syntax error, a context that is not JSON, too much time (`timeout`, seconds) or memory.
    """
    answer = _run("evaluate", expression, context, timeout)
    unknown = [found for found in answer["warnings"] if found["type"] in UNKNOWN_NAMES]
    if is_strict and unknown:
        raise FeelError(expression, unknown[0]["position"], unknown[0]["message"])
    return _untag(answer.get("value"), expression)


def evaluate_each(expression: str, contexts: Sequence[Mapping[str, object]]) -> list[Value]:
    """Values of one expression on many contexts that hold the same names, all of letters, digits and `_`.

    It is parsed once in SLICE contexts and so some fifty times as fast as one by one. Raises FeelError as `evaluate`
    does, for all where it cannot evaluate one (which one, only evaluating one by one tells), and as `check` does.
    """
    check(expression)
    names = list(contexts[0]) if contexts else []
    given = ", ".join(f"_row.{name}" for name in names)
    each = f"{{_value: function({', '.join(names)}) ({expression}), _: for _row in _rows return _value({given})}}._"
    found: list[Value] = []
    for start in range(0, len(contexts), SLICE):
        rows = contexts[start : start + SLICE]
        answer = evaluate(each, {"_rows": rows}, timeout=EACH_TIMEOUT)
        if not isinstance(answer, list) or len(answer) != len(rows):
            raise FeelError(expression, None, "cannot be evaluated for many")
        found += answer
    return found


def test(expression: str, value: object, context: Mapping[str, object]) -> bool:
    """Whether a value passes unary tests such as `< 3, [10..20]` (DMN 1.3, 10.3.2, grammar rules 13 to 17).

    Null counts as no. Raises FeelError as `evaluate` does.
    """
    return bool(_run("test", expression, {**context, "?": value}, TIMEOUT).get("value"))


def check(expression: str, *, names: Iterable[str] = (), is_test: bool = False) -> None:
    """Refuse an expression (with `is_test` unary tests) that is not FEEL, by FeelError with the place and the rule.

    Nothing is evaluated. `names` lists names with spaces or signs in them, which FEEL reads only if it knows them.
    """
    _run("check test" if is_test else "check", expression, dict.fromkeys(names), TIMEOUT)


def unknown_calls(expression: str) -> tuple[str, ...]:
    """Functions that an expression calls and neither FEEL has nor it makes itself: programs of other languages.

    Raises FeelError as `check` does.
    """
    return tuple(_run("check", expression, {}, TIMEOUT)["calls"])


def unknown_names(expression: str, names: Iterable[str], *, is_test: bool = False) -> tuple[str, ...]:
    """Names that an expression reads and that are none of `names`: always null. What is filtered may have any.

    Raises FeelError as `check` does.
    """
    verb = "check test" if is_test else "check"
    return tuple(_run(verb, expression, dict.fromkeys(names), TIMEOUT)["names"])


def ask(verb: str, expression: str, context: Mapping[str, object], timeout: float) -> dict[str, Any]:
    """What the engine answers to a verb of `frontend/src/feel.ts`, with the values of FEEL as Python has them."""
    answer = _run(verb, expression, context, timeout)
    return {name: _untag(value, expression) for name, value in answer.items()}


def duration_text(value: object) -> str:
    """ISO 8601 text of a duration, as FEEL's `duration()` reads it; raises TypeError for another type."""
    if not isinstance(value, dt.timedelta):
        raise TypeError(f"{value!r} is {type(value).__name__}")
    size = abs(value)
    return f"{'-' if value.days < 0 else ''}P{size.days}DT{size.seconds}.{size.microseconds:06d}S"


class _Isolate:
    """The one V8 of the process, made at first use (about 50 MB) and made anew after it ran out of memory.

    One thread of its own starts V8, makes isolates, runs and ends them. V8 guards its code pages with a memory
    protection key where the processor has them, and only the thread that started it (and its children) holds that key:
    another one would die of a segmentation fault. Nor has that thread an event loop for MiniRacer to tie itself to.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: queue.SimpleQueue[tuple[Future[str], str, float]] | None = None
        self.racer: MiniRacer | None = None

    def call(self, payload: str, timeout: float) -> str:
        """Answer of the script's `feel` function; raises JSEvalException."""
        with self.lock:
            if self.calls is None:
                self.calls = queue.SimpleQueue()
                threading.Thread(target=self._serve, args=(self.calls,), name="feel", daemon=True).start()
                atexit.register(self.call, "", 0)
        answer: Future[str] = Future()
        self.calls.put((answer, payload, timeout))
        return answer.result()

    def _serve(self, calls: queue.SimpleQueue[tuple[Future[str], str, float]]) -> None:
        while True:
            answer, payload, timeout = calls.get()
            try:
                answer.set_result(self._answer(payload, timeout))
            except Exception as error:  # noqa: BLE001  # the caller raises it
                answer.set_exception(error)

    def _answer(self, payload: str, timeout: float) -> str:
        if not payload:  # the process ends
            self._close()
            return ""
        is_new = self.racer is None
        self.racer = self.racer or _make_racer()
        try:
            return _call(self.racer, f"feel({orjson.dumps(payload).decode()})", timeout)
        except JSOOMException:  # this isolate would refuse whatever comes next
            self._close()
            if is_new:
                raise
        return self._answer(payload, timeout)  # it may have been full of what came before

    def _close(self) -> None:
        if self.racer:
            self.racer.close()
            self.racer = None


def _call(racer: MiniRacer, code: str, timeout: float) -> str:
    # MiniRacer counts time on the wall: on a busy machine an innocent expression may wait that long for a processor.
    # The process may have been busy with something else too (V8 compiles and tidies up beside), so once is no proof.
    times_busy = 0
    for _ in range(PATIENCE):
        began = time.process_time()
        try:
            return str(racer.eval(code, timeout_sec=timeout))
        except JSTimeoutException:
            racer.low_memory_notification()
            times_busy += time.process_time() - began > timeout / 2
            if times_busy == 2:
                raise
    raise JSTimeoutException


def _make_racer() -> MiniRacer:
    if not ENGINE.exists():
        raise RuntimeError(f"{ENGINE.name}, the FEEL engine, is not built: run `make up`")
    racer = MiniRacer()
    racer.set_hard_memory_limit(MEMORY)
    racer.eval(ENGINE.read_text(encoding="utf-8"))
    return racer


_isolate = _Isolate()


def _run(verb: str, expression: str, context: Mapping[str, object], timeout: float) -> dict[str, Any]:
    payload = _payload(verb, expression, context)
    try:
        text = _isolate.call(payload, timeout)
        if NUL.search(text):
            raise FeelError(expression, None, "its value holds the character U+0000, which is kept nowhere")
        answer: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:  # half of a pair of surrogates, or a thousand levels
        raise FeelError(expression, None, "its value is no text that can be kept, or nested too deep") from None
    except JSTimeoutException:
        raise FeelError(expression, None, f"takes longer than {timeout * 1000:.0f} ms") from None
    except JSOOMException:
        raise FeelError(expression, None, f"needs more than {MEMORY // 2**20} MB of memory") from None
    except JSEvalException as error:
        raise FeelError(expression, None, str(error).splitlines()[0]) from None
    if "error" in answer:
        raise _error(expression, **answer["error"])
    return answer


def _error(expression: str, *, message: str, position: int | None, is_syntax: bool) -> FeelError:
    if not is_syntax or position is None:
        return FeelError(expression, position, message)
    rest = expression[position:].strip()
    return FeelError(expression, position, f"cannot be read from {rest!r} on" if rest else "ends too early")


def _payload(verb: str, expression: str, context: Mapping[str, object]) -> str:
    request = {"verb": verb, "expression": expression, "context": context}
    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_STRICT_INTEGER
    try:
        return orjson.dumps(request, default=_tag, option=options).decode()
    except TypeError as error:
        raise FeelError(expression, None, f"its context cannot be written as JSON: {error}") from None


def _tag(value: object) -> object:
    match value:
        case dt.datetime():
            return {TAG: ["date and time", value.isoformat()]}
        case dt.date():
            return {TAG: ["date", value.isoformat()]}
        case dt.time():
            return {TAG: ["time", value.isoformat()]}
        case Decimal():
            return float(value)
        case str():
            return {TAG: ["duration", str(value)]} if isinstance(value, YearsAndMonths) else str(value)
        case Mapping():
            return dict(value)
        case list():
            return list(value)
    return {TAG: ["duration", duration_text(value)]}


def _read_zoned(read: Any, text: str) -> dt.datetime | dt.time:
    plain, _, zone = text.partition("@")
    value: dt.datetime | dt.time = read(plain)
    return value.replace(tzinfo=ZoneInfo(zone)) if zone else value


def _read_duration(text: str) -> dt.timedelta | str:
    match = DURATION.fullmatch(text)
    if match is None:
        return YearsAndMonths(text)
    sign, days, hours, minutes, seconds = match.groups(default="0")
    size = dt.timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return -size if sign == "-" else size


READERS = {
    "date": dt.date.fromisoformat,
    "time": lambda text: _read_zoned(dt.time.fromisoformat, text),
    "date and time": lambda text: _read_zoned(dt.datetime.fromisoformat, text),
    "duration": _read_duration,
}


def _untag(value: Any, expression: str, depth: int = 0) -> Value:
    if depth > DEEPEST:
        raise FeelError(expression, None, f"its value is nested deeper than {DEEPEST}")
    if isinstance(value, list):
        return [_untag(item, expression, depth + 1) for item in value]
    if isinstance(value, int) and abs(value) > EXACT:
        return float(value)  # JavaScript writes 2e17 as a row of digits, of which the last are rounded
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]  # a JSON scalar
    if TAG not in value:
        return {key: _untag(item, expression, depth + 1) for key, item in value.items()}
    match value[TAG]:
        case [str() as kind, str() as text] if kind in READERS:
            try:
                return READERS[kind](text)
            except (ValueError, OverflowError, ZoneInfoNotFoundError) as error:
                raise OutOfRange(expression, text, str(error)) from None
    raise FeelError(expression, None, f"its value has the name {TAG}, which is taken")
