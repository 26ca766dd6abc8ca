"""Query options of 18-088 §9.3, read into a tree: what `$expand` says in parentheses is a tree of the same kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote_plus

import msgspec

from shizhu.engines.things.http.sta.entities import SETS
from shizhu.engines.things.http.sta.errors import bad, later
from shizhu.engines.things.http.sta.formats import FORMATS
from shizhu.engines.things.http.sta.pieces import Piece
from shizhu.engines.things.logic.readings import parse_time

DEFAULT_TOP, MOST_TOP = 100, 1000
MOST_FLAT = 10_000  # entities of a page with at most one of each expanded collection: latest values of a county at once
DEEPEST = 8
SAFE = "$,;:@/()'*!"  # need no encoding in a query
LONGEST = 20_000  # characters of all options
EXPANSION = re.compile(r"(?P<path>[A-Za-z/]+)\s*(?:\((?P<options>.*)\))?", re.DOTALL)
LATER = {"$search": "search"}
PLAIN_TOKEN = re.compile(r"(?:[-\d.:e_~,]|[Ii]nfinity|NaN)+")  # JSON in hexadecimal begins with 5b
PLAIN_SIGNS = str.maketrans("_~", " +")
ZONE_BLANK = re.compile(r"(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:\d{2})")


@dataclass(frozen=True)
class Order:
    """One key of `$orderby`."""

    path: Piece
    is_descending: bool


@dataclass(frozen=True)
class Expansion:
    """One navigation of `$expand` with its own options."""

    name: Piece
    options: Options

    def text(self) -> str:
        """The expansion as it is written."""
        inner = ";".join(f"{name}={text}" for name, text in self.options.texts().items())
        return f"{self.name.text}({inner})" if inner else self.name.text


@dataclass(frozen=True)
class Options:
    """All options of one collection or entity."""

    filter: Piece | None = None
    orderby: tuple[Order, ...] = ()
    select: tuple[Piece, ...] | None = None
    expand: tuple[Expansion, ...] = ()
    top: int | None = None
    skip: int = 0
    is_counted: bool = False
    token: tuple[str | None, ...] = ()  # keys of the last row of the page before
    format: Piece | None = None
    as_of: Piece | None = None  # Observations as they were known then
    apply: Piece | None = None  # put together or thinned: see `applied`

    @property
    def size(self) -> int:
        """Entities a page."""
        return DEFAULT_TOP if self.top is None else self.top

    def texts(self) -> dict[str, str]:
        """Options as they are written, without those that say which page."""
        written = {
            "$filter": self.filter.text if self.filter else "",
            "$orderby": ",".join(f"{key.path.text}{' desc' if key.is_descending else ''}" for key in self.orderby),
            "$select": ",".join(piece.text for piece in self.select or ()),
            "$expand": ",".join(expansion.text() for expansion in self.expand),
            "$top": "" if self.top is None else str(self.top),
            "$count": "true" if self.is_counted else "",
            "$resultFormat": self.format.text if self.format else "",
            "$asOf": self.as_of.text if self.as_of else "",
            "$apply": self.apply.text if self.apply else "",
        }
        return {name: text for name, text in written.items() if text}

    def link(self) -> str:
        """The query of the next page, URL-encoded, up to the token's value."""
        return "".join(f"{name}={quote(text, safe=SAFE)}&" for name, text in self.texts().items()) + "$skiptoken="


def parse(query: str) -> Options:
    """Read the query string of a request; raises Refused (400, 501)."""
    if len(query) > LONGEST:
        raise bad(f"the query options may have {LONGEST} characters")
    pieces = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        text = ZONE_BLANK.sub(r"\1+\2", unquote_plus(value))  # a + that was not encoded
        pieces.append(Piece(text, unquote_plus(name)))
    options = _options([piece for piece in pieces if piece.option.startswith("$")], 0)
    has_latest = any(expansion.name.text in SETS for expansion in options.expand)
    most = MOST_FLAT if has_latest and all(map(_is_flat, options.expand)) else MOST_TOP
    return options if options.top is None else replace(options, top=min(options.top, most))


def _is_flat(expansion: Expansion) -> bool:
    """Whether an expansion adds at most one entity at each step; collections have names in the plural, as sets do."""
    is_one = expansion.name.text not in SETS or expansion.options.size <= 1
    return is_one and all(_is_flat(inner) for inner in expansion.options.expand)


def _options(pieces: list[Piece], depth: int) -> Options:
    options = Options()
    seen: set[str] = set()
    for piece in pieces:
        if piece.option in LATER:
            raise later(f"{piece.option}: {LATER[piece.option]} will come later", piece.start)
        if piece.option not in READERS:
            raise piece.fault(f"there is no such option; there are {', '.join(READERS)}")
        if piece.option in seen:
            raise piece.fault("an option may be given once")
        seen.add(piece.option)
        options = replace(options, **READERS[piece.option](piece, depth))
    return options


