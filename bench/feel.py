"""FEEL evaluations a second through `shizhu.lib.feel`, one after another: the whole way with its context and its parse,
beside a bare `eval` of the same V8 (MiniRacer) in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from py_mini_racer import MiniRacer

from bench.figures import Figure
from bench.stacks import Homes
from shizhu.lib import feel

EXPRESSIONS = {
    "trivial": ("1 + 1", {}, 2),
    "indicator": ("100 * closed / due", {"closed": 7, "due": 8}, 87.5),
    "in Chinese": ("if 溶解氧 < 5 and count(超标[item > 1]) > 1 then 黄 else 无",
                   {"溶解氧": 4.2, "超标": [0.5, 1.5, 2], "黄": "黄色", "无": "无"}, "黄色"),
}  # fmt: skip


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:  # one V8 in a process
        bare = other.submit(raw, seconds / 3).result()
    for name, (expression, context, expected) in EXPRESSIONS.items():
        if feel.evaluate(expression, context) != expected:
            raise RuntimeError(f"{expression} is not {expected}")
        found = rate(lambda e=expression, c=context: feel.evaluate(e, c), seconds / 3)
        yield Figure("feel", name, found, "evaluations/s", "bare eval of 1 + 1", bare)


def raw(seconds: float) -> float:
    with MiniRacer() as racer:
        return rate(lambda: racer.eval("1 + 1"), seconds)


def rate(call: Callable[[], object], seconds: float) -> float:
    call()
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        call()
        done += 1
    return done / took
