"""What a rule says of readings, reckoned anew at every half minute from all that is known: slow, plain, and not ours.

Nothing is taken from the engine. A tick is half a minute: a whole minute and the moments after it. Readings come at
whole minutes, durations are whole minutes. `when` is a tree of tests: a test has `of` (which property), a join `all`,
`any` or `of` with `at_least`; each may have `for`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

YES, NO = True, False  # None: nothing is known
ORDER = ("blue", "yellow", "orange", "red")
JOINS = ("all", "any", "of")


@dataclass
class Part:
    """What a part of a level remembers: whether it stands, since when it is true or false; of a test its last truth."""

    stands: bool = False
    true_since: int | None = None
    false_since: int | None = None
    truth: bool | None = None
    same_since: int = 0
    same: float = 0.0


@dataclass
class Oracle:
    """A rule over the sources `of` (property of each), begun at minute 0; `open_at` says when its calendar judges."""

    rule: dict[str, Any]
    of: list[str]
    open_at: Any = None
    parts: dict[Any, Part] = field(default_factory=dict)

    def told(self, readings: dict[tuple[int, int], float], end: int) -> list[tuple[float, str | None]]:
        """(minute, level or None) of every change until a minute; half a minute is a moment after it, when a value gets
        too old. `readings` by (minute, source)."""
        self.parts, found, level = {}, [], None
        self.all = sorted((at, n, value) for (at, n), value in readings.items())
        at_minute: dict[int, set[int]] = {}
        for at, n, _value in self.all:
            at_minute.setdefault(at, set()).add(n)
        for tick in range(2 * end + 1):
            self.now, self.come = tick / 2, at_minute.get(tick // 2, set()) if tick % 2 == 0 else set()
            stands = [name for name, when in self.levels() if self.stands(name, when)]
            new = max(stands, key=ORDER.index, default=None)
            if new != level:
                found.append((self.now, new))
                level = new
        return found

    def levels(self) -> list[tuple[str, dict[str, Any]]]:
        own = {"level": self.rule["level"], **self.rule["when"]}
        named = [own, *({**own, **step} for step in self.rule.get("levels", []))]
        return [(one["level"], one) for one in named]

    def stands(self, name: str, when: dict[str, Any]) -> bool:
        clear = self.rule.get("clear", {})
        truth = self.bare((name,), when)
        if self.open_at is not None and not self.open_at(self.now):
            truth = NO
        return self.lasted((name, "root"), when, truth, when.get("for", 0), clear.get("for", 0)) is YES

    def clocked(self, when: dict[str, Any]) -> bool:
        is_timed = "holds" in when or any("missing" in one for one in self.tests(when))
        return len(self.of) > 1 or "zone" in when or is_timed

    def tests(self, when: dict[str, Any]) -> list[dict[str, Any]]:
        join = next((name for name in JOINS if name in when), None)
        return [one for part in when[join] for one in self.tests(part)] if join else [when]

    def lasted(self, key: Any, when: dict[str, Any], truth: bool | None, least: int, clear: int) -> bool | None:
        """Stands once true for so long, until false for so long; nothing known starts both counts anew."""
        part = self.parts.setdefault(key, Part())
        may = bool(self.come) or self.clocked(when)
        if truth is None:
            part.true_since = part.false_since = None
        elif truth:
            part.true_since = self.now if part.true_since is None else part.true_since
            part.false_since = None
            if may and self.now - part.true_since >= least:
                part.stands = True
        else:
            part.true_since = None
            if part.stands:
                part.false_since = self.now if part.false_since is None else part.false_since
                if may and self.now - part.false_since >= clear:
                    part.stands = False
                    part.false_since = None
        return YES if part.stands else None if truth is None else NO

    def value(self, key: Any, when: dict[str, Any]) -> bool | None:
        truth = self.bare(key, when)
        return self.lasted((*key, "for"), when, truth, when["for"], 0) if "for" in when else truth

    def bare(self, key: Any, when: dict[str, Any]) -> bool | None:
        join = next((name for name in JOINS if name in when), None)
        if join is None:
            return self.test(key, when)
        found = [self.value((*key, n), part) for n, part in enumerate(when[join])]
        least = {"all": len(found), "any": 1, "of": when.get("at_least", 1)}[join]
        if found.count(YES) >= least:
            return YES
        return None if len(found) - found.count(NO) >= least else NO

    def test(self, key: Any, when: dict[str, Any]) -> bool | None:
        mine = [n for n, name in enumerate(self.of) if name == when["of_"]]
        if "zone" in when and when.get("take") in {"sum", "mean", "least", "most", "count"} and "during" not in when:
            return self.judged((*key, "zone"), when, mine)
        found = [self.judged((*key, n), when, [n]) for n in mine]
        if "zone" not in when:
            return found[0]
        if found.count(YES) >= when.get("at_least", 1):
            return YES
        return NO if YES in found or NO in found else None

    def last(self, n: int) -> tuple[int, float] | None:
        return max(((at, value) for at, m, value in self.all if m == n and at <= self.now), default=None)

    def judged(self, key: Any, when: dict[str, Any], mine: list[int]) -> bool | None:
        part = self.parts.setdefault((*key, "test"), Part())
        newest = self.last(mine[0])
        if "missing" in when:
            return self.now - (newest[0] if newest else 0) >= when["missing"]
        gap = when.get("holds", when.get("gap", max(60, when.get("for", 0) // 2, when.get("stuck", 0) // 2)))
        fresh = [one for one in map(self.last, mine) if one and self.now - one[0] <= gap]
        if (not fresh and when.get("take") != "count") or ("zone" not in key and not fresh):
            part.truth = None
            return None
        if not self.come.intersection(mine) and "zone" not in key:
            return part.truth
        value = self.taken(when, mine, [one[1] for one in fresh])
        silent = sum(self.last(n) is None for n in mine) if "zone" in key and when.get("take") == "count" else 0
        if value is None or len({self.broken(when, value + more, part.truth is YES) for more in (0, silent)}) > 1:
            part.truth = None
        elif "stuck" in when:
            if part.truth is None or abs(value - part.same) > when.get("tolerance", 0):
                part.same_since, part.same = self.now, value
            part.truth = self.now - part.same_since >= when["stuck"]
        else:
            part.truth = self.broken(when, value, part.truth is YES)
        return part.truth

    def broken(self, when: dict[str, Any], value: float, was: bool) -> bool:
        """Beyond a limit, and then until it is well inside again."""
        off = {**self.rule.get("clear", {}), **when}.get("margin", 0) if was else 0
        if "inside" in when:
            low, high = when["inside"]
            return low - off <= value <= high + off
        return ("above" in when and value > when["above"] - off) or ("below" in when and value < when["below"] + off)

    def taken(self, when: dict[str, Any], mine: list[int], fresh: list[float]) -> float | None:
        take = when.get("take")
        if not take:
            return fresh[0]
        if "during" in when or take == "rate":
            during = when.get("during", 0)
            past = [(at, value) for at, n, value in self.all if n == mine[0] and at <= self.now]
            past = [one for one in past if one[0] > self.now - during] if during else past[-2:]
            if take in {"change", "rate"}:
                if len(past) < 2:
                    return None
                change = past[-1][1] - past[0][1]
                return change if take == "change" else change * 60 / (past[-1][0] - past[0][0])
            fresh = [value for _at, value in past]
        if take == "count":
            return float(len(fresh))
        made = {"sum": sum, "mean": lambda found: sum(found) / len(found), "least": min, "most": max}[take]
        return made(fresh) if fresh else None