def _filter(piece: Piece, _: int) -> dict[str, object]:
    if not piece.text.strip():
        raise piece.fault("an expression is missing")
    return {"filter": piece.part(0)}


def _orderby(piece: Piece, _: int) -> dict[str, object]:
    orders = []
    for part in piece.split(","):
        words = part.text.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1].lower() not in {"asc", "desc"}):
            raise part.fault(f"{part.text!r} must be a property, then perhaps asc or desc")
        orders.append(Order(part.part(0, len(words[0])), words[-1].lower() == "desc"))
    return {"orderby": tuple(orders)}


def _select(piece: Piece, _: int) -> dict[str, object]:
    parts = piece.split(",")
    for part in parts:
        if not part.text:
            raise part.fault("a property's name is missing")
    return {"select": tuple(parts)}


def _expand(piece: Piece, depth: int) -> dict[str, object]:
    if depth >= DEEPEST:
        raise piece.fault(f"$expand may be nested {DEEPEST} deep")
    return {"expand": merged(expansion for part in piece.split(",") for expansion in [_expansion(part, depth)])}


def _expansion(part: Piece, depth: int) -> Expansion:
    match = EXPANSION.fullmatch(part.text)
    if match is None:
        raise part.fault(f"{part.text!r} must be a navigation property, then perhaps options in parentheses")
    inner: list[Piece] = []
    if match["options"] is not None:
        for option in part.part(match.start("options"), match.end("options")).split(";"):
            name, equals, _ = option.text.partition("=")
            if not equals or not name.startswith("$"):
                raise option.fault(f"{option.text!r} must be an option, as $top=1")
            value = option.part(len(name) + 1)
            inner.append(Piece(value.text, name, value.start))
    path = part.part(0, match.end("path")).split("/")
    if depth + len(path) > DEEPEST or not all(step.text for step in path):
        raise part.fault(f"a path of $expand has names between /, at most {DEEPEST}")
    options = _options(inner, depth + len(path))
    for step in reversed(path[1:]):
        options = Options(expand=(Expansion(step, options),))
    return Expansion(path[0], options)


def merged(expansions: Iterable[Expansion]) -> tuple[Expansion, ...]:
    """Expansions with each name once: `Datastreams($top=1),Datastreams/Sensor` is one with both."""
    found: dict[str, Expansion] = {}
    for new in expansions:
        known = found.get(new.name.text)
        if known is None:
            found[new.name.text] = new
            continue
        said = [one for one in (known, new) if replace(one.options, expand=()) != Options()]
        if len(said) > 1:
            raise new.name.fault(f"{new.name.text} may have options once")
        base, other = (new, known) if new in said else (known, new)
        both = merged((*base.options.expand, *other.options.expand))
        found[new.name.text] = Expansion(known.name, replace(base.options, expand=both))
    return tuple(found.values())


def _format(piece: Piece, depth: int) -> dict[str, object]:
    if depth:
        raise piece.fault("it goes with the whole request")
    if piece.text not in FORMATS:
        raise piece.fault(f"{piece.text!r} must be one of {', '.join(FORMATS)}")
    return {"format": piece}


def _as_of(piece: Piece, depth: int) -> dict[str, object]:
    if depth:
        raise piece.fault("it goes with the whole request")
    try:
        parse_time(piece.text)
    except ValueError as error:
        raise piece.fault(f"{piece.text!r}: {error}") from None
    return {"as_of": piece}


def _apply(piece: Piece, depth: int) -> dict[str, object]:
    if depth:
        raise piece.fault("it goes with the whole request")
    return {"apply": piece}


def keys_of(token: str) -> tuple[str | None, ...]:
    """The keys in a $skiptoken: numbers and times between commas, or JSON in hexadecimal. ValueError: it is neither."""
    if PLAIN_TOKEN.fullmatch(token):
        return tuple(key.translate(PLAIN_SIGNS) or None for key in token.split(","))
    return tuple(msgspec.json.decode(bytes.fromhex(token), type=list[str | None]))


def _token(piece: Piece, _: int) -> dict[str, object]:
    try:
        return {"token": keys_of(piece.text)}
    except ValueError:
        raise piece.fault("it must be taken from an @iot.nextLink as it is") from None


READERS = {
    "$filter": _filter,
    "$orderby": _orderby,
    "$select": _select,
    "$expand": _expand,
    "$top": lambda piece, depth: {"top": min(piece.number(), MOST_TOP if depth else MOST_FLAT)},
    "$skip": lambda piece, _: {"skip": piece.number()},
    "$count": lambda piece, _: {"is_counted": piece.truth()},
    "$skiptoken": _token,
    "$resultFormat": _format,
    "$asOf": _as_of,
    "$apply": _apply,
}
