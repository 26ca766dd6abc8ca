"""What a message of a warning says and where it is for: prefilled from an alarm or a kind, made of what was typed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import shapely
from django.utils import timezone
from django.utils.translation import gettext_noop
from shapely.geometry.base import BaseGeometry

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import access, packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body
from shizhu.lib import speech
from shizhu.lib.times import parse_duration
from shizhu.wire import cap

LASTS = timedelta(hours=24)
SECONDS = 60  # that loudspeakers may take, unless the kind says otherwise
SYNTHETIC = "synthetic"
MOST = 10_000  # points of a shape
UNREAD = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)  # of a shape that is none


class Refused(ValueError):
    """What somebody typed cannot be said; `problems` are (field, value, rule)."""

    def __init__(self, *problems: tuple[str, object, str]) -> None:
        super().__init__("; ".join(f"{name}: {value!r} {rule}" for name, value, rule in problems))
        self.problems = problems


@dataclass(frozen=True)
class Start:
    """What a draft begins with."""

    kind: str
    level: str
    areas: tuple[Area, ...]
    organisation: Organisation
    alarm: Alarm | None = None


def kinds(county: str) -> dict[str, Body]:
    """The kinds of warnings of a county by key."""
    return dict(sorted(packs.declarations("warnings", county).items()))


def of_rule(county: str, rule: str) -> str:
    """The kind that alarms of a rule are drafted as; empty for none."""
    return next((key for key, body in kinds(county).items() if rule in body.get("rules", ())), "")


def towns_of(area: Area) -> tuple[Area, ...]:
    """The town that an area is, or lies in; itself where there is none."""
    towns = Area.objects.towns(area.county_id)
    return tuple(one for one in towns if area.path.startswith(one.path)) or (area,)


def stands_for(county: str, kind: str, alarm: Alarm) -> list[records.Entry]:
    """The places for which the device of an alarm stands, as the register of the kind says."""
    said = packs.declared("warnings", kind, county).get("places")
    stream = things.describe([alarm.datastream]).get(alarm.datastream) if said else None
    if not said or stream is None:
        return []
    rows = records.scan(access.ANYBODY, county, said["register"], records.Query())
    return [one for one in rows if one.data.get(said["source"]) == stream.device]


def areas_of(kind: str, alarm: Alarm) -> tuple[Area, ...]:
    """The towns of an alarm: its own, and those of the places for which its device stands."""
    found = {area.code: area for area in towns_of(alarm.area)}
    codes = {one.area.code for one in stands_for(alarm.county_id, kind, alarm)}
    for area in Area.objects.filter(county=alarm.county_id, code__in=codes).order_by("path"):
        found |= {town.code: town for town in towns_of(area)}
    return tuple(found.values())


WORDED = ("kind", "level", "areas", "expires")
PRINTED = "%Y-%m-%d %H:%M"  # the end, in words


def prefilled(start: Start, now: datetime) -> dict[str, Any]:
    """The content that a draft begins with: everything that is known."""
    county = start.organisation.county_id
    body = packs.declared("warnings", start.kind, county)
    expires = now + (parse_duration(body["lasts"]) if body else LASTS)
    none = {"zh": "", "en": ""}
    told: dict[str, Any] = {
        "kind": start.kind, "level": start.level, "event": body.get("title", none),
        "categories": body.get("categories", ["Safety"]), "code": body.get("code", ""),
        "unit": body.get("unit", warnings.UNIT), "responses": body.get("responses", []),
        "status": "Exercise" if start.alarm and start.alarm.origin else "Actual", "scope": "Public", "spoken": "",
        "urgency": warnings.URGENCY[start.level],
        "certainty": "Observed" if start.alarm else warnings.CERTAINTY[start.level],
        "areas": [area.code for area in start.areas], "polygon": None, "onset": None,
        "expires": expires.isoformat(timespec="seconds"),
        "issuer": {"zh": start.organisation.name, "en": start.organisation.name_en or start.organisation.name},
        **dict.fromkeys(warnings.TEXTS, none),
    }  # fmt: skip
    return reworded(told, county, start.alarm)


def reworded(told: Mapping[str, Any], county: str, alarm: Alarm | None) -> dict[str, Any]:
    """The same with the texts of its kind made anew for its level and areas; as it is where there is no kind."""
    body = packs.declared("warnings", told["kind"], county)
    if not body:
        return dict(told)
    given = _known(told, county, alarm)
    texts = {name: body[name] for name in warnings.TEXTS}
    texts["instruction"] = body.get("instructions", {}).get(told["level"], texts["instruction"])
    made = {
        name: {language: warnings.filled(text[language], given[language]) for language in warnings.LANGUAGES}
        for name, text in texts.items()
    }
    return {**told, **made, "spoken": spoken({**told, **made}, given["zh"], body)}


def spoken(told: Mapping[str, Any], given: Mapping[str, str], body: Body) -> str:
    """What loudspeakers say: the kind's words for the ear; empty where it has none, and they read the text."""
    said = body.get("spoken", {})
    return speech.aloud(warnings.filled(said.get(told["level"], said.get("words", "")), given), timezone.localtime())


