"""What packs may declare: indicators and indexes (`indicators/*.yaml`, `indexes/*.yaml`), each with an example."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.plan.logic import index
from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.lib import feel

KIND_OF = {"cases": "flows", "records": "registers", "readings": "things"}


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Inputs exist, in the same pack; the example comes out."""
    for name, given in body["inputs"].items():
        if given["count"] in KIND_OF and (
            given["of"].split(".")[0] != key.split(".", maxsplit=1)[0]
            or packs.find(everything, KIND_OF[given["count"]], given["of"]) is None
        ):
            yield f"inputs.{name}.of: {given['of']}: the pack declares no such {KIND_OF[given['count']].rstrip('s')}"
        elif given["count"] == "readings":
            properties = (packs.find(everything, "things", given["of"]) or {})["properties"]
            if given["property"] not in properties:
                yield f"inputs.{name}.property: {given['property']}: there are {', '.join(properties)}"
    try:
        value = feel.evaluate(body["formula"], body["example"]["given"], is_strict=True)
    except feel.FeelError as error:
        yield f"formula: {error}"
        return
    if value != body["example"]["expect"]:
        yield f"example: expected {body['example']['expect']}, but the formula says {value}"


def check_index(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Indicators named by items exist in the same pack, and the rest of `logic.index.check`."""
    for group, name, item in index.items(body):
        told = item.get("indicator")
        if told and (
            told.split(".")[0] != key.split(".", maxsplit=1)[0] or packs.find(everything, "indicators", told) is None
        ):
            yield f"groups.{group}.items.{name}.indicator: {told}: the pack declares no such indicator"
    yield from index.check(body)


def register() -> None:
    """Called once by the application."""
    packs.kind("indicators", schema=packs.read_schema("shizhu.engines.plan", "indicator"), check=check)
    schema = packs.read_schema("shizhu.engines.plan", "index")
    packs.kind("indexes", schema=schema, check=check_index, of_county=True)
