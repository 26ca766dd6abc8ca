"""Patrols: walked on a phone, judged against their beat, shown to the office; implausible ones are marked."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import shapely
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.cases.test_field import JPEG, Phone
from tests.fixtures import area, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import strolls
from shizhu.engines.cases.logic.track import Point, judge
from shizhu.engines.cases.models import Case, Deed, Patrol, PatrolCase, PatrolPhoto
from shizhu.engines.maps import api as maps
from shizhu.engines.records import api as records
from shizhu.kernel import access, datasets
from shizhu.kernel.models import County, Person

STEP = 0.0001  # degrees of latitude: 11.1 m


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    made = {
        "east": person(county, role="lemonade.maker", username="east", in_area="101"),
        "west": person(county, role="lemonade.maker", username="west", in_area="102"),
        "office": person(county, "cases.patrol.*", "records.*.*.*", username="office"),
        "stranger": person(county, "alarms.alarm.view", username="stranger"),
    }
    town, place = area(county, "101").code, shapely.Point(108.1, 30.0)
    who, data = access.actor(made["office"]), {"code": "S001", "name": "桥头摊"}
    records.create(who, county.pk, "lemonade.stall", data, organisation=county.pk, area=town, geometry=place)
    return made


def walk(start: datetime, minutes: int = 15, *, off: float = 0.0, step: float = STEP) -> dict[str, Any]:
    """A walk northwards from the stall with a position each quarter of a minute."""
    track = [[108.1 + off, 30.0 + n * step, n * 15.0, 6] for n in range(minutes * 4 + 1)]
    return {"ended_at": (start + timedelta(minutes=minutes)).isoformat(), "track": track}


def begun(start: datetime, key: str = "S001") -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "beat": "lemonade.rounds", "key": key, "started_at": start.isoformat()}


def seen(who: Person, county: County) -> tuple[access.Actor, str, datetime]:
    """Who asks a dataset, of which county, now."""
    return access.actor(who), county.pk, timezone.now()


@pytest.fixture
def start() -> datetime:
    return timezone.now() - timedelta(minutes=30)


pytestmark = pytest.mark.django_db


def test_a_patrol_with_a_photo_and_a_problem_counts_once(
    county: County, staff: dict[str, Person], start: datetime
) -> None:
    phone, on = Phone(staff["east"]), begun(start)
    [beat] = phone.state()["beats"]
    assert [(o["key"], o["due"], o["walked"]) for o in beat["objects"]] == [("S001", 4, 0)]
    assert Phone(staff["west"]).state()["beats"][0]["objects"] == []
    report = {"flow": "lemonade.order", "answer": {"title": "坏了"}, "area": area(county, "101").code, "patrol": on}
    assert phone.deed("report", **report).json()["outcome"] == "done"  # it arrives before the patrol that it belongs to
    end = phone.written("patrol", patrol=on, photos={"photos": [phone.photo()]}, note="一切正常", **walk(start))
    first = phone.send("POST", "deeds", end).json()
    assert (first["outcome"], first["counts"], first["flaws"], first["lacks"]) == ("done", True, [], [])
    assert 650 < first["metres"] < 680
    assert phone.send("POST", "deeds", end).json() == first
    again = phone.deed("patrol", patrol=on, **walk(start, 25)).json()
    assert again["metres"] == first["metres"]
    row = Patrol.objects.get()
    assert (row.person, row.area, len(row.track), PatrolCase.objects.get().patrol) == (
        staff["east"], area(county, "101"), 61, row,
    )  # fmt: skip
    assert phone.state()["beats"][0]["objects"][0]["walked"] == 1
    asked = datasets.Asked(
        {"from": "patrols", "of": "lemonade.rounds", "by": ["person"]}, *seen(staff["office"], county)
    )
    assert [(row.cells, row.is_simulated) for row in datasets.ask(asked).rows] == [(("east", 1), False)]
    with pytest.raises(datasets.NotYours):
        datasets.ask(datasets.Asked({"from": "patrols"}, *seen(staff["stranger"], county)))
    page = browser(staff["office"]).get(f"/patrols/?month={timezone.localtime(start):%Y-%m}")
    month = page.context["told"]
    last = browser(staff["office"]).get("/patrols/?month=9999-12")  # the calendar has no month after it
    assert last.context["month"] == timezone.localdate().replace(day=1)
    assert [(o.key, o.due, o.walked, o.score) for o in month.objects] == [("S001", 4, 1, 25)]
    assert [(p.title, p.walked, p.cases) for p in month.people] == [("east", 1, 1)]
    one = browser(staff["office"]).get(f"/patrols/{row.pk}/")
    assert [part for part in ("巡摊", "桥头摊", "一切正常", "坏了") if part not in text(one)] == []
    photo = f"/patrols/{row.pk}/photos/{PatrolPhoto.objects.get().photo_id}"
    assert b"".join(browser(staff["office"]).get(photo).streaming_content) == JPEG
    assert browser(staff["west"]).get(photo).status_code == 403


def test_patrols_stand_on_the_map_and_objects_by_how_often_they_were_walked(
    county: County, staff: dict[str, Person]
) -> None:
    rows = [{"person": "east", "key": "S001", "days_ago": 0, "at": "00:00", "minutes": 15, "part": [0.0, 0.4]}]
    rows.append({**rows[0], "days_ago": 40})
    for _ in range(2):
        strolls.simulated(county.pk, [{"beat": "lemonade.rounds", "rows": rows}])
    assert list(Patrol.objects.values_list("origin", "flaws", "lacks", "is_counted")) == [(1, [], [], True)] * 2

    def drawn(who: Person, source: str) -> list[tuple[Any, ...]]:
        colours = {"counted": "#000001", "full": "#000002", "part": "#000003", "none": "#000004"}
        names = {"zh": "巡", "en": "Walks"}
        layer = maps.Layer(
            "x.y", names, names, source, "lemonade.rounds", "route", "#000000", 1, style={"colours": colours}
        )
        found = maps.features(access.actor(who), county.pk, layer)
        told = [(one.properties["where"], one.properties["text"], one.properties["mark"]) for one in found]
        return [(*one, feature.properties["origin"]) for one, feature in zip(told, found, strict=True)]

    assert drawn(staff["office"], "patrols") == [("east", "0.9 km · 计入", "#000001", 1)]  # not that of forty days ago
    month = f"{timezone.localdate():%Y-%m}"
    assert drawn(staff["office"], "patrol_coverage") == [("S001", f"1 / 4 · {month}", "#000003", 0)]
    assert [drawn(staff["stranger"], source) for source in ("patrols", "patrol_coverage")] == [[], []]


@pytest.mark.parametrize(
    ("changed", "flaws", "lacks"),
    [
        ({"off": 0.05}, [], ["near"]), ({"minutes": 5}, [], ["minutes"]), ({"step": STEP / 10}, [], ["metres"]),
        ({"step": 0}, ["still"], ["metres"]), ({"step": STEP * 20}, ["speed"], []),
        ({"step": 0.01}, ["jump", "still"], ["metres"]),
        ({"minutes": 90}, ["clock"], []),
    ],
)  # fmt: skip
def test_what_is_implausible_is_marked_and_kept(
    staff: dict[str, Person], start: datetime, changed: dict[str, Any], flaws: list[str], lacks: list[str]
) -> None:
    answer = Phone(staff["east"]).deed("patrol", patrol=begun(start), **walk(start, **changed)).json()
    assert (answer["outcome"], answer["flaws"], answer["lacks"], answer["counts"]) == ("done", flaws, lacks, False)
    row = Patrol.objects.get()
    office = browser(staff["office"])
    refused = office.post(f"/patrols/{row.pk}/accept", {"why": " "}, follow=True)
    assert (told(refused), Patrol.objects.get().is_counted) == (["请说明理由。"], False)
    office.post(f"/patrols/{row.pk}/accept", {"why": "手机旧，人到了"})
    row.refresh_from_db()
    assert (row.is_counted, row.accepted_by, row.flaws) == (True, staff["office"], flaws)


def test_nobody_walks_or_sees_what_is_not_theirs(county: County, staff: dict[str, Person], start: datetime) -> None:
    on = begun(start)
    Phone(staff["east"]).deed("patrol", patrol=on)
    before = (Patrol.objects.count(), Deed.objects.count(), Case.objects.count())
    assert Phone(staff["west"]).deed("patrol", patrol=on, **walk(start)).status_code == 403
    for name in ("office", "stranger"):
        assert Phone(staff[name]).deed("patrol", patrol=begun(start), **walk(start)).status_code == 403
    assert Phone(staff["east"]).deed("patrol", patrol=begun(start, "S999")).status_code == 403
    for name in ("west", "stranger"):
        assert browser(staff[name]).get("/patrols/").status_code == 403
        assert browser(staff[name]).get(f"/patrols/{on['id']}/").status_code == 403
        assert browser(staff[name]).post(f"/patrols/{on['id']}/accept", {"why": "好"}).status_code == 403
    assert browser(staff["east"]).post(f"/patrols/{on['id']}/accept", {"why": "好"}).status_code == 403
    assert browser(staff["east"]).get(f"/patrols/{on['id']}/").status_code == 200
    wrong = Phone(staff["east"]).deed("patrol", patrol=on, ended_at=start.isoformat(), track=[[200, 0, 0]])
    assert (wrong.status_code, wrong.json()["problems"][0]["name"]) == (422, "track")
    assert (Patrol.objects.count(), Deed.objects.count(), Case.objects.count()) == before
    assert Patrol.objects.get().ended_at is None


POINT = st.builds(
    Point, st.floats(107, 109), st.floats(29, 31), st.floats(0, 7200), st.none() | st.floats(0, 500)
)  # fmt: skip


@given(st.lists(POINT, max_size=30))
def test_a_track_is_never_longer_for_what_is_impossible(points: list[Point]) -> None:
    verdict = judge(points, fastest=20, span=7200, received=7200)
    assert 0 <= verdict.metres <= 150 / 3.6 * 7200 * max(1, len(points))
    assert set(verdict.flaws) <= {"clock", "jump", "speed", "still", "vague", "gaps"}
    assert ("clock" in verdict.flaws) == (sorted(p.at for p in points) != [p.at for p in points])
