"""Issued evaluations: scheme, data and result frozen with a hash, and a package to compute them again elsewhere."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

from shizhu.engines.plan.indexes import Index
from shizhu.engines.plan.logic.evaluation import GROWTH, evaluate, ranked_apart
from shizhu.engines.plan.logic.index import judgements
from shizhu.engines.plan.models import Evaluation, Measure
from shizhu.kernel.models import Person
from shizhu.kernel.text import label
from shizhu.lib import personal

TIME = (1980, 1, 1, 0, 0, 0)  # of every file in the package: the same evaluation is the same file, byte by byte
HEAD = ("subject", "name", "item", "title", "unit", "year", "value", "source", "known_at", "simulated")
WORDS = ("peers", "title", "source", "groups", "items", "subjects")  # of what is frozen; the rest are codes and numbers
NOT_ENOUGH = "no subject has enough values for a rank"


class NothingToIssue(ValueError):
    """No subject can be ranked yet."""


class Changed(ValueError):
    """Data or scheme are not those that were looked at."""


def issue(index: Index, year: int, *, by: Person, note: str = "", seen: str = "") -> Evaluation:
    """Freeze a year of an index as known now; `seen` is the hash of what was looked at.

    Raises NothingToIssue, Changed.
    """
    frozen = freeze(index, year)
    if seen and digest(frozen) != seen:
        raise Changed(seen)
    if not any(row["rank"] for row in frozen["result"]["rows"]):
        raise NothingToIssue(NOT_ENOUGH)
    return Evaluation.objects.create(
        county_id=index.county, index=index.key, title=label(frozen["title"])[:200], year=year, frozen=frozen,
        digest=digest(frozen), note=note[:500], issued_by=by,
        is_simulated=any(row["simulated"] for row in frozen["data"]),
    )  # fmt: skip


def freeze(index: Index, year: int) -> dict[str, Any]:
    """Everything a result is made of: {index, year, scheme, items, subjects, data, result, method}.

    `compare` are the judgements behind weights by AHP and how consistent they are, `method` is the text of the module
    that computes. Whoever reported and their notes are not in it, and numbers by which a person is known are masked.
    """
    measures = index.measures(year)
    based = index.measures(index.body["base_year"]) if index.scheme.normalise == GROWTH else []
    result = evaluate(index.scheme, index.values(measures), index.values(based) if based else None)
    peers = {
        "titles": {key: group["title"] for key, group in index.body.get("peers", {}).items()},
        "of": dict(index.peers), "ranks": ranked_apart(result.rows, index.peers),
    }  # fmt: skip
    told = {
        **({"peers": peers} if index.peers else {}),
        "index": index.key,
        "title": index.body["title"],
        "source": index.body["source"],
        "year": year,
        "base_year": index.body.get("base_year"),
        "scheme": index.scheme.as_json(),
        "weighing": index.body.get("weights", "given"),
        "compare": judgements(index.body),
        "groups": {
            key: {"title": group["title"], "items": list(group["items"])} for key, group in index.body["groups"].items()
        },
        "items": {key: {"title": item["title"], "unit": item["unit"]} for key, item in index.items.items()},
        "subjects": {subject.code: subject.name for subject in index.subjects},
        "data": [_measure(row) for row in dict.fromkeys([*based, *measures]) if row.value is not None],
        "result": json.loads(json.dumps({"rows": [asdict(row) for row in result.rows], "weights": result.weights})),
    }
    words = {key: personal.masked_in(told[key]) for key in WORDS if key in told}
    return {**told, **words, "method": _method()}


def _method() -> str:
    return resources.files("shizhu.engines.plan.logic").joinpath("evaluation.py").read_text("utf-8")


def digest(frozen: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(frozen)).hexdigest()


def package(evaluation: Evaluation) -> bytes:
    """A zip: evaluation.json, data.csv, the method as Python that needs nothing else, rerun.py, and what to do.

    Whoever has Python 3.11 runs `python3 rerun.py` and reads whether result and hash come out the same.
    """
    frozen = evaluation.frozen
    told = resources.files("shizhu.engines.plan").joinpath("package")
    files = {
        "evaluation.json": canonical(frozen).decode(),
        "data.csv": _table(frozen),
        "evaluation.py": frozen.get("method") or _method(),  # what was issued before it was frozen too has today's
        "rerun.py": told.joinpath("rerun.txt").read_text("utf-8"),
        "README.txt": told.joinpath("README.txt").read_text("utf-8").replace("{hash}", evaluation.digest),
        "SHA256": evaluation.digest + "\n",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(zipfile.ZipInfo(name, TIME), text.encode())
    return out.getvalue()


def _measure(row: Measure) -> dict[str, Any]:
    """One value without who reported it and their note, which may name people: an outsider needs no names."""
    return {
        "item": row.item, "subject": row.subject, "year": row.year, "value": row.value, "source": row.source,
        "known_at": row.known_at.isoformat(timespec="seconds"), "simulated": row.is_simulated,
    }  # fmt: skip


def canonical(frozen: Mapping[str, Any]) -> bytes:
    """JSON with its keys in order and nothing between them, UTF-8."""
    return json.dumps(frozen, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _table(frozen: Mapping[str, Any]) -> str:
    out = io.StringIO()
    out.write("\ufeff")  # Excel reads UTF-8 by this
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for row in frozen["data"]:
        item = frozen["items"][row["item"]]
        writer.writerow(
            [
                row["subject"], frozen["subjects"].get(row["subject"], ""), row["item"], item["title"]["zh"],
                item["unit"], row["year"], row["value"], row["source"], row["known_at"], row["simulated"],
            ]
        )  # fmt: skip
    return out.getvalue()
