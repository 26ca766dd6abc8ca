"""The same questions have the same answers, byte for byte, whether a day lies in the database or in a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.engines.things.sta.service import NOON, Service, World, basic, minute
from tests.engines.things.test_store import url
from tests.fixtures import person

from shizhu.engines.things import api, archive, queries, recall, store
from shizhu.engines.things.http.sta.functions import RELATIONS
from shizhu.engines.things.models import ArchivedDay, Day, FeatureOfInterest, Latest, Observation
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
DAYS = [date(2026, 6, 29) + timedelta(days=n) for n in range(3)]
STEP = 180  # minutes


@pytest.fixture
def days(towns: World) -> World:
    """Five days of three datastreams: corrections, withdrawn ones, intervals, texts, remarks, a feature of its own."""
    own = FeatureOfInterest.objects.create(name="a well", feature={"type": "Point", "coordinates": [100.9, 30.9]})
    for n, (name, stream) in enumerate(towns.streams.items()):
        for number in range(-2 * 1440 + n, 2 * 1440, STEP):
            towns.observe(name, number, result=number / 7)
        towns.observe(name, -600 + n, sequence=1, result=-1.5, known_at=minute(10), reason={"rule": "rate"}, verdict=1)
        towns.observe(name, -600 + n, sequence=2, result=1e-7, known_at=minute(20))
        towns.observe(name, -1500 + n, sequence=1, result=None, verdict=3, known_at=minute(30))
        towns.observe(name, -30 + n, result=5, phenomenon_end=minute(90), result_time=minute(100), origin=1)
        towns.observe(name, -31 + n, result_json={"b": ['x,"y"', None], "a": 1}, extra={"parameters": {"k": "柱"}})
        towns.observe(name, -32 + n, result_json="text", extra={"resultQuality": "fair"}, feature=own)
        newest = Observation.objects.filter(datastream=stream).latest("phenomenon_time")
        Latest.objects.create(
            datastream=stream, first_time=minute(-2 * 1440 + n), phenomenon_time=newest.phenomenon_time,
            last_end=newest.phenomenon_time, result=newest.result, verdict=0, origin=0, known_at=NOON,
        )  # fmt: skip
    towns.observe("cold", -3 * 1440, result=1.0, known_at=minute(5))
    return towns


async def taken_back() -> None:
    async with await psycopg.AsyncConnection.connect(url(), autocommit=True) as plain, plain.transaction():
        query = "SELECT datastream_id, day FROM things_day"
        await store.take_back(plain, await (await plain.execute(query)).fetchall())


def asked(service: Service, questions: Iterable[str]) -> list[tuple[int, bytes]]:
    answers = [service.get(quote(question, safe="/?$=&()%;,':-")) for question in questions]
    return [(answer.status, answer.body) for answer in answers]


def times() -> st.SearchStrategy[str]:
    offsets = st.sampled_from([-3000, -2881, -1500, -600, -480, -481, -31, 0, 300, 960, 2000])
    return st.builds(lambda n: f"{minute(n):%Y-%m-%dT%H:%M:%SZ}", offsets)


def conditions() -> st.SearchStrategy[str]:
    plain = st.one_of(
        st.builds("phenomenonTime {} {}".format, st.sampled_from(["lt", "le", "gt", "ge", "eq"]), times()),
        st.builds("phenomenonTime {} {}/PT9H".format, st.sampled_from(["lt", "le", "gt", "ge", "eq"]), times()),
        st.builds(
            lambda name, *ends: f"{name}(phenomenonTime,{'/'.join(sorted(ends))})",
            st.sampled_from(sorted(RELATIONS)), times(), times(),
        ),
        st.builds("result {} {}".format, st.sampled_from(["gt", "le"]), st.sampled_from(["0", "-100.5", "200"])),
        st.sampled_from([
            "result eq 'text'", "parameters/k eq '柱'",
            "resultQuality/verdict eq 'suspect'", "parameters/origin eq 'simulated'",
            "Datastream/name eq 'warm'", "Datastream/Thing/name eq '西站'", "day(phenomenonTime) eq 30",
            "FeatureOfInterest/name eq 'a well'", "resultTime ne null", "Datastream/ObservedProperty/name eq 'coldth'",
            "st_within(FeatureOfInterest/feature, geography'POLYGON((100 30,101 30,101 31,100 31,100 30))')",
            "geo.distance(FeatureOfInterest/feature, geography'POINT(100.9 30.9)') lt 0.1",
        ]),
    )  # fmt: skip
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=3,
    )


def options(separator: str, *, is_nested: bool) -> st.SearchStrategy[str]:
    """Query options of Observations."""
    orders = st.sampled_from([
        "phenomenonTime", "phenomenonTime desc", "result desc", "phenomenonTime desc,result", "id", "resultTime",
    ])  # fmt: skip
    choices = {
        "$filter": conditions(), "$orderby": orders, "$top": st.sampled_from(["0", "1", "3", "20"]),
        "$skip": st.sampled_from(["1", "7"]), "$count": st.just("true"), "$select": st.just("result,phenomenonTime,id"),
    }  # fmt: skip
    if not is_nested:
        choices |= {
            "$expand": st.sampled_from(["Datastream", "FeatureOfInterest($select=name)", "Datastream($expand=Thing)"]),
            "$asOf": st.builds(lambda n: f"{minute(n):%Y-%m-%dT%H:%M:%SZ}", st.sampled_from([3, 15, 25, 60])),
        }
    made = st.fixed_dictionaries({}, optional=choices)
    return made.map(lambda chosen: separator.join(f"{name}={value}" for name, value in chosen.items()))


def questions(world: World) -> st.SearchStrategy[str]:
    """Paths and options that read Observations."""
    warm, cold = world.streams["warm"].pk, world.streams["cold"].pk
    well = FeatureOfInterest.objects.get(name="a well").pk
    ids = list(Observation.objects.order_by("id").values_list("id", flat=True))
    collections = [
        "Observations", f"Datastreams({warm})/Observations", f"Datastreams({cold})/Observations",
        f"FeaturesOfInterest({well})/Observations",
        f"FeaturesOfInterest({world.streams['wet'].feature_id})/Observations",
        f"Things({world.west.pk})/Datastreams({cold})/Observations",
    ]  # fmt: skip
    nested = options(";", is_nested=True).map(lambda text: f"Observations({text})" if text else "Observations")
    around = st.sampled_from([
        "Datastreams?$expand={}", f"Datastreams({warm})?$expand={{}}",
        f"Things({world.east.pk})?$expand=Datastreams/{{}}",
        "Things?$expand=Datastreams($expand={})", "Datastreams?$top=1&$expand={}", "FeaturesOfInterest?$expand={}",
    ])  # fmt: skip
    return st.one_of(
        st.builds("{}?{}".format, st.sampled_from(collections), options("&", is_nested=False)),
        st.builds("{}/$count?$filter={}".format, st.sampled_from(collections), conditions()),
        st.sampled_from([f"{collection}/$count" for collection in collections]),
        st.builds(lambda form, inner: form.format(inner), around, nested),
        st.builds("Observations({}){}".format, st.sampled_from(ids), st.sampled_from(
            ["", "/result", "/Datastream", "?$expand=Datastream", "/Datastream/Observations?$top=2",
             "/phenomenonTime/$value"]
        )),
        st.builds("Datastreams?$filter=Observations/result gt {}".format, st.sampled_from(["0", "300", "4000"])),
        st.builds("Observations?$resultFormat=dataArray&$filter={}".format, conditions()),
        st.builds("Observations?$filter=id eq {}".format, st.sampled_from(ids)),
    )  # fmt: skip


@given(data=st.data())
@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck])
def test_the_same_question_has_the_same_answer(days: World, service: Service, run: Any, data: st.DataObject) -> None:
    run(taken_back())
    asking = data.draw(st.lists(questions(days), min_size=30, max_size=60))
    before = asked(service, asking)
    for day in DAYS:
        archive.archive(day)
    for question, told, now in zip(asking, before, asked(service, asking), strict=True):
        assert (question, now) == (question, told)
    run(taken_back())
    assert Day.objects.filter(is_recalled=False).count() == 0
    assert asked(service, asking) == before


def test_pages_are_walked_through_without_loss(days: World, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        f"{start}{top}{order}"
        for start in ("Observations", f"Datastreams({days.streams['wet'].pk})/Observations")
        for top in ("?$top=7&$count=true", "?$top=7")
        for order in ("", "&$orderby=phenomenonTime desc", "&$orderby=phenomenonTime", "&$filter=result gt 0")
    ]
    before = [walked(service, path) for path in paths]
    assert len(before[0]) == -(-Observation.objects.filter(verdict__lt=3).count() // 7)
    for day in DAYS:
        archive.archive(day)
    monkeypatch.setattr("shizhu.engines.things.http.sta.archived.FEW", 1)
    assert [walked(service, path) for path in paths] == before


def walked(service: Service, path: str) -> list[bytes]:
    pages = []
    while path:
        answer = service.get(quote(path, safe="/?$=&()%;,':-"))
        pages.append(answer.body)
        path = answer.json.get("@iot.nextLink", "")
    return pages


def test_what_would_read_too_much_is_refused(days: World, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in DAYS:
        archive.archive(day)
    monkeypatch.setattr(recall, "MOST", 20)
    answer = service.get("Observations?$orderby=result")
    stored = sum(ArchivedDay.objects.values_list("rows", flat=True))
    assert (answer.status, answer.json["message"]) == (
        501,
        f"{stored} rows of archived days would have to be read, and 20 may be: bound phenomenonTime, ask one"
        " Datastream, or order by phenomenonTime",
    )
    assert service.get("Observations?$orderby=phenomenonTime desc&$top=3").status == 200
    assert service.get("Observations/$count").status == 200


def test_archived_observations_are_corrected_and_deleted(days: World, service: Service) -> None:
    warm = days.streams["warm"].pk
    path = f"Datastreams({warm})/Observations"
    ids = service.get(f"{path}?$top=3").all("@iot.id")
    known = service.get(f"Observations({ids[1]})").json
    for day in DAYS:
        archive.archive(day)
    changed = service.patch(f"Observations({ids[0]})", {"result": 77.5})
    assert (changed.status, changed.json["result"], changed.json["@iot.id"]) == (200, 77.5, ids[0])
    assert service.ask("DELETE", f"Observations({ids[1]})").status == 200
    assert service.get(f"Observations({ids[1]})").status == 404
    first = service.get(f"{path}?$top=3")
    assert first.all("@iot.id")[:2] == [ids[0], ids[2]]
    assert ArchivedDay.objects.filter(is_touched=True).count() == 1
    for day in archive.touched():
        archive.archive(day)
    assert service.get(f"{path}?$top=3").body == first.body
    assert service.get(f"Observations({ids[1]})").status == 404
    then = service.get(f"Observations?$asOf={minute(40):%Y-%m-%dT%H:%M:%SZ}&$filter=id eq {ids[1]}".replace(" ", "%20"))
    assert then.value == [known]  # the tombstone lies in the file, and what it hides
    removed = service.ask("DELETE", f"{path}?$filter=phenomenonTime%20lt%20{minute(-2000):%Y-%m-%dT%H:%M:%SZ}")
    assert removed.status == 204
    assert service.get(f"{path}?$filter=phenomenonTime%20lt%20{minute(-2000):%Y-%m-%dT%H:%M:%SZ}").value == []


def test_everybody_sees_what_they_saw_before(days: World, closed: Service, county: County) -> None:
    person(county, "things.thing.view", username="dong", in_area="101")
    person(county, "things.thing.view", username="xi", in_area="102")
    person(county, "cases.case.view", username="none")
    Observation.objects.filter(datastream=days.streams["cold"], feature__isnull=False).update(feature=None)
    paths = [
        "FeaturesOfInterest", "Observations?$top=1000&$count=true", "Observations/$count",
        "Things?$expand=Datastreams/Observations",
        f"Datastreams({days.streams['cold'].pk})/Observations?$orderby=phenomenonTime desc",
        f"Datastreams({days.streams['warm'].pk})/Observations?$count=true",
    ]  # fmt: skip
    before = {name: asked(closed.be(basic(name)), paths) for name in ("dong", "xi", "none")}
    for day in DAYS:
        archive.archive(day)
    assert {name: asked(closed.be(basic(name)), paths) for name in ("dong", "xi", "none")} == before
    own = FeatureOfInterest.objects.get(name="a well").name
    assert [own in str(before[name][0][1]) for name in ("dong", "xi", "none")] == [True, False, False]


def test_other_rooms_find_archived_readings_too(days: World) -> None:
    streams = [stream.pk for stream in days.streams.values()]
    warm = streams[0]

    def found() -> list[Any]:
        spans = [(-5000, 5000), (-1600, -500), (-33, 0), (900, 2000)]
        return [
            *(api.series(warm, minute(a), minute(b), most) for a, b in spans for most in (5, 2000)),
            *(api.latest(streams, minute(n)) for n in (-5000, -2880, -1499, -31, 0, 700, 3000)),
            queries.last(warm, 30),
            api.packet(warm, minute(-600)),
            *(api.readings(streams, minute(a), minute(b)) for a, b in spans),
        ]

    before = found()
    assert len(before[1]) > 30
    for day in DAYS:
        archive.archive(day)
    assert found() == before


def test_in_a_batch_too(days: World, service: Service) -> None:
    path = f"Datastreams({days.streams['warm'].pk})/Observations?$top=3"
    ids = service.get(path).all("@iot.id")
    for day in DAYS:
        archive.archive(day)
    body = {"body": {"result": 7.5}, "atomicityGroup": "g", "method": "patch"}
    requests = [{"id": str(id_), "url": f"Observations({id_})", **body} for id_ in ids]
    told = service.post("$batch", {"requests": requests}, **{"content-type": "application/json"}).json["responses"]
    assert [(one["status"], one["body"]["result"]) for one in told] == [(200, 7.5)] * 3
    assert service.get(path).all("result") == [7.5] * 3
