"""Rows of the demo county: people, stations. Idempotent; everything is marked simulated."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone

from shizhu.engines.things import api as things
from shizhu.kernel import counties
from shizhu.kernel.models import Area, Organisation, Person, Post
from shizhu.kernel.text import sort_key
from shizhu.site import demo


def load(folder: counties.Folder) -> None:
    """Everything the county's demo folder has."""
    people(folder)
    stations(folder)


def people(folder: counties.Folder) -> None:
    """Simulated people with their posts."""
    county = folder.body["code"]
    for row in folder.yaml("demo/people"):
        if Person.objects.filter(username=row["username"]).exists():
            continue
        person = Person.objects.create_person(
            username=row["username"], password=settings.CONFIG.secrets["demo"], name=row["name"], county_id=county,
            sort_key=sort_key(row["name"]), is_simulated=True,
        )  # fmt: skip
        for post in row["posts"]:
            Post.objects.create(
                person=person,
                role_id=post["role"],
                organisation=Organisation.objects.get(county_id=county, code=post.get("of", county)),
                area=Area.objects.get(county_id=county, code=post.get("area", county)),
                starts=timezone.localdate(),
            )


def stations(folder: counties.Folder) -> None:
    """Simulated stations as devices with their Things and Datastreams."""
    county = folder.body["code"]
    known = things.device_keys(county)
    for row in demo.stations(county):
        if row["key"] not in known:
            things.register(_registration(county, row), demo.password(settings.CONFIG, row["key"]))


def _registration(county: str, row: dict[str, Any]) -> things.Registration:
    return things.Registration(
        key=row["key"],
        profile=row["profile"],
        name=row["name"],
        organisation=Organisation.objects.get(county_id=county, code=row["organisation"]),
        area=Area.objects.get(county_id=county, code=row["town"]),
        point=tuple(row["point"]),
        origin=things.Origin.SIMULATED,
        properties=row["properties"],
        is_lenient=True,
    )
