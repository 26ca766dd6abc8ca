"""`shizhu status`: what runs, with versions, lag and memory."""

from __future__ import annotations

import argparse
import json
import re
import ssl
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

import psutil

from shizhu.site.config import Config, Trouble

SILENT_AFTER = timedelta(seconds=20)
TAGS = re.compile(r"<(style|script|svg)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
SHOWN = 160  # characters of an answer that is no report


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def health(address: str) -> dict[str, Any]:
    """What /healthz says; state `down` if nothing answers, `degraded` if what answers says something else."""
    try:
        status, media, body = _asked(f"{address}/healthz")
    except (OSError, HTTPException) as error:
        return {"state": "down", "reason": str(error).strip() or type(error).__name__, "parts": {}}
    try:
        told: dict[str, Any] = json.loads(body)
        return {"state": told["state"], "parts": told["parts"], **told}
    except (ValueError, TypeError, KeyError):
        words = " ".join(TAGS.sub(" ", body.decode(errors="replace")).split())
        said = f": {words[:SHOWN]}" if words else ", and nothing more"
        reason = f"/healthz answers {status}, {media or 'no Content-Type'}, where JSON is expected{said}"
        return {"state": "degraded", "reason": reason, "parts": {}}


def _asked(address: str) -> tuple[int, str, bytes]:
    """Status, Content-Type and body of an answer, be it an error or not."""
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE  # our own server, on this machine
    try:
        with urllib.request.urlopen(address, timeout=5, context=unverified) as answer:  # noqa: S310  # http(s)
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", ""), error.read()


def of_edge(config: Config) -> dict[str, Any]:
    """How an edge is: whether it has reached its county lately."""
    file = config.home / "run/county"
    reached = datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.exists() else None
    is_reached = reached is not None and datetime.now(UTC) - reached < SILENT_AFTER
    since = {"reached": reached.isoformat(timespec="seconds")} if reached else {}
    return {
        "state": "ok" if is_reached else "degraded",
        "parts": {"county": {"state": "ok" if is_reached else "away", **since}},
    }


def memory(pid: int) -> int:
    """Bytes a process and its children use (PSS: shared pages counted once)."""
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(int(process.memory_full_info().pss) for process in tree)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def main(options: argparse.Namespace) -> int:
    """Print the state; exit 0 if all is well, 1 if degraded."""
    config = Config.from_environment()
    state = config.running()
    if not state:
        raise Trouble(f"nothing runs at SHIZHU_HOME={config.home}: start it with `make up` or `shizhu up`")
    told = of_edge(config) if state["edge"] else health(state["address"])
    told["address"] = f"edge {state['edge']}" if state["edge"] else state["address"]
    told["processes"] = {
        name: {"pid": child["pid"], "restarts": child["restarts"], "memory_mb": round(memory(child["pid"]) / 1e6, 1)}
        for name, child in state["children"].items()
    }
    told["memory_mb"] = round(memory(state["pid"]) / 1e6, 1)
    if options.json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        print_report(told)
    return 0 if told["state"] == "ok" else 1


def print_report(told: dict[str, Any]) -> None:
    """The state for a reader."""
    print(f"{told['state']}   {told['address']}   {told['memory_mb']} MB in all")
    if "reason" in told:
        print(f"  {told['reason']}")
    for name, process in told["processes"].items():
        print(f"  {name:<9} pid {process['pid']:<8} {process['memory_mb']:>7} MB   restarts {process['restarts']}")
    for name, part in told["parts"].items():
        rest = " ".join(f"{key}={value}" for key, value in part.items() if key != "state")
        print(f"  {name:<9} {part['state']:<8} {rest}")
