"""What packs may declare: device profiles (`things/*.yaml`) and tables of readings (`mappings/*.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks


def check_mapping(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """The profile is the pack's own, and every column goes to one of its properties."""
    profile = packs.find(everything, "things", body["profile"])
    if profile is None or body["profile"].split(".")[0] != key.split(".", maxsplit=1)[0]:
        yield f"profile: {body['profile']}: the pack declares no such device profile"
        return
    for column, name in body["columns"].items():
        if name not in profile["properties"]:
            yield f"columns: {column}: {name}: not a property of {body['profile']}"


def register() -> None:
    """Called once by the application."""
    packs.kind("things", schema=packs.read_schema("shizhu.engines.things", "profile"))
    packs.kind("mappings", schema=packs.read_schema("shizhu.engines.things", "mapping"), check=check_mapping)
