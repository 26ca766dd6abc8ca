"""Rows of the demo county: people, stations. Idempotent; everything is marked simulated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from shizhu.engines.cases import api as cases
from shizhu.engines.notices import api as notices
from shizhu.engines.plan import api as plan
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import counties
from shizhu.kernel.models import Area, Organisation, Person, Post
from shizhu.kernel.text import sort_key
from shizhu.site import demo, picture

WISHES = {"pause": "pause", "extend": "extend", "given_back": "return", "void": "void"}  # as demo/*.yaml calls them
CHANNELS = {"sms": "短信（模拟）", "voice": "语音电话（模拟）", "speaker": "大喇叭（模拟）"}


def load(folder: counties.Folder) -> None:
    """Everything the county's demo folder has."""
    organisations(folder)
    people(folder)
    channels(folder)
    stations(folder)
    releases(folder)
    records_of(folder)
    past_cases(folder)
    labels(folder)
    values(folder)
    work(folder)
    stock_of(folder)
    cases.patrols_simulated(folder.body["code"], folder.yaml("demo/patrols"))
    cases.duty_simulated(folder.body["code"], folder.yaml("demo/duty"))


def channels(folder: counties.Folder) -> None:
    """Texts, calls and loudspeakers by the simulated operator of this demo; once."""
    address = f"http://127.0.0.1:{demo.kept(settings.CONFIG)['operator']}/send"
    secret = settings.CONFIG.secrets["demo"]
    notices.simulate(folder.body["code"], CHANNELS, address=address, account=demo.OPERATOR, secret=secret)


def records_of(folder: counties.Folder) -> None:
    """Simulated rows of registers."""
    files = sorted((folder.path / "demo/records").glob("*.yaml"))
    records.load_demo(folder.body["code"], [folder.yaml(f"demo/records/{file.stem}") for file in files])


def organisations(folder: counties.Folder) -> None:
    """Invented bodies, below those of the county."""
    county = folder.body["code"]
    for row in folder.yaml("demo/organisations"):
        parent = Organisation.objects.get(county_id=county, code=row["parent"])
        Organisation.objects.update_or_create(
            county_id=county, code=row["code"],
            defaults={
                "name": row["name"], "name_en": row["name_en"], "sort_key": sort_key(row["name"]), "kind": "department",
                "parent": parent, "path": f"{parent.path}{row['code']}/", "area": parent.area,
            },
        )  # fmt: skip


def people(folder: counties.Folder) -> None:
    """Simulated people with their posts."""
    county = folder.body["code"]
    known = set(Person.objects.values_list("username", flat=True))
    new = [row for row in folder.yaml("demo/people") if row["username"] not in known]
    hashed = make_password(settings.CONFIG.secrets["demo"]) if new else ""  # slow on purpose, and one for all of them
    for row in new:
        person = Person.objects.create(
            username=row["username"], password=hashed, name=row["name"], county_id=county,
            sort_key=sort_key(row["name"]), is_simulated=True, phone=row.get("phone", ""),
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
        properties=row.get("properties", {}),
        is_lenient=True,
    )


def releases(folder: counties.Folder) -> None:
    """Simulated firmware, and a rollout that the simulated stations obey; once."""
    if told := folder.yaml("demo/releases"):
        things.releases_simulated(folder.body["code"], told)


def past_cases(folder: counties.Folder) -> None:
    """Cases of the last months, so that the county has a history; once."""
    for name in ("cases", "city_cases"):
        told, now = folder.yaml(f"demo/{name}"), timezone.now()
        if told and not records.tally(cases.subject(folder.body["code"], told["flow"], now), [""])[0]:
            for number, row in enumerate(told["cases"]):
                cases.play(_past(folder.body["code"], told, row, number))


def _past(county: str, told: dict[str, Any], row: dict[str, Any], number: int) -> cases.PastCase:
    """One of them: its own answers over those of all, what was asked for about it, and how often a check failed."""
    opened, took = timezone.now() - timedelta(days=row["days_ago"]), timedelta(days=row["took"])
    if "at" in told:
        hour, minute = map(int, told["at"].split(":"))
        opened = timezone.localtime(opened).replace(hour=hour, minute=minute, second=0)
    common = {"source": "person", "title": row["title"], "description": told["description"]}
    answers = {step: dict(given) for step, given in told["answers"].items()}
    answers["dispatch"] = row.get("dispatch", answers.get("dispatch", {}))
    handled = {"result": row.get("result", "")} | ({"cost": row["cost"]} if "cost" in row else {})
    handling = ("handle", "handle_owner")
    answers |= {step: answers.get(step, {}) | handled for step in handling}
    photos = {step: {"photos": picture.drawn(number)} for step in handling}
    area = Area.objects.get(county_id=county, level=Area.Level.TOWN, name=row["town"])
    wishes = [cases.Wish(kind, *_reason(row[name])) for name, kind in WISHES.items() if name in row]
    return cases.PastCase(
        told["flow"], row["title"], area, opened, took, common | row.get("document", {}), answers, photos,
        slow=told.get("slow", ()), wishes=wishes,
        failed={"check": {"passed": False, "remark": row["failed"]}} if "failed" in row else {},
    )  # fmt: skip


def _reason(told: str | list[str]) -> list[str]:
    """Why, and of more time how much."""
    return told if isinstance(told, list) else [told]


def labels(folder: counties.Folder) -> None:
    """Simulated labels, and what simulated residents reported by them; once."""
    told = folder.yaml("demo/labels")
    if told:
        cases.hang(Person.objects.get(username=told["person"]), folder.body["code"], told["labels"])
        for number, row in enumerate(told["concerns"]):
            cases.reported(cases.PastConcern(**row, photo=picture.drawn(number)))


def stock_of(folder: counties.Folder) -> None:
    """What lies in simulated stores; once."""
    told = folder.yaml("demo/stock")
    if told:
        person = Person.objects.get(username=told["person"])
        cases.stock_simulated(person, folder.body["code"], told["book"], told["rows"])


def values(folder: counties.Folder) -> None:
    """Simulated values of indicators that are reported by hand; once."""
    for row in folder.yaml("demo/values"):
        plan.report_simulated(folder.body["code"], row["indicator"], row["period"], row["value"])
    for row in folder.yaml("demo/measures"):
        spans = {item: (low, high) for item, (low, high) in row["spans"].items()}
        plan.measures_simulated(folder.body["code"], row["index"], row["year"], spans, row.get("copied", {}))


def work(folder: counties.Folder) -> None:
    """A simulated plan of work: clauses split, sent, reported and supervised; once."""
    if told := folder.yaml("demo/work"):
        text = (folder.path / "demo" / told["text"]).read_text(encoding="utf-8")
        plan.work_simulated(folder.body["code"], text, told, picture.drawn(7))
