"""What the address of a list asks for: search, filters, a condition in CQL2, order, page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shizhu.engines.records import spatial
from shizhu.engines.records.contracts import Query
from shizhu.engines.records.http import filters
from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.columns import columns
from shizhu.engines.records.logic.cql2 import Comparison, Cql2Error, Every, Expression, Literal, Property, Some
from shizhu.engines.records.logic.cql2_sql import compiled
from shizhu.engines.records.logic.register import Kind, Register
from shizhu.engines.records.logic.values import Problem
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.queries import COUNTED
from shizhu.lib.numbers import whole

PAGE = 50
ALL = "all"
KEPT = {"q", "area", "state", "order", "filter", "columns"}  # controls that a saved view keeps, beside `f.…`
EXACT = 100_000  # of a written condition, rows up to which are counted
PLACE = re.compile(r"at character (\d+)")


def read(register: Register, typed: Mapping[str, str]) -> tuple[Query, tuple[Problem, ...]]:
    """The query of what was typed, and what of it could not be understood.

    A filter that is wrong is left out; a written condition that is wrong lets nothing through.
    """
    where, problems = filters.condition(register, typed)
    state = typed.get("state", "")
    if state and state != ALL:
        where = Every((where, Comparison(Property("_state"), "=", Literal(Kind.TEXT, state))))
    if typed.get("filter"):
        try:
            where = Every((where, condition(register, typed["filter"])))
        except Cql2Error as error:
            where, problems = Some(()), (*problems, _told(typed["filter"], error))
    number = whole(typed.get("page", ""), 1, digits=6)
    query = Query(
        where=where, search=typed.get("q", ""), area=typed.get("area", ""), order=typed.get("order", ""),
        has_withdrawn=state in {ALL, WITHDRAWN}, offset=(max(number, 1) - 1) * PAGE, limit=PAGE,
        most_counted=EXACT if typed.get("filter") else COUNTED,
    )  # fmt: skip
    return query, problems


def condition(register: Register, text: str) -> Expression:
    """A condition that somebody wrote, over fields that anybody may filter by. Raises Cql2Error."""
    tree = cql2.parse(text)
    space = spatial.space(Record.objects.none(), spatial.spot("r")) if register.geometry else None
    compiled(tree, columns(register, "r", with_private=False), space)
    return tree


def _told(text: str, error: Cql2Error) -> Problem:
    place = PLACE.search(str(error))
    near = {"zh": f"，请看第 {place[1]} 个字符附近", "en": ""} if place else {"zh": "：字段、类型或写法不对", "en": ""}
    return Problem("filter", text, "filter", {"zh": f"条件看不懂{near['zh']}", "en": f"cannot be understood: {error}"})
