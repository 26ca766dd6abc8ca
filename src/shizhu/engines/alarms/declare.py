"""What packs may declare: rules (`rules/*.yaml`), each with examples that must come out as they say."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.alarms.logic import examples
from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:  # same form for every kind
    """Profile, property and flow exist; every example comes out."""
    when = body["when"]
    for name, value in (("when.profile", when["profile"]), ("starts", body.get("starts", key))):
        if value.split(".")[0] != key.split(".", maxsplit=1)[0]:
            yield f"{name}: {value}: of another pack; a county joins packs (county.yaml: starts)"
    profile = packs.find(everything, "things", when["profile"])
    if profile is None:
        yield f"when.profile: {when['profile']}: no pack declares this device profile"
    elif when["property"] not in profile["properties"]:
        yield f"when.property: {when['property']}: not a property of {when['profile']}"
    if "starts" in body and packs.find(everything, "flows", body["starts"]) is None:
        yield f"starts: {body['starts']}: no pack declares this flow"
    yield from examples.problems(body)


def register() -> None:
    """Called once by the application."""
    packs.kind("rules", schema=packs.read_schema("shizhu.engines.alarms", "rule"), check=check)
