"""What packs may declare: device profiles (`things/*.yaml`)."""

from __future__ import annotations

from shizhu.kernel import packs


def register() -> None:
    """Called once by the application."""
    packs.kind("things", schema=packs.read_schema("shizhu.engines.things", "profile"))
