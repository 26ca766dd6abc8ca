"""What packs may declare: device profiles (`things/*.yaml`) and tables of readings (`mappings/*.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.things import advancing
from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.lib import units
from shizhu.lib.times import parse_duration


def check_profile(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:  # one form for every kind
    """Units are UCUM codes, ranges are not turned round, and no channel stands for two properties."""
    channels: dict[str, str] = {}
    for name, item in body["properties"].items():
        if not units.is_known(item["unit"]):
            yield f"properties.{name}.unit: {item['unit']}: is no UCUM code of a known unit"
        durations = {
            "rate.per": item.get("rate", {}).get("per"), "growth.during": item.get("growth", {}).get("during"),
            **{check: item.get(check) for check in ("stuck", "interval")},
        }  # fmt: skip
        for check, duration in durations.items():
            if duration and not parse_duration(duration):
                yield f"properties.{name}.{check}: {duration}: must be longer than nothing"
        lowest, highest = item.get("range", (0, 1))
        if lowest >= highest:
            yield f"properties.{name}.range: [{lowest}, {highest}]: the lowest must lie below the highest"
        for channel in item.get("channels", []):
            if channels.setdefault(channel, name) != name:
                yield f"properties.{name}.channels: {channel}: is a channel of {channels[channel]} too"
    for name in {*body.get("commands", {})} & {*advancing.TITLES}:
        yield f"commands.{name}: rollouts tell devices by this name: declare it under updates"
    for name in body.get("shown", []):
        if name not in body["properties"]:
            yield f"shown: {name}: is none of the properties"


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
    packs.kind("things", schema=packs.read_schema("shizhu.engines.things", "profile"), check=check_profile)
    packs.kind("mappings", schema=packs.read_schema("shizhu.engines.things", "mapping"), check=check_mapping)
