"""What a record is found by: single characters and pairs of Chinese text, words, codes, pinyin.

Written as PostgreSQL's tsvector and tsquery texts (`'a' 'b'`, `'a' & 'b':*`); no dictionary is needed for Chinese.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from shizhu.engines.records.logic.register import Body, Field, Kind, Register

CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(rf"([{CHINESE}]+)|([^\W_{CHINESE}]+)")
LONGEST = 2000  # characters of a text that are read
WORD = 40  # characters of a word or of pinyin
SYLLABLES = 24  # of a title, whose every end can be typed in pinyin
MOST = 30  # parts of what somebody looks for


def plain(text: str) -> str:
    """Narrow letters and digits, small."""
    return unicodedata.normalize("NFKC", text).casefold()


def of_text(text: str) -> Iterator[str]:
    """The lexemes of a text."""
    for chinese, word in RUN.findall(plain(text)[:LONGEST]):
        if chinese:
            yield from chinese
            yield from _pairs(chinese)
        else:
            yield word[:WORD]


def _pairs(text: str) -> Iterator[str]:
    return (text[n : n + 2] for n in range(len(text) - 1))


def of_title(syllables: Sequence[str]) -> Iterator[str]:
    """Pinyin of a title from each of its syllables on, whole and by first letters: shizhuxian, zhuxian, szx."""
    kept = [one for one in (re.sub(r"\W", "", plain(part)) for part in syllables) if one][:SYLLABLES]
    for n in range(len(kept)):
        yield "".join(kept[n:])[:WORD]
        yield "".join(one[0] for one in kept[n:])[:WORD]


def of_row(register: Register, data: Body) -> Iterator[str]:
    """The lexemes of a row's public texts and names of choices; private fields are never among them."""
    return _of_fields(register.fields, data)


def _of_fields(fields: Mapping[str, Field], data: Body) -> Iterator[str]:
    for name, value in data.items():
        item = fields.get(name)
        if item is None or item.privacy:
            continue
        for one in value if isinstance(value, list) else [value]:
            if item.fields and isinstance(one, Mapping):
                yield from _of_fields(item.parts, one)
            elif str(one) in item.choices:
                for title in set(item.choices[str(one)].values()):
                    yield from of_text(title)
            elif isinstance(one, str) and item.kind in {Kind.TEXT, Kind.LIST}:
                yield from of_text(one)


def places(register: str, path: str) -> Iterator[str]:
    """Where a row is, as lexemes that no text has: they let the index narrow a search."""
    yield of_register(register)
    yield from (of_area(code) for code in path.strip("/").split("/"))


def of_register(key: str) -> str:
    """Rows of a register."""
    return f"@r{key}"


def of_area(code: str) -> str:
    """Rows in an area or below it."""
    return f"@a{code}"


def vector(lexemes: Iterable[str]) -> str:
    """A tsvector."""
    return " ".join(_quoted(one) for one in sorted(set(lexemes)) if one)


def query(text: str) -> str:
    """A tsquery of what somebody looks for: all parts must be there. Nothing for nothing that can be looked for."""
    parts: list[str] = []
    for chinese, word in RUN.findall(plain(text)):
        if chinese:
            parts += [_quoted(part) for part in (_pairs(chinese) if len(chinese) > 1 else chinese)]
        else:
            parts.append(f"{_quoted(word[:WORD])}:*")
    return " & ".join(dict.fromkeys(parts[:MOST]))


def narrowed(query_text: str, *among: Iterable[str]) -> str:
    """The same, with one of each set of lexemes there as well."""
    lists = [list(one_of) for one_of in among]
    sets = [f"({' | '.join(_quoted(one) for one in one_of)})" for one_of in lists if one_of]
    return " & ".join([*([f"({query_text})"] if query_text else []), *sets])


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def words(text: str) -> list[str]:
    """The parts of what somebody looks for as they stand in texts, for marking them."""
    return [chinese or word for chinese, word in RUN.findall(plain(text))][:MOST]
