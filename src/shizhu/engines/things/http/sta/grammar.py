"""The `$filter` grammar: odata-query's parser, with what SensorThings has beyond it and with positions in every node.

Beyond it are `@iot.id`, a place in a list (`result[0]`), `not(…)` without a blank, intervals (`begin/end`, either of
them perhaps a duration), the functions of 18-088 §9.3.3.5 that OData lacks, names that begin with a keyword
(`allowance`), and names in JSON of any script, with hyphens too (`properties/户主`, `properties/station-id`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from odata_query import ast
from odata_query.exceptions import ParsingException, TokenizingException
from odata_query.grammar import ODataLexer, ODataParser

from shizhu.engines.things.http.sta.errors import Refused
from shizhu.engines.things.http.sta.pieces import Piece

KEYWORDS = {"ANY", "ALL", "NULL", "BOOLEAN"}
GLUED = {"ODATA_IDENTIFIER", "INTEGER", *KEYWORDS}  # what the rest of a name that begins with a keyword is taken for
BEGINNINGS = {"DATETIME", "ODATA_IDENTIFIER"}  # of an interval
WORD = re.compile(r"\w+")
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"
LASTING = r"P(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
INTERVAL = re.compile(rf"(?:{MOMENT}/(?:{MOMENT}|{LASTING})|{LASTING}/{MOMENT})(?![\w:.+-])", re.IGNORECASE)
BEYOND = re.compile(r"'[^']*'|(?P<id>@iot\.id)|\[(?P<place>\d+)\]")


class _Lexer(ODataLexer):  # type: ignore[misc]  # untyped
    """odata-query's, but for its names: they begin with a Latin letter and have no hyphens there."""

    tokens = ODataLexer.tokens

    @_(r"[^\W\d](?:[.-]?\w){0,127}")  # type: ignore[name-defined, untyped-decorator]  # noqa: F821  # sly's
    def ODATA_IDENTIFIER(self, token: Any) -> Any:  # noqa: N802  # the token's name
        *namespace, name = token.value.split(".")
        token.value = ast.Identifier(name, tuple(namespace))
        return token


@dataclass(frozen=True)
class Interval:
    """`2026-01-01T00:00:00Z/2026-02-01T00:00:00Z`, or with a duration for one of the two (ISO 8601-1 §5.5)."""

    val: str


class Word(str):
    """A name or the text of a literal that knows its place."""

    __slots__ = ("position",)
    position: int

    @classmethod
    def at(cls, text: str, position: int) -> Word:
        """The text, from that place."""
        word = cls(text)
        word.position = position
        return word


def position(node: Any) -> int:
    """Where a node begins: the leftmost word in it."""
    if isinstance(node, Word):
        return node.position
    if isinstance(node, list):
        return min(map(position, node), default=1 << 30)
    if not hasattr(node, "__dataclass_fields__"):
        return 1 << 30
    return min((position(getattr(node, name)) for name in node.__dataclass_fields__), default=1 << 30)


def parse(piece: Piece) -> Any:
    """The expression as odata-query's tree; raises Refused with the place of what is wrong."""
    try:
        return _parsed(piece.text)
    except TokenizingException as error:
        raise _fault(piece, error.token.index) from None
    except ParsingException as error:
        raise _fault(piece, error.token.index if error.token else len(piece.text)) from None


def _fault(piece: Piece, index: int) -> Refused:
    rest = piece.text[index:].lstrip()
    found = rest[:20].strip()
    rule = f"{found!r} is not expected here" if found else "the expression ends too early"
    return piece.fault(rule, len(piece.text) - len(rest))


@lru_cache(maxsize=500)
def _parsed(text: str) -> Any:
    parser: Any = ODataParser()
    parser._function_call = ast.Call  # noqa: SLF001  # which functions there are is decided by our own table
    return parser.parse(_lists(_tokens(BEYOND.sub(_within, text))))


def _within(found: re.Match[str]) -> str:
    """What OData lacks as what it has, of the same length: a place in a list is a name, `[0]` is `/_0`."""
    if found["place"]:
        return f"/_{found['place']}"
    return "_iot_id" if found["id"] else found[0]


def _tokens(text: str) -> Iterator[Any]:
    waiting, end = None, 0  # of a name that began with a keyword
    for token in _Lexer().tokenize(text):
        if token.index < end:
            continue
        if token.type in BEGINNINGS and (whole := INTERVAL.match(text, token.index)):
            token.type, token.value, end = "DATETIME", Interval(whole[0]), whole.end()
        if waiting is not None and waiting.type in KEYWORDS and token.type in GLUED:
            name = text[waiting.index : WORD.match(text, waiting.index).end()]  # type: ignore[union-attr]  # a letter
            end = waiting.index + len(name)
            if token.index < end:
                waiting.type, waiting.value = "ODATA_IDENTIFIER", ast.Identifier(name)
                continue
        if waiting is not None:
            yield _placed(waiting, token)
        waiting = token
    if waiting is not None:
        yield _placed(waiting, None)


def _path(_: ODataParser, given: Any) -> Any:
    """A name before the rest of a path: odata-query's own fails where a lambda stands three names deep."""
    first, rest = given[0], given[1]
    if isinstance(rest, ast.CollectionLambda):
        return replace(rest, owner=_joined(first, rest.owner))
    return _joined(first, rest)


def _joined(first: Any, rest: Any) -> Any:
    if isinstance(rest, ast.Attribute):
        return ast.Attribute(_joined(first, rest.owner), rest.attr)
    return ast.Attribute(first, rest.name)


for _production in ODataParser._grammar.Productions:  # noqa: SLF001  # it offers no other way
    if _production.prod == ("entity_navigation_property", "single_navigation_expr"):
        _production.func = _path


def _lists(tokens: Iterator[Any]) -> Iterator[Any]:
    """The same, with a comma at the end of a list of one after `in`: so the parser knows it from a parenthesis."""
    before, depth, has_comma = "", 0, False
    for token in tokens:
        if token.type == "(" and (depth or before == "IN"):
            depth, has_comma = depth + 1, has_comma and depth > 0
        elif depth == 1 and token.type == ",":
            has_comma = True
        elif depth and token.type == ")":
            if depth == 1 and not has_comma:
                comma = copy(token)
                comma.type = comma.value = ","
                yield comma
            depth -= 1
        before = token.type
        yield token


def _placed(token: Any, following: Any) -> Any:
    value = token.value
    if isinstance(value, ast.Identifier):
        if value.name.lower() == "not" and following is not None and following.type == "(":
            token.type, token.value = "NOT", ast.Not()
        else:
            token.value = ast.Identifier(Word.at(value.name, token.index), value.namespace)
    elif hasattr(value, "val"):
        token.value = replace(value, val=Word.at(value.val, token.index))
    return token
