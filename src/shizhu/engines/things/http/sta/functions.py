"""The functions of `$filter` (18-088 §9.3.3.5.2) as a table; those of space are in `spatial`.

Beyond the standard are `totalseconds` of OData and the relations of times that FROST-Server has.
"""

from __future__ import annotations

from dataclasses import dataclass

from shizhu.engines.things.http.sta.entities import Kind


@dataclass(frozen=True)
class Function:
    """What a function takes and gives, and its SQL over `{a0}`, `{a1}`, …"""

    takes: tuple[Kind, ...]
    gives: Kind
    sql: str


def _functions(takes: str, gives: Kind, **named: str) -> dict[str, tuple[Function, ...]]:
    kinds = tuple(LETTERS[letter] for letter in takes)
    return {name: (Function(kinds, gives, sql),) for name, sql in named.items()}


# Over the beginnings and ends of two times; an instant is its own end. The end of an interval does not belong to it.
RELATIONS = {
    "before": "{a} < {b} AND {a_end} <= {b}",
    "after": "{b} < {a} AND {b_end} <= {a}",
    "overlaps": "{a} <= {b_end} AND {b} <= {a_end} AND ({a} = {b} OR ({a} < {b_end} AND {b} < {a_end}))",
    "during": "{b} <= {a} AND {a} < {b_end} AND {a_end} <= {b_end}",
    "meets": "({a_end} = {b} OR {b_end} = {a})",
    "starts": "{a} = {b}",
    "finishes": "{a_end} = {b_end}",
}
LETTERS = {"d": Kind.DURATION, "t": Kind.TEXT, "n": Kind.NUMBER, "m": Kind.TIME}
FUNCTIONS: dict[str, tuple[Function, ...]] = {
    **_functions(
        "tt", Kind.BOOLEAN,
        startswith="starts_with({a0}, {a1})", endswith="right({a0}, length({a1})) = {a1}",
        contains="strpos({a0}, {a1}) > 0", substringof="strpos({a1}, {a0}) > 0",
    ),
    **_functions("tt", Kind.NUMBER, indexof="strpos({a0}, {a1}) - 1"),
    **_functions("tt", Kind.TEXT, concat="{a0} || {a1}"),
    **_functions("t", Kind.TEXT, tolower="lower({a0})", toupper="upper({a0})", trim="btrim({a0})"),
    **_functions("t", Kind.NUMBER, length="length({a0})"),
    "substring": (
        Function((Kind.TEXT, Kind.NUMBER), Kind.TEXT, "substr({a0}, {a1}::int + 1)"),
        Function((Kind.TEXT, Kind.NUMBER, Kind.NUMBER), Kind.TEXT, "substr({a0}, {a1}::int + 1, {a2}::int)"),
    ),
    **_functions(
        "m", Kind.NUMBER,
        year="extract(year FROM {a0})", month="extract(month FROM {a0})", day="extract(day FROM {a0})",
        hour="extract(hour FROM {a0})", minute="extract(minute FROM {a0})", second="floor(extract(second FROM {a0}))",
        fractionalseconds="extract(second FROM {a0}) - floor(extract(second FROM {a0}))",
        totaloffsetminutes="0 * extract(hour FROM {a0})",
    ),
    **_functions("d", Kind.NUMBER, totalseconds="extract(epoch FROM {a0})"),
    **_functions("m", Kind.DATE, date="{a0}::date"),
    **_functions("m", Kind.CLOCK, time="{a0}::time"),
    **_functions(
        "", Kind.TIME, now="now()", mindatetime="'-infinity'::timestamptz", maxdatetime="'infinity'::timestamptz"
    ),
    **_functions("n", Kind.NUMBER, round="round(({a0})::numeric)", floor="floor({a0})", ceiling="ceil({a0})"),
}  # fmt: skip
