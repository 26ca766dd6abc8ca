"""What the elements of a file refer to, and what was found wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from shizhu.engines.cases.logic.flow import FlowError, Note

Element: TypeAlias = Any
T = TypeVar("T")


@dataclass
class Book:
    """What elements of a file refer to by id, and what was found wrong."""

    named: dict[str, Element]
    lanes: dict[str, Element] = field(default_factory=dict)  # by the id of a node that lies in it
    faults: list[FlowError] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    clock: str = ""  # of the process: `working` where durations count working time alone

    def refer(self, reference: str | None) -> Element | None:
        """The element that a reference means; a reference may carry a namespace prefix."""
        reference = (reference or "").strip()
        return self.named.get(reference, self.named.get(reference.rpartition(":")[2]))

    def ends(self, id_: str) -> str:
        """What a sequence flow without a name is called by: what it leads from and to; "" for anything else."""
        line = self.named.get(id_)
        if line is None or not line.get("sourceRef"):
            return ""
        found = [(self.refer(end), end) for end in (line.get("sourceRef"), line.get("targetRef", "?"))]
        names = (" ".join(one.get("name", "").split()) if one is not None else "" for one, _end in found)
        return " → ".join(name or end for name, (_one, end) in zip(names, found, strict=True))

    def attempt(self, read: Callable[[], T], otherwise: T) -> T:
        """What is read, and what stands for it where it is wrong."""
        try:
            return read()
        except FlowError as error:
            self.faults.append(error)
            return otherwise
