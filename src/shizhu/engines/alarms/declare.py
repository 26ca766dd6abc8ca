"""What packs may declare: rules (`rules/*.yaml`), kinds of warnings (`warnings/*.yaml`); their examples come out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from shizhu.engines.alarms import checking
from shizhu.engines.alarms.logic import examples, warnings
from shizhu.engines.alarms.logic.conditions import BOUNDS
from shizhu.kernel import overlays, packs
from shizhu.kernel.packs import Body, LoadedPacks


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """It says what can be meant, what it names exists, every example comes out."""
    found = [*checking.problems(body), *_unknown(key, body, everything)]
    if "starts" in body:
        found += _own("starts", body["starts"], key)
        if packs.find(everything, "flows", body["starts"]) is None:
            found.append(checking.told("starts", body["starts"], "flow"))
    found += _events(key, body, everything)
    yield from found
    if not found:
        yield from examples.problems(body)


def _events(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """The register of what it warns of, and its fields."""
    said = body.get("events")
    if said is None:
        return
    yield from _own("events.register", said["register"], key)
    register = packs.find(everything, "registers", said["register"])
    if register is None:
        yield checking.told("events.register", said["register"], "register")
        return
    for name in ("time", "source"):
        if said[name] not in register["properties"]:
            yield checking.told(f"events.{name}", said[name], "field", register=said["register"])


def _own(name: str, value: str, key: str) -> Iterator[str]:
    if not overlays.is_own(key) and value.split(".", maxsplit=1)[0] != key.split(".", maxsplit=1)[0]:
        yield checking.told(name, value, "other")


def _unknown(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Layers, profiles and properties that nobody declares."""
    zone = body["when"].get("zone")
    if isinstance(zone, dict) and packs.find(everything, "layers", zone["layer"]) is None:
        yield checking.told("when.zone.layer", zone["layer"], "layer")
    tests = [one for place in checking.places(body) for one in place.walk() if one.join is None]
    profiles = {one.body["profile"] for one in tests if "profile" in one.body}
    if len(profiles) > 1 and zone is None:
        yield checking.told("when.profile", ", ".join(sorted(profiles)), "several")
    yield from dict.fromkeys(line for one in tests for line in _source(key, one, everything))


def _source(key: str, one: checking.Place, everything: LoadedPacks) -> Iterator[str]:
    name, wanted = one.body.get("profile"), one.body.get("property")
    if name is None or wanted is None:
        return
    yield from _own(one.at("profile"), name, key)
    profile = packs.find(everything, "things", name)
    if profile is None:
        yield checking.told(one.at("profile"), name, "profile")
    elif wanted not in profile["properties"]:
        yield checking.told(one.at("property"), wanted, "property", profile=name)
    for limit in BOUNDS:
        said = one.body.get(limit)
        if profile is not None and isinstance(said, str) and said not in profile.get("attributes", {}):
            yield checking.told(one.at(limit), said, "attribute", profile=name)


def check_warning(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Rules and roles exist and are its own, placeholders are known, the example comes out, nobody waits for ever."""
    for rule in body.get("rules", []):
        yield from _own("rules", rule, key)
        if packs.find(everything, "rules", rule) is None:
            yield checking.told("rules", rule, "rule")
    pack = everything.get(key.split(".", maxsplit=1)[0])
    for role in body.get("tell", []):
        if pack is not None and role not in pack.roles and not role.startswith("kernel."):
            yield checking.told("tell", role, "role")
    texts = {name: body[name] for name in warnings.TEXTS}
    texts |= {f"instructions.{name}": text for name, text in body.get("instructions", {}).items()}
    yield from _places(key, body, everything)
    for name, text in body.get("spoken", {}).items():
        for unknown in warnings.unknown(text) if isinstance(text, str) else ():
            yield checking.told(f"spoken.{name}", f"{{{unknown}}}", "filled", known=", ".join(warnings.PLACEHOLDERS))
    for place, language in product(texts, warnings.LANGUAGES):
        for name in warnings.unknown(texts[place][language]):
            yield checking.told(f"{place}.{language}", f"{{{name}}}", "filled", known=", ".join(warnings.PLACEHOLDERS))
    for name, span in (("lasts", body["lasts"]), *((f"answer.{k}", v) for k, v in body.get("answer", {}).items())):
        yield from checking.too_short_or_long(name, span)
    example = body["example"]
    level = warnings.COLOURS[example["level"]]["zh"]
    made = warnings.filled(body["headline"]["zh"], {"event": body["title"]["zh"], "level": level, **example["given"]})
    if made != example["headline"]:
        yield checking.told("example.headline", example["headline"], "made", text=made)


def _places(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    said = body.get("places")
    if said is None:
        return
    yield from _own("places.register", said["register"], key)
    register = packs.find(everything, "registers", said["register"])
    if register is None or said["source"] not in register["properties"]:
        yield checking.told("places.source", said["source"], "field", register=said["register"])


def register() -> None:
    """Called once by the application."""
    packs.kind("rules", schema=packs.read_schema("shizhu.engines.alarms", "rule"), check=check)
    packs.kind("warnings", schema=packs.read_schema("shizhu.engines.alarms", "warning"), check=check_warning)