def longest(body: Body) -> int:
    """How many seconds that may take."""
    return int(body.get("spoken", {}).get("seconds", SECONDS))


def in_step(told: Mapping[str, Any], shown: Mapping[str, Any], county: str, alarm: Alarm | None) -> dict[str, Any]:
    """The same with words that go with what was changed: those of the kind, where nobody has changed them by hand, are
    made anew; in others the end is put right. `shown`: of what the words were made."""
    before = {**told, **{name: shown[name] for name in WORDED if name in shown}}
    told = _of_kind(told, before["kind"], county)
    old, new = reworded(before, county, alarm), reworded(told, county, alarm)
    event = packs.declared("warnings", before["kind"], county).get("title", before["event"])
    usual = reworded({**before, "event": event}, county, alarm)  # as it was before somebody wrote another event
    ends = [f"{timezone.localtime(datetime.fromisoformat(one['expires'])):{PRINTED}}" for one in (before, told)]
    made = dict(told)
    made["spoken"] = new["spoken"] if told.get("spoken", "") == old.get("spoken", "") else told.get("spoken", "")
    for name in warnings.TEXTS:
        made[name] = {
            language: new[name][language]
            if text and text in {old[name][language], usual[name][language]}
            else text.replace(*ends)
            for language, text in told[name].items()
        }
    return made


def _of_kind(told: Mapping[str, Any], kind: str, county: str) -> Mapping[str, Any]:
    """The same as another kind than the one it was shown as: what was that kind's is the new one's."""
    old, new = (packs.declared("warnings", key, county) for key in (kind, told["kind"]))
    if told["kind"] == kind or not new:
        return told
    made = {**told, "code": new.get("code", ""), "unit": new.get("unit", warnings.UNIT)}
    if told["event"] == old.get("title"):
        made["event"] = new["title"]
    for name in ("categories", "responses"):
        if set(told[name]) == set(old.get(name, [])):
            made[name] = new.get(name, [])
    return made


def rekinded(told: Mapping[str, Any], body: Body | None, county: str, alarm: Alarm | None) -> dict[str, Any]:
    """The same as another kind: its event, categories and texts; urgency and certainty as the level has them."""
    own = {
        "urgency": warnings.URGENCY[told["level"]],
        "certainty": told["certainty"] if alarm else warnings.CERTAINTY[told["level"]],
    }
    if body:
        own |= {"event": body["title"], "categories": body["categories"], "responses": body.get("responses", [])}
        own |= {"code": body.get("code", ""), "unit": body.get("unit", warnings.UNIT)}
    return reworded({**told, **own}, county, alarm)


def _known(told: Mapping[str, Any], county: str, alarm: Alarm | None) -> dict[str, dict[str, str]]:
    """Placeholder → text, in each language."""
    areas = named(county, told["areas"])
    expires = timezone.localtime(datetime.fromisoformat(told["expires"]))
    common = {"station": "", "value": "", "since": "", "places": ""}
    if alarm:
        stream = things.describe([alarm.datastream]).get(alarm.datastream)
        value = "" if alarm.value is None else f"{alarm.value:g} {stream.unit if stream else ''}".strip()
        since = f"{timezone.localtime(alarm.since):%Y-%m-%d %H:%M}"
        common = {"station": stream.thing_name if stream else "", "value": value, "since": since}
        common["places"] = "、".join(one.title for one in stands_for(county, told["kind"], alarm))
    return {
        language: {
            **common, "issuer": told["issuer"][language], "event": told["event"][language],
            "level": warnings.COLOURS[told["level"]][language], "expires": f"{expires:{PRINTED}}",
            "areas": joint.join(area.name if language == "zh" else area.name_en or area.name for area in areas),
        }
        for language, joint in (("zh", "、"), ("en", ", "))
    }  # fmt: skip


def named(county: str, codes: Iterable[str]) -> list[Area]:
    """The areas of these codes, in order."""
    return list(Area.objects.filter(county=county, code__in=list(codes)).order_by("path"))


