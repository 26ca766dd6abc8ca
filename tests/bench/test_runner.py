"""The bench runner through its command: what it prints and writes. How fast it was is nobody's expectation here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.figures import Figure

from bench import figures

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_one_bench_prints_its_table_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = bench("feel", "--seconds", "0.2", "--json", file)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["bench", "figure", "unit", "beside", "limit", "ratio"]
    names = ["trivial", "indicator", "in Chinese"]
    assert [line[:19].strip() for line in lines[1:4]] == [f"feel   {name}" for name in names]
    assert lines[4] == ""
    assert lines[5].startswith("feel: FEEL evaluations a second through `shizhu.lib.feel`")
    assert lines[7].startswith(f"{told_cores(file)} cores (")

    told = json.loads(file.read_text())
    assert list(told) == ["machine", "how", "figures"]
    assert list(told["how"]) == ["feel"]
    assert [(f["bench"], f["name"], f["unit"], f["beside"]) for f in told["figures"]] == [
        ("feel", name, "evaluations/s", "bare eval of 1 + 1") for name in names
    ]
    for figure in told["figures"]:
        assert figure["ratio"] == figure["value"] / figure["limit"]
        assert min(figure["value"], figure["limit"]) > 0
    assert sorted(told["machine"]) == ["cores", "cpu", "homes", "load_before", "memory_gb", "system", "versions"]
    assert set(told["machine"]["versions"]) == {"Python", *figures.PACKAGES}


def told_cores(file: Path) -> int:
    return int(json.loads(file.read_text())["machine"]["cores"])


def test_an_unknown_bench_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = bench("feel", "speed", "--json", file)
    assert (done.returncode, done.stdout, file.exists()) == (2, "", False)
    assert done.stderr.splitlines()[-1] == (
        "bench: error: no bench speed: there are mqtt, hj212, live, idle, pages, sta, history, bulk, records, boards, "
        "tiles, map, feel, flows, judge, plan"
    )


def test_a_part_belongs_to_one_bench() -> None:
    refused = [bench(*names, "--only", "lists").stderr.splitlines()[-1] for names in (["feel"], ["feel", "records"])]
    assert refused == [
        "bench: error: --only lists: name one bench; its parts are none",
        "bench: error: --only lists: name one bench; its parts are tables, pairs, lists",
    ]


def test_a_table_is_aligned_also_with_chinese() -> None:
    rows = [
        Figure("mqtt", "committed", 12345.6, "readings/s", "broker alone", 40000.0).row,
        Figure("pages", "首页", 42.04, "ms", "aim", 200.0).row,
    ]
    assert figures.table(rows).splitlines() == [
        "bench  figure             unit        beside         limit  ratio",
        "mqtt   committed  12,346  readings/s  broker alone  40,000   0.31",
        "pages  首页           42  ms          aim              200   0.21",
    ]
