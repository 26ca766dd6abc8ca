"""Seconds to compute 200 formulas of 2 inputs for 33 towns in each of 5 years (33,000 values) over 5,000 records,
beside the bare `SELECT area, count(*) … GROUP BY area` for the same 2,000 inputs in the same run, and an aim."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from bench import stacks
from bench.boards import FILL
from bench.figures import Figure
from bench.pages import settle
from bench.stacks import Homes

ROWS, FORMULAS, YEARS = 5_000, 200, 5
AIM = 5.0
COUNTY = "500240"


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack(has_demo=True) as stack:
        settle(stack)
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            database.execute("SET session_replication_role = replica")  # history is not what is measured
            database.execute("DELETE FROM records_record WHERE key LIKE 'B%'")
            database.execute(FILL, (ROWS,))
            database.execute("VACUUM ANALYZE records_record")
        command = [sys.executable, "-m", "bench.plan"]
        environment = stack.environment | {"DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
        done = subprocess.run(command, env=environment, cwd=stacks.ROOT, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        for name in ("33,000 values of towns", "200 values of the county"):
            yield Figure("plan", name, told[name], "s", "aim", AIM)
            yield Figure("plan", name, told[name], "s", f"bare count, {name}", told[f"bare, {name}"])


def formula(number: int) -> dict[str, Any]:
    """The share of enterprises of a size among those with a growing number of staff; each formula another."""
    grown = f"employees >= {number}"
    return {
        "formula": f"if whole < {number + 1} then null else round half up(100 * high / whole, 2)",
        "inputs": {
            "high": {"count": "records", "of": "innovation.enterprise",
                      "where": f"{grown} AND kind = 'high_tech' AND recognised <= {{end}}"},
            "whole": {"count": "records", "of": "innovation.enterprise", "where": f"{grown} AND recognised <= {{end}}"},
        },
    }  # fmt: skip


def computed() -> dict[str, float]:
    """In the stack's environment: what was computed → seconds, beside the bare counts."""
    import django  # noqa: PLC0415  # settings are read from the environment of the stack

    django.setup()
    from shizhu.engines.plan.computing import by_part  # noqa: PLC0415  # apps must be loaded first
    from shizhu.engines.plan.periods import named  # noqa: PLC0415
    from shizhu.kernel.models import Area  # noqa: PLC0415

    towns = {
        town.code: [town.code, *Area.objects.filter(path__startswith=town.path).values_list("code", flat=True)]
        for town in Area.objects.filter(county=COUNTY, level="town")
    }
    formulas = [formula(number) for number in range(FORMULAS)]
    periods = [str(2022 + number) for number in range(YEARS)]

    def compute(years: list[str], parts: dict[str, list[str]]) -> None:
        by_part([(one, named(year)) for year in years for one in formulas], COUNTY, "area", parts)

    return {
        "33,000 values of towns": _timed(lambda: compute(periods, towns)),
        "bare, 33,000 values of towns": _timed(lambda: _bare(formulas, periods, "GROUP BY area_id")),
        "200 values of the county": _timed(lambda: compute(periods[:1], {"": _all(towns)})),
        "bare, 200 values of the county": _timed(lambda: _bare(formulas, periods[:1], "")),
    }


def _all(towns: dict[str, list[str]]) -> list[str]:
    return [code for codes in towns.values() for code in codes]


def _bare(formulas: list[dict[str, Any]], periods: list[str], grouped: str) -> None:
    from django.db import connection  # noqa: PLC0415

    some = "area_id, " if grouped else ""
    with connection.cursor() as cursor:
        for period in periods:
            for number in range(len(formulas)):
                for more in ("AND data->>'kind' = 'high_tech'", ""):
                    cursor.execute(
                        f"SELECT {some}count(*) FROM records_record WHERE county_id = %s AND register = %s "
                        f"AND state <> 'withdrawn' AND (data->>'employees')::numeric >= %s {more} "
                        f"AND data->>'recognised' <= %s {grouped}",
                        [COUNTY, "innovation.enterprise", number, f"{period}-12-31"],
                    )
                    cursor.fetchall()


def _timed(do: Any) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(computed()))
