"""What packs may declare: rules (`rules/*.yaml`), kinds of warnings (`warnings/*.yaml`); their examples come out."""

from __future__ import annotations

from collections.abc import Iterator

from shizhu.engines.alarms.logic import examples, warnings
from shizhu.engines.alarms.logic.conditions import JOINS, OF_A_ZONE, TESTS, parts, steps
from shizhu.kernel import overlays, packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.lib.times import parse_duration


def check(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """What it names exists, every condition can be understood, every example comes out."""
    found = list(_conditions(key, body, everything))
    if "starts" in body:
        found += _own("starts", body["starts"], key)
        if packs.find(everything, "flows", body["starts"]) is None:
            found.append(f"starts: {body['starts']}: no pack declares this flow")
    yield from found
    if not found:
        yield from examples.problems(body)


def _own(name: str, value: str, key: str) -> Iterator[str]:
    if not overlays.is_own(key) and value.split(".", maxsplit=1)[0] != key.split(".", maxsplit=1)[0]:
        yield f"{name}: {value}: of another pack; a county joins packs (county.yaml: starts)"


def _conditions(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    names = [level for level, _when in steps(body)]
    if len(set(names)) < len(names):
        yield f"levels: {', '.join(names)}: each level once"
    if body.get("levels") and any(name in body["when"] for name in JOINS):
        yield "levels: only of a single test; a joined condition has one level"
    zone = body["when"].get("zone")
    if isinstance(zone, dict) and packs.find(everything, "layers", zone["layer"]) is None:
        yield f"when.zone: {zone['layer']}: no pack declares this layer"
    for _level, when in steps(body):
        yield from _joins(when)
        profiles = {part.get("profile") for part in parts(when)}
        if len(profiles) > 1 and zone is None:
            yield "when: several profiles: say in which zone their sources belong together"
        for part in parts(when):
            yield from _test(key, part, everything)


def _joins(when: Body) -> Iterator[str]:
    """A condition is a join or a test, not both."""
    joins = [name for name in JOINS if name in when]
    if len(joins) > 1 or (joins and any(name in when for name in TESTS)):
        yield f"when: {', '.join(name for name in (*JOINS, *TESTS) if name in when)}: either one join or one test"
    if "of" in when and not 1 <= when.get("at_least", 0) <= len(when["of"]):
        yield f"when.at_least: of {len(when['of'])} parts, say how many must be true"
    for part in when[joins[0]] if joins else ():
        if "zone" in part:
            yield "when: zone: is said once, above all parts"
        yield from _joins(part)


def _test(key: str, part: Body, everything: LoadedPacks) -> Iterator[str]:
    said = [name for name in TESTS if name in part]
    if len(said) != 1 and set(said) != {"below", "above"}:
        told = ", ".join(said) or "no test"
        yield f"when: {told}: a test says one of {', '.join(TESTS)} (below and above may go together)"
    if part.get("take") in OF_A_ZONE and "during" not in part and "zone" not in part:
        yield f"when.take: {part['take']}: say `during` which time, or of which zone"
    if part.get("take") == "change" and "during" not in part:
        yield "when.take: change: say `during` which time"
    if "during" in part and "missing" in part:
        yield "when.during: a missing source has no values to take"
    for name in ("missing", "stuck", "during"):
        if name in part and not parse_duration(part[name]):
            yield f"when.{name}: {part[name]}: longer than nothing"
    for name in ("profile", "property"):
        if name not in part:
            yield f"when.{name}: is missing"
            return
    yield from _own("when.profile", part["profile"], key)
    profile = packs.find(everything, "things", part["profile"])
    if profile is None:
        yield f"when.profile: {part['profile']}: no pack declares this device profile"
    elif part["property"] not in profile["properties"]:
        yield f"when.property: {part['property']}: not a property of {part['profile']}"


def check_warning(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Rules and roles exist and are its own, placeholders are known, the example comes out, nobody waits for ever."""
    for rule in body.get("rules", []):
        yield from _own("rules", rule, key)
        if packs.find(everything, "rules", rule) is None:
            yield f"rules: {rule}: no pack declares this rule"
    pack = everything.get(key.split(".", maxsplit=1)[0])
    for role in body.get("tell", []):
        if pack is not None and role not in pack.roles and not role.startswith("kernel."):
            yield f"tell: {role}: this pack has no such role; a county joins packs (county.yaml: warnings)"
    texts = [body[name] for name in warnings.TEXTS] + list(body.get("instructions", {}).values())
    for text in (one[language] for one in texts for language in warnings.LANGUAGES):
        for name in warnings.unknown(text):
            yield f"{{{name}}}: no placeholder; they are {', '.join(warnings.PLACEHOLDERS)}"
    for name, span in (("lasts", body["lasts"]), *((f"answer.{k}", v) for k, v in body.get("answer", {}).items())):
        if not parse_duration(span):
            yield f"{name}: {span}: longer than nothing"
    example = body["example"]
    level = warnings.COLOURS[example["level"]]["zh"]
    made = warnings.filled(body["headline"]["zh"], {"event": body["title"]["zh"], "level": level, **example["given"]})
    if made != example["headline"]:
        yield f"example: the headline is {made!r}, expected {example['headline']!r}"


def register() -> None:
    """Called once by the application."""
    packs.kind("rules", schema=packs.read_schema("shizhu.engines.alarms", "rule"), check=check)
    packs.kind("warnings", schema=packs.read_schema("shizhu.engines.alarms", "warning"), check=check_warning)
