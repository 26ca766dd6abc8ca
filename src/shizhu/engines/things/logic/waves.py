"""Waves of a rollout: how devices are divided, and when the next wave begins. Pure.

As Eclipse hawkBit does with its groups: a share that must succeed before the next one begins, and a share of failures
that stops everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

PART = re.compile(r"([1-9][0-9]{0,4})(%?)")
REST = {"rest", "其余"}
MOST_WAVES = 20


@dataclass(frozen=True)
class Wave:
    """How many devices it has, and how many of them have succeeded and failed."""

    size: int
    done: int = 0
    failed: int = 0


class Move(Enum):
    """What is to be done with a rollout."""

    BEGIN = "begin"  # the next wave
    WAIT = "wait"
    FINISH = "finish"
    FAILED = "failed"  # too many failed: stop
    UNCONFIRMED = "unconfirmed"  # enough cannot succeed any more: stop


def sizes(text: str, total: int) -> list[int]:
    """Sizes of waves as people write them: `1, 10%, rest` of 50 devices is 1, 5, 44. Shares are of all, rounded up.

    What is left over is a last wave. Raises ValueError naming the part and the rule.
    """
    found, left = list[int](), total
    for part in filter(None, (one.strip() for one in re.split("[,，、;；]", text))):
        known = PART.fullmatch(part)
        if part in REST:
            size = left
        elif known is None or (known[2] and int(known[1]) > 100):
            raise ValueError(f"waves: {part!r}: is a number of devices, a share such as 10%, or rest")
        else:
            size = -(-total * int(known[1]) // 100) if known[2] else int(known[1])
        size = min(size, left)
        left -= size
        found += [size] if size else []
    found += [left] if left else []
    if len(found) > MOST_WAVES:
        raise ValueError(f"waves: {len(found)}: at most {MOST_WAVES}")
    return found


def move(waves: Sequence[Wave], begun: int, *, confirm: int, most_failed: int) -> Move:
    """What to do while `begun` of the waves are on their way."""
    going = waves[:begun]
    if any(wave.failed * 100 > most_failed * wave.size for wave in going):
        return Move.FAILED
    if any((wave.size - wave.failed) * 100 < confirm * wave.size for wave in going):
        return Move.UNCONFIRMED
    if begun < len(waves):
        is_confirmed = not going or going[-1].done * 100 >= confirm * going[-1].size
        return Move.BEGIN if is_confirmed else Move.WAIT
    return Move.FINISH if all(wave.done + wave.failed == wave.size for wave in going) else Move.WAIT