def checked(county: str, told: Mapping[str, Any], now: datetime, before: Sequence[Mapping[str, Any]] = ()) -> None:
    """Raise Refused for what is missing or cannot be; `before`: what was issued of the warning."""
    found: list[tuple[str, object, str]] = []
    for name in ("event", *warnings.TEXTS):
        found += [
            (f"{name}_{language}", told[name][language], gettext_noop("must be said in both languages"))
            for language in warnings.LANGUAGES
            if not told[name][language].strip()
        ]
    if len(named(county, told["areas"])) < len(set(told["areas"])):
        found.append(("areas", ", ".join(told["areas"]), gettext_noop("must be areas of this county")))
    if not told["areas"]:
        found.append(("areas", "", gettext_noop("choose areas, or draw a shape that meets some")))
    expires = datetime.fromisoformat(told["expires"])
    if expires <= now:
        found.append(("expires", told["expires"], gettext_noop("must be in the future")))
    onset = warnings.time(told.get("onset"))
    if onset is not None and onset >= expires:
        found.append(("onset", told["onset"], gettext_noop("must be before the end")))
    if before and told["status"] != before[0]["status"]:
        rule = gettext_noop("must stay as it was: a drill and what is real are warnings of their own")
        found.append(("status", told["status"], rule))
    if told["scope"] != "Public" and any(one["scope"] == "Public" for one in before):
        rule = gettext_noop("must stay public: everybody was told what this goes on with")
        found.append(("scope", told["scope"], rule))
    if told["scope"] == "Restricted" and not told.get("restriction", "").strip():
        found.append(("restriction", "", gettext_noop("must say for whom a restricted warning is")))
    if found:
        raise Refused(*found)


def heard(county: str, told: Mapping[str, Any]) -> None:
    """Raise Refused for what a voice cannot say, or not in its time: who keeps a draft reads it for the ear."""
    text, most = told.get("spoken", ""), longest(packs.declared("warnings", told["kind"], county))
    if stumbles := speech.unspoken(text):
        rule = gettext_noop("a voice cannot say these signs: write them as they are spoken")
        raise Refused(("spoken", stumbles, rule))
    if speech.seconds(text) > most:
        rule = gettext_noop("takes longer to say than this kind allows: say less")
        raise Refused(("spoken", f"{speech.seconds(text):.0f} / {most}", rule))


def shape_of(text: str) -> list[list[float]] | None:
    """A ring from what was drawn or imported: GeoJSON with one polygon, or `longitude,latitude;…`. Raises Refused."""
    if not text.strip():
        return None
    try:
        ring = [[round(x, 5), round(y, 5)] for x, y in _ring(text.strip())]
    except UNREAD:
        ring = []
    if len(ring) > MOST:
        raise Refused(("polygon", len(ring), gettext_noop("has more than 10,000 points: draw it with fewer")))
    is_on_earth = all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring)
    shape = shapely.Polygon(ring) if len(ring) > 2 and is_on_earth else shapely.Polygon()
    if not shape.is_valid or shape.area == 0:
        rule = gettext_noop(
            "must be one polygon of WGS 84 that does not cross itself: GeoJSON, or longitude,latitude;…"
        )
        raise Refused(("polygon", text[:60], rule))
    return [[x, y] for x, y in shape.exterior.coords]


def _ring(text: str) -> list[tuple[float, float]]:
    if not text.startswith("{"):
        points = [part.split(",") for part in text.replace("\n", ";").split(";") if part.strip()]
        return [(float(x), float(y)) for x, y in points]
    found = json.loads(text)
    if found["type"] == "FeatureCollection":
        (found,) = found["features"]
    found = found.get("geometry", found)
    ((ring, *_holes),) = [found["coordinates"]] if found["type"] == "Polygon" else found["coordinates"]
    return [(float(point[0]), float(point[1])) for point in ring]


def met(county: str, ring: Sequence[Sequence[float]]) -> list[Area]:
    """The towns that a shape meets; a village has no outline and lies in its town."""
    shape: BaseGeometry = shapely.Polygon(ring)
    towns = Area.objects.towns(county).exclude(geometry=None).order_by("path")
    return [town for town in towns if town.geometry.intersects(shape)]


def common(county: str, areas: Sequence[Area]) -> Area:
    """The smallest area that holds them all."""
    paths = [area.path.split("/")[:-1] for area in areas]
    shared = paths[0]
    for path in paths[1:]:
        shared = [one for one, other in zip(shared, path, strict=False) if one == other]
    return Area.objects.get(county=county, path="/".join(shared) + "/")


def zones(county: str, codes: Iterable[str]) -> list[warnings.Zone]:
    """The areas as CAP has them; an outline that is only made up is left out, the code says it all."""
    return [warnings.Zone(area.code, area.name, _rings(area)) for area in named(county, codes)]


def _rings(area: Area) -> tuple[tuple[cap.Position, ...], ...]:
    if area.geometry is None or area.provenance.get("source") == SYNTHETIC:
        return ()
    parts = getattr(area.geometry, "geoms", [area.geometry])
    return tuple(tuple((x, y) for x, y in part.simplify(0.001).exterior.coords) for part in parts)


def drawn(county: str) -> list[dict[str, Any]]:
    """The towns to click on: code, name, outline in degrees, made simpler."""
    rows = Area.objects.towns(county).exclude(geometry=None).order_by("path")
    return [
        {"code": one.code, "name": one.name, "shape": shapely.geometry.mapping(one.geometry.simplify(0.002))}
        for one in rows
    ]
