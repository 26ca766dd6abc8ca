"""What packs may declare: layers (`layers/*.yaml`), and counties too: base maps (`bases/*.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.maps import api, bases, registers
from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """The source exists, what it is asked for is the pack's own, and a style is of a register."""
    if body["source"] not in api.sources():
        yield f"source: {body['source']}: known are {', '.join(sorted(api.sources()))}"
    own = everything[key.split(".", maxsplit=1)[0]]
    if "of" in body and body["of"] not in {item.key for item in own.declared}:
        yield f"of: {body['of']}: the pack declares nothing of this key"
    elif body["source"] == "records":
        yield from registers.problems(body, everything)
    elif "by" in body.get("style", {}):
        yield f"style.by: {body['style']['by']}: only records are coloured by a field"


def register() -> None:
    """Called once by the application."""
    packs.kind("layers", schema=packs.read_schema("shizhu.engines.maps", "layer"), check=check)
    schema = packs.read_schema("shizhu.engines.maps", "base")
    packs.kind(bases.KIND, schema=schema, check=bases.check, of_county=True)
    group = {"zh": "登记资料", "en": "Registers"}
    api.source(
        "records",
        registers.features,
        verb=registers.verb,
        group=group,
        legend=registers.legend,
        grid=registers.grid,
        inside=registers.inside,
    )
