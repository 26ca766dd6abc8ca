"""Milliseconds of a board for a leader with 1 million rows in one register behind it: the page (panels that were
slow come after it), all panels while their answers are kept, and kinds of panels asked afresh, beside a bare
`SELECT count(*)` over the same rows in the same run. Medians of 30; of what is asked afresh, of 5."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg

from bench import stacks
from bench.figures import Figure
from bench.pages import demo_password, settle
from bench.stacks import Homes
from bench.web import Visitor

ROWS = 1_000_000
AIM = 200.0
BOARD = "/boards/innovation.enterprises/"
AFRESH = 5
PANELS = {"all": "count", "towns": "sum by town", "industries": "count by two columns"}
FILL = """
WITH source AS MATERIALIZED (
  SELECT *, row_number() OVER (ORDER BY id) - 1 AS number, count(*) OVER () AS many
  FROM records_record WHERE register = 'innovation.enterprise'
), town AS MATERIALIZED (
  SELECT id, row_number() OVER (ORDER BY code) - 1 AS number, count(*) OVER () AS many
  FROM kernel_area WHERE level = 'town'
)
INSERT INTO records_record (county_id, register, key, data, title, sort_key, organisation_id, area_id, state, source,
  is_simulated, created, updated, version)
SELECT source.county_id, register, 'B' || n, data - 'certificate', title, sort_key, organisation_id, town.id, state,
  'demo', TRUE, now(), now(), 1
FROM generate_series(1, %s) n
JOIN source ON source.number = n %% source.many JOIN town ON town.number = n %% town.many
"""
BARE = """SELECT count(*) FROM records_record WHERE county_id = '500240' AND register = 'innovation.enterprise'
AND state <> 'withdrawn'"""


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack(has_demo=True) as stack:
        settle(stack)
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            database.execute("SET session_replication_role = replica")  # history is not what is measured
            database.execute(FILL, (ROWS,))
            database.execute("VACUUM ANALYZE records_record")
            bare = statistics.median(_timed(lambda: database.execute(BARE).fetchone()) for _ in range(AFRESH))
        visitor = Visitor(stack.port)
        visitor.log_in("leader", demo_password(stack))
        visitor.ask(f"{BOARD}panels")  # every panel once, as on a board that is looked at
        page = visitor.median(BOARD)
        yield Figure("boards", "page, 1 M rows behind it", page, "ms", "aim", AIM)
        yield Figure("boards", "page, 1 M rows behind it", page, "ms", "bare count", bare)
        kept = visitor.median(f"{BOARD}panels")
        yield Figure("boards", "all panels, answers kept", kept, "ms", "aim", AIM)
        command = [sys.executable, "-m", "bench.boards"]
        environment = stack.environment | {"DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
        told = subprocess.run(command, env=environment, cwd=stacks.ROOT, check=True, capture_output=True, text=True)
        for panel, took in json.loads(told.stdout).items():
            yield Figure("boards", f"{PANELS[panel]}, asked afresh", took, "ms", "bare count", bare)


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def asked_afresh() -> dict[str, float]:
    """In the stack's environment: panel → median milliseconds of its answer, asked anew each time, for the leader."""
    import django  # noqa: PLC0415  # settings are read from the environment of the stack

    django.setup()
    from shizhu.engines.boards import api  # noqa: PLC0415  # apps must be loaded first
    from shizhu.engines.boards.panels import ask  # noqa: PLC0415
    from shizhu.kernel import access  # noqa: PLC0415
    from shizhu.kernel.models import Person  # noqa: PLC0415

    who = access.actor(Person.objects.get(username="leader"))
    board = api.board(BOARD.split("/")[2], "500240")
    taken = {}
    for key in PANELS:
        panel = board.panel(key)
        times = [_timed(lambda panel=panel: ask(panel, who, "500240", datetime.now(UTC))) for _ in range(AFRESH)]
        taken[key] = statistics.median(times)
    return taken


if __name__ == "__main__":
    print(json.dumps(asked_afresh()))
