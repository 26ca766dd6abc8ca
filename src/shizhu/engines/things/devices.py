"""Devices: registration from a profile, credentials, what a device may publish."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from shapely.geometry import mapping, shape

from shizhu.engines.things.capabilities import follow_profiles
from shizhu.engines.things.catalogue import profile
from shizhu.engines.things.logic.readings import KnownDevice, Origin, digest
from shizhu.engines.things.models import (
    Datastream,
    Device,
    FeatureOfInterest,
    HistoricalLocation,
    Location,
    ObservedProperty,
    Sensor,
    Thing,
)
from shizhu.kernel import events
from shizhu.kernel.fields import box_of
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body

CHECKS = ("rate", "spike", "stuck", "interval")
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class DeviceRefused(ValueError):
    """A device that cannot be registered; the text names field, value and rule."""


@dataclass(frozen=True)
class Registration:
    """Who the device is and where it stands. `point` is (longitude, latitude) in WGS 84, None where nobody knows."""

    key: str
    profile: str
    name: str
    organisation: Organisation
    area: Area
    point: tuple[float, float] | None
    origin: Origin = Origin.MEASURED
    description: str = ""
    properties: dict[str, Any] | None = None
    is_lenient: bool = False


@transaction.atomic
def register(wanted: Registration, secret: str | None = None) -> tuple[Device, str]:
    """Make (or bring up to date) a device with its Thing, Location and Datastreams; returns it with its password.

    The password is made up if none is given, and is empty if the device existed and keeps its own.
    """
    if not KEY.fullmatch(wanted.key):
        raise DeviceRefused(
            f"key: {wanted.key!r}: letters, digits, _ and - only, at most 64, because it becomes a topic"
        )
    if not wanted.name.strip():
        raise DeviceRefused(f"name: {wanted.name!r}: must not be empty")
    try:
        declared = profile(wanted.profile, wanted.area.county_id)
    except KeyError:
        raise DeviceRefused(f"profile: {wanted.profile!r}: no pack declares this device profile") from None
    thing = _thing(wanted)
    for name, item in declared["properties"].items():
        _datastream(thing, wanted, declared, name, item)
    known = Device.objects.filter(key=wanted.key).first()
    if known and known.county_id != wanted.area.county_id:
        raise DeviceRefused(f"key: {wanted.key!r}: another county has a device of this name")
    made_up = secret or ("" if known else new_password())
    values: dict[str, Any] = {
        "county_id": wanted.area.county_id, "profile": wanted.profile, "thing": thing, "origin": wanted.origin,
        "is_lenient": wanted.is_lenient,
    }  # fmt: skip
    if made_up:
        values["secret"] = digest(made_up)
    device, _ = Device.objects.update_or_create(key=wanted.key, defaults=values)
    follow_profiles(device.key)
    told = {"device": device.key, "thing": thing.pk, "profile": wanted.profile}
    events.emit("things.device.registered", device.key, device.county_id, told)
    return device, made_up


def new_password(*, has_six_digits: bool = False) -> str:
    """A password made up; six digits for HJ 212, whose PW has six characters (2017 §6.3.2)."""
    return f"{secrets.randbelow(10**6):06}" if has_six_digits else secrets.token_urlsafe(12)


def _thing(wanted: Registration) -> Thing:
    county = wanted.area.county_id
    thing, is_new = Thing.objects.update_or_create(
        county_id=county,
        key=wanted.key,
        defaults={
            "name": wanted.name, "description": wanted.description, "properties": wanted.properties,
            "organisation": wanted.organisation, "area": wanted.area,
        },
    )  # fmt: skip
    if wanted.point:
        point = {"type": "Point", "coordinates": list(wanted.point)}
        if is_new or not thing.locations.filter(location=point).exists():
            place(thing, wanted.name, point)
    return thing


def place(thing: Thing, name: str, geometry: Body) -> Location:
    """Put a Thing at a new Location, with its HistoricalLocation and FeatureOfInterest (18-088 §8.2.2, §8.2.8)."""
    location = Location.objects.create(name=name, location=geometry, box=box_of(shape(geometry)))
    thing.locations.set([location])
    history = HistoricalLocation.objects.create(thing=thing, time=now())
    history.locations.add(location)
    feature = FeatureOfInterest.objects.create(name=name, feature=mapping(shape(geometry)))
    thing.datastreams.update(feature=feature)
    return location


def _datastream(thing: Thing, wanted: Registration, declared: Body, name: str, item: Body) -> None:
    title = item["title"]["zh"]
    observed, _ = ObservedProperty.objects.get_or_create(
        name=title,
        definition=item.get("definition", f"urn:shizhu:property:{name}"),
        defaults={"description": item["title"]["en"]},
    )
    sensor, _ = Sensor.objects.get_or_create(
        name=(declared.get("sensor") or declared["title"])["zh"],
        defaults={"encoding_type": "text/plain", "metadata": ""},
    )
    lowest, highest = item.get("range") or (None, None)
    unit = {"name": item["unit"], "symbol": item.get("symbol", item["unit"]), "definition": f"ucum:{item['unit']}"}
    feature = FeatureOfInterest.objects.filter(name=wanted.name).order_by("-id").first()
    values: dict[str, Any] = {
        "name": f"{wanted.name} {title}", "sensor": sensor, "observed_property": observed,
        "unit_of_measurement": unit, "lowest": lowest, "highest": highest, "feature": feature,
        "checks": {name: item[name] for name in CHECKS if name in item} or None,
    }  # fmt: skip
    Datastream.objects.update_or_create(thing=thing, key=name, defaults=values)


MARK = "#"  # between a device's key and the mark of its password in what the broker calls its connection


@dataclass(frozen=True)
class Grant:
    """What a device or a person that logged in may publish and subscribe to (subjects of the broker)."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    is_person: bool = False
    mark: str = ""  # of the password that a device came with


def grant(device: KnownDevice) -> Grant:
    """What a device may: its own telemetry and answers to commands, the Observations of its own Datastreams."""
    topics = [f"v1//1.{stream}.Observations" for stream in device.named]
    published = (f"d.{device.key}.telemetry", *topics)
    renamed = tuple(f"in.{subject}" for subject in published)  # the broker checks the name after its mapping …
    commands, answers = f"cmd.{device.key}", f"cmd.{device.key}.ack"
    subscribed = (f"d.{device.key}.errors", commands, *topics)
    return Grant((*renamed, *published, answers), subscribed, mark=device.mark)  # … and before it, see ingest.STORED
