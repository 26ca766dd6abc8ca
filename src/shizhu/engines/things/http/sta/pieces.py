"""Pieces of a query option that know where they stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from shizhu.engines.things.http.sta.errors import Refused, bad


@dataclass(frozen=True)
class Piece:
    """Text that begins at `start` of the option `option` (as `$filter`)."""

    text: str
    option: str
    start: int = 0

    def fault(self, rule: str, at: int = 0) -> Refused:
        """400 that points `at` characters into the piece."""
        return bad(f"{self.option}: {rule}", self.start + at)

    def part(self, begin: int, end: int | None = None) -> Piece:
        """A part, without the blanks around it."""
        text = self.text[begin:end]
        blanks = len(text) - len(text.lstrip())
        return Piece(text.strip(), self.option, self.start + begin + blanks)

    def split(self, separator: str) -> list[Piece]:
        """Parts between separators that stand outside parentheses and quotes."""
        cuts = [-1, *self._outside(separator), len(self.text)]
        return [self.part(left + 1, right) for left, right in pairwise(cuts)]

    def _outside(self, separator: str) -> list[int]:
        depth, is_quoted, found = 0, False, []
        for at, letter in enumerate(self.text):
            if letter == "'":
                is_quoted = not is_quoted
            elif is_quoted:
                continue
            elif letter in "()":
                depth += 1 if letter == "(" else -1
                if depth < 0:
                    raise self.fault("this ) closes nothing", at)
            elif letter == separator and depth == 0:
                found.append(at)
        if is_quoted or depth:
            raise self.fault("a ' is not closed" if is_quoted else "a ( is not closed", len(self.text))
        return found

    def number(self, least: int = 0) -> int:
        """A whole number."""
        if not (self.text.isascii() and self.text.isdigit() and len(self.text) < 10 and int(self.text) >= least):
            raise self.fault(f"{self.text!r} must be a whole number of {least} or more")
        return int(self.text)

    def truth(self) -> bool:
        """true or false."""
        if self.text not in {"true", "false"}:
            raise self.fault(f"{self.text!r} must be true or false")
        return self.text == "true"
