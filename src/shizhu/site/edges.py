"""Edges (边缘节点): a broker and gateways in a town, which go on without the county and hand on later what they kept.

The county keeps `edges.json`: which edges may connect. A town keeps the file that `shizhu edge add` wrote for it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

KEY = re.compile(r"[a-z][a-z0-9]{0,15}")
RULE = "an edge's name is at most 16 small letters and digits and begins with a letter, because it becomes a subject"


@dataclass(frozen=True)
class Edge:
    """One edge, as the county knows it. Devices outside its area are not its own."""

    key: str
    county: str
    area: str  # code
    link: str  # its password on the county's broker
    login: str  # ours, in the account that holds its streams here
    web: str = ""  # where its devices download firmware from it; empty: they do so from the county

    @property
    def account(self) -> str:
        """Its account on the county's broker, and our user there."""
        return account(self.key)


@dataclass(frozen=True)
class Town:
    """What the town's machine must know: its name and the way to the county's broker."""

    key: str
    area: str
    url: str  # nats-leaf://host:port, or tls://host:port
    password: str
    web: str = ""  # where its devices reach it for firmware; empty: it has none


def account(key: str) -> str:
    """The account of an edge on the county's broker."""
    return f"edge_{key}"


def listed(home: Path) -> dict[str, Edge]:
    """Every edge of this county's broker, by key."""
    file = _file(home)
    return {key: Edge(**told) for key, told in json.loads(file.read_text()).items()} if file.exists() else {}


def new(key: str, county: str, area: str, web: str = "") -> Edge:
    """An edge with passwords of its own."""
    return Edge(key, county, area, secrets.token_urlsafe(24), secrets.token_urlsafe(24), web)


def keep(home: Path, edges: dict[str, Edge]) -> None:
    """Write the list."""
    write(_file(home), {key: asdict(edge) for key, edge in edges.items()})


def told(edge: Edge, url: str) -> dict[str, str]:
    """What the town's file says."""
    return asdict(Town(edge.key, edge.area, url, edge.link, edge.web))


def town(file: Path) -> Town:
    """What a town's file says; ValueError if it is none."""
    try:
        return Town(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{file} is no edge file ({error})") from error


def write(file: Path, body: object) -> None:
    """JSON that its owner alone can read, whole or not at all."""
    part = file.with_name(f"{file.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(body, out, indent=1)
    part.replace(file)


def _file(home: Path) -> Path:
    return home / "edges.json"
