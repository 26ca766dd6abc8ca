"""Damages a text the way converters and typists do: lost empty cells, broken cells, page numbers, single spaces."""

from __future__ import annotations

import random
import re

_LOST_DASH = re.compile(r"^\t(?:—|－|-|)$")
_BREAKABLE = re.compile(r"^\t[一-鿿（）%()]{8,}$")


def damaged(text: str, chance: random.Random, amount: float) -> str:
    """The text with about this share of its lines damaged."""
    lines: list[str] = []
    for line in text.split("\n"):
        if chance.random() >= amount:
            lines.append(line)
            continue
        lines += _hurt(line, chance)
    return "\n".join(lines)


def _hurt(line: str, chance: random.Random) -> list[str]:
    ways = [[line, ""], [line, f"— {chance.randrange(1, 80)} —"], ["", line]]
    if _LOST_DASH.fullmatch(line):
        ways.append([])
    if _BREAKABLE.fullmatch(line):
        middle = chance.randrange(3, len(line) - 2)
        ways += [[line[:middle], line[middle:]]] * 2
    if "   " in line:
        ways.append([re.sub(r" {2,}", "  ", line)])
        ways.append([re.sub(r" {2,}", " ", line)])
    if "\t" in line.strip():
        ways.append([line.replace("\t", " ")])
    if "|" in line[1:-1] and line.count("|") > 3:
        cut = [index for index, sign in enumerate(line) if sign == "|"][line.count("|") // 2]
        ways.append([line[:cut], line[cut:]])
    if "—" in line:
        ways.append([line.replace("—", "－")])
    return chance.choice(ways)
