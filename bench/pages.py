"""Milliseconds until the whole page is here, for a county leader of the demo county, one request after another, median
of 30. Beside the aim of 200 ms, the login page (the same server and framework, hardly any data) and a static file (the
server alone)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.stack.stack import Stack

from bench import stacks
from bench.figures import Figure
from bench.stacks import Homes
from bench.web import Visitor

AIM = 200.0
PAGES = {
    "home": "/", "map": "/map/", "plan": "/plan/", "plan tasks": "/plan/tasks/", "alarms": "/alarms/",
    "cases": "/cases/", "stations": "/things/", "boards": "/boards/", "rules": "/alarms/rules/",
    "plan review": "/plan/review/", "registers": "/records/", "records": "/records/rivers.reach/",
    "notices": "/notices/",
    "account": "/account", "help": "/help", "design": "/design",
}  # fmt: skip
DETAILS = {  # the first of its list
    "alarm": ("/alarms/?state=all", r"/alarms/\d+/"), "case": ("/cases/?status=all", r"/cases/\d+/"),
    "station": ("/things/", r"/things/\d+/"), "indicator": ("/plan/", r"/plan/indicators/\d+/"),
    "record": ("/records/rivers.reach/", r"/records/rivers\.reach/\d+/"),
    "board": ("/boards/", r"/boards/(?!reports)\w[\w.]*/"),
}  # fmt: skip


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack(has_demo=True) as stack:
        settle(stack)
        visitor = Visitor(stack.port)
        login = visitor.median("/login")
        _, page = visitor.ask("/login")
        static = visitor.median(re.search(r'"(/static/[^"]+\.css)"', page)[1])
        visitor.log_in("leader", demo_password(stack))
        for name, path in (PAGES | details(visitor)).items():
            took = visitor.median(path)
            yield Figure("pages", name, took, "ms", "aim", AIM)
            yield Figure("pages", name, took, "ms", "login page", login)
        yield Figure("pages", "login page", login, "ms", "static file", static)


def details(visitor: Visitor) -> dict[str, str]:
    """The page of one thing of each kind."""
    found = {name: re.search(f'"({link})"', visitor.ask(place)[1]) for name, (place, link) in DETAILS.items()}
    return {name: match[1] for name, match in found.items() if match}


def demo_password(stack: Stack) -> str:
    return str(json.loads((stack.home / "secrets.json").read_text())["demo"])


def settle(stack: Stack) -> None:
    """Until the demo has told its past: then it sends every ten seconds only."""
    stacks.wait("the demo's past", lambda: _recent(stack))


def _recent(stack: Stack) -> bool:
    query = "SELECT bool_and(phenomenon_time > now() - interval '1 minute') FROM things_latest"
    return stack.query(query) == [(True,)]
