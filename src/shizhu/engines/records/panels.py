"""What higher engines know of a record: each may put a panel on its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shizhu.engines.records.contracts import Entry
from shizhu.web.middleware import Request


@dataclass(frozen=True)
class Panel:
    """A part of a record's page: a template of the engine and what it shows."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


Maker = Callable[[Request, Entry], Panel | None]
_makers: list[Maker] = []


def add(maker: Maker) -> None:
    """Put panels on records' pages; `maker` gives None where it has nothing to say. Call it from `AppConfig.ready`."""
    _makers.append(maker)


def panels(request: Request, entry: Entry) -> list[Panel]:
    """All panels of a record for whoever asks."""
    return [panel for make in _makers if (panel := make(request, entry))]
