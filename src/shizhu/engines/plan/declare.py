"""What packs may declare: indicators and indexes (`indicators/*.yaml`, `indexes/*.yaml`), each with an example."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.cases import api as cases
from shizhu.engines.plan.logic import index
from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.lib import feel

KIND_OF = {"cases": "flows", "records": "registers", "readings": "things", "indicators": "indicators"}


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Inputs exist, in the same pack, but for reported values, which are the county's; the example comes out."""
    for name, given in body["inputs"].items():
        if given["count"] in KIND_OF and (
            given["of"].split(".")[0] != key.split(".", maxsplit=1)[0] or not _is_there(given, everything)
        ):
            yield f"inputs.{name}.of: {given['of']}: the pack declares no such {KIND_OF[given['count']].rstrip('s')}"
        elif given["count"] == "readings":
            properties = (packs.find(everything, "things", given["of"]) or {})["properties"]
            if given["property"] not in properties:
                yield f"inputs.{name}.property: {given['property']}: there are {', '.join(properties)}"
    if key in _formulas(body, everything):
        yield "inputs: the indicators take each other in, in a circle"
    try:
        value = feel.evaluate(body["formula"], body["example"]["given"], is_strict=True)
    except feel.FeelError as error:
        yield f"formula: {error}"
        return
    if value != body["example"]["expect"]:
        yield f"example: expected {body['example']['expect']}, but the formula says {value}"


def _is_there(given: Body, everything: LoadedPacks) -> bool:
    if given["count"] == "cases":
        return cases.has_flows(given["of"], everything)
    return packs.find(everything, KIND_OF[given["count"]], given["of"]) is not None


def _formulas(body: Body, everything: LoadedPacks) -> set[str]:
    """The formulas that one takes in, and those that they take in."""
    found, todo = set[str](), [body]
    while todo:
        for given in todo.pop()["inputs"].values():
            if given["count"] == "indicators" and given["of"] not in found:
                found.add(given["of"])
                todo += filter(None, [packs.find(everything, "indicators", given["of"])])
    return found


def check_index(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Indicators named by items exist in the same pack, and the rest of `logic.index.check`."""
    for group, name, item in index.items(body):
        told = item.get("indicator")
        if told and (
            told.split(".")[0] != key.split(".", maxsplit=1)[0] or packs.find(everything, "indicators", told) is None
        ):
            yield f"groups.{group}.items.{name}.indicator: {told}: the pack declares no such indicator"
    subjects = body["subjects"]
    if isinstance(subjects, dict):
        yield from _check_register(key, body, subjects, everything)
    yield from index.check(body)


def _check_register(key: str, body: Body, subjects: Body, everything: LoadedPacks) -> Iterator[str]:
    """The register is there, and each counted register names its rows in the field."""
    register = subjects["register"]
    if register.split(".")[0] != key.split(".", maxsplit=1)[0] or packs.find(everything, "registers", register) is None:
        yield f"subjects.register: {register}: the pack declares no such register"
    unnamed: dict[str, str] = {}  # the register that names no row: where it is counted first
    for group, name, item in index.items(body):
        told = packs.find(everything, "indicators", item.get("indicator", "")) or {"inputs": {}}
        inner = [packs.find(everything, "indicators", one) or {"inputs": {}} for one in _formulas(told, everything)]
        for given in (given for one in [told, *inner] for given in one["inputs"].values()):
            if given["count"] == "indicators":
                continue
            fields = (packs.find(everything, "registers", given.get("of", "")) or {}).get("properties", {})
            if fields.get(subjects["by"], {}).get("x-shizhu-ref") != register:
                unnamed.setdefault(f"{given.get('of')}.{subjects['by']}", f"groups.{group}.items.{name}")
    for field, place in unnamed.items():
        yield f"{place}.indicator: {field}: names no row of {register}"


def register() -> None:
    """Called once by the application."""
    schema = packs.read_schema("shizhu.engines.plan", "indicator")
    packs.kind("indicators", schema=schema, check=check, of_county=True)
    schema = packs.read_schema("shizhu.engines.plan", "index")
    packs.kind("indexes", schema=schema, check=check_index, of_county=True)
