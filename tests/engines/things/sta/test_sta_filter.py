"""`$filter`: which entities meet it, and what is said of one that cannot be."""

from __future__ import annotations

import pytest
from tests.engines.things.sta.service import Service, World, minute

from shizhu.engines.things.models import Location

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]

OBSERVATIONS = {  # the minutes whose readings meet it: 0–4 have their minute as result, 5 a text, 6 a JSON, 7 "3"
    "result gt 3": [4],
    "result ge 3 and result lt 4": [3],
    "result gt '3'": [4],
    "result eq '3'": [3, 7],
    "3 lt result": [4],
    "result eq 'high'": [5],
    "result ne 'high'": [0, 1, 2, 3, 4, 6, 7],
    "result ne 3": [0, 1, 2, 4, 5, 6, 7],
    "result/level ne 2": [0, 1, 2, 3, 4, 5, 7],
    "not (result/level eq 2) and result lt 2": [0, 1],
    "not startswith(result/name,'y')": [6],
    "result eq 3 eq true": [3],
    "result gt 3 eq false": [0, 1, 2, 3],
    "result eq 1 ne true and result lt 3": [0, 2],
    "result in (1,2) eq true": [1, 2],
    "result gt 'a'": [5],
    "result/level eq 2": [6],
    "result/name eq 'x'": [6],
    "result eq null": [],
    "result ne null and result lt 1": [0],
    "result in (1,3,5)": [1, 3],
    "result add 1 eq 3": [2],
    "(result sub 1) mul 2 eq 6": [4],
    "result div 2 eq 1.5": [3],
    "result mod 2 eq 0": [0, 2, 4],
    "-result lt -3": [4],
    "1 div result gt 0.9": [1],
    "round(result div 3) eq 1 and floor(result) le 3 and ceiling(result) ge 2": [2, 3],
    "not (result gt 0) and result ge 0": [0],
    "not(result gt 0 or result lt 0)": [0, 5, 6, 7],
    "result eq 0 or result eq 1 and result eq 2": [0],
    "(result eq 0 or result eq 1) and result eq 2": [],
    "phenomenonTime eq 2026-07-01T12:03:00Z": [3],
    "phenomenonTime eq 2026-07-01T20:03:00%2B08:00": [3],
    "phenomenonTime eq 2026-07-01T20:03:00+08:00": [3],
    "phenomenonTime ne 2026-07-01T12:03:00Z and phenomenonTime lt 2026-07-01T12:05:00Z": [0, 1, 2, 4],
    "phenomenonTime lt 2026-07-01T12:01:00": [0],
    "phenomenonTime gt 2026-07-01T12:06:00Z": [7],
    "phenomenonTime ge 2026-07-01T12:07:00Z": [7],
    "phenomenonTime le 2026-07-01T12:07:30Z and phenomenonTime gt 2026-07-01T12:05:30Z": [6],
    "phenomenonTime lt now() sub duration'P1D' and result eq 1": [1],
    "phenomenonTime add duration'PT1M' eq 2026-07-01T12:01:00Z": [0],
    "phenomenonTime gt 2026-07-02": [],
    "date(phenomenonTime) eq 2026-07-01 and result le 1": [0, 1],
    "year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 7 and day(phenomenonTime) eq 1 and result eq 2": [2],
    "hour(phenomenonTime) eq 12 and minute(phenomenonTime) gt 5 and second(phenomenonTime) eq 0": [6, 7],
    "time(phenomenonTime) lt 12:01:00": [0],
    "totalseconds(phenomenonTime sub 2026-07-01T12:00:00Z) eq 120": [2],
    "phenomenonTime eq 2026-07-01T12:07:00Z/2026-07-01T12:08:00Z": [7],
    "phenomenonTime lt 2026-07-01T12:02:00Z/2026-07-01T12:08:00Z": [0, 1],
    "phenomenonTime gt 2026-07-01T12:00:00Z/2026-07-01T12:05:00Z": [6, 7],
    "phenomenonTime gt 2026-07-01T11:00:00Z/2026-07-01T12:00:00Z add duration'PT5M'": [6, 7],
    "phenomenonTime add duration'PT1M' eq 2026-07-01T12:08:00Z/2026-07-01T12:09:00Z": [7],
    "before(phenomenonTime,2026-07-01T12:02:00Z)": [0, 1],
    "before(phenomenonTime,2026-07-01T12:08:00Z/PT1M) and after(phenomenonTime,2026-07-01T12:05:00Z)": [6, 7],
    "before(2026-07-01T12:05:00Z,phenomenonTime)": [6, 7],
    "after(phenomenonTime,2026-07-01T12:00:00Z/2026-07-01T12:06:00Z)": [6, 7],
    "during(phenomenonTime,2026-07-01T12:01:00Z/2026-07-01T12:03:00Z)": [1, 2],
    "during(phenomenonTime, 2026-07-01T20:07:00+08:00/2026-07-01T20:08:00+08:00)": [7],
    "during(phenomenonTime,2026-07-01T12:07:00Z/PT59S)": [],
    "during(phenomenonTime,P1D/2026-07-01T12:02:00)": [0, 1],
    "during(2026-07-01T12:07:30Z,phenomenonTime)": [7],
    "during(resultTime,2026-07-01T12:09:00Z/PT1S)": [2],
    "during(phenomenonTime,2026-07-01T12:01:00.000Z/PT1M) or result eq 4": [1, 4],
    "during(phenomenonTime,validTime) and result eq 4": [4],
    "overlaps(phenomenonTime,2026-07-01T12:07:30Z/2026-07-01T12:09:00Z)": [7],
    "overlaps(phenomenonTime,2026-07-01T12:06:00Z/2026-07-01T12:07:00Z)": [6],
    "overlaps(phenomenonTime,2026-07-01T12:05:00Z)": [5],
    "overlaps(validTime,2026-07-01T12:59:00Z/PT5M)": [4],
    "not overlaps(validTime,2026-07-01T13:00:00Z/PT5M)": [4],
    "meets(phenomenonTime,2026-07-01T12:03:00Z/2026-07-01T12:07:00Z)": [3, 7],
    "starts(phenomenonTime,2026-07-01T12:07:00Z)": [7],
    "finishes(2026-07-01T12:08:00Z,phenomenonTime)": [7],
    "date(phenomenonTime) eq date('2026-07-01') and result le 1": [0, 1],
    "date(phenomenonTime) eq '2026-07-01' and result le 1": [0, 1],
    "date(phenomenonTime) eq date(2026-07-01T09:00:00Z) and result le 1": [0, 1],
    "phenomenonTime eq '2026-07-01T12:03:00Z'": [3],
    "phenomenonTime gt '2026-07-02'": [],
    "year('2026-07-01') eq 2026 and result eq 0": [0],
    "time(resultTime) le validTime": [],
    "resultTime gt 2026-07-01T12:00:00Z": [2],
    "resultTime eq null and result lt 2": [0, 1],
    "validTime gt 2026-07-01T11:00:00Z": [4],
    "validTime lt 2026-07-01T14:00:00Z": [4],
    "parameters/origin eq 'simulated'": [1],
    "parameters/depth gt 1.5": [4],
    "resultQuality/verdict eq 'bad'": [0],
    "Datastream/name eq 'warm' and result eq 1": [1],
    "Datastream/Thing/name eq '东站' and result eq 1": [1],
    "Datastream/Thing/properties/floors eq 1 and result eq 1": [1],
    "Datastream/Thing/properties/floors gt 1": [],
    "FeatureOfInterest/name eq 'warm place' and result eq 1": [1],
    "Datastream/@iot.id eq {warm} and result eq 0": [0],
    "Datastream/id eq '{warm}' and result eq 0": [0],
    "@iot.id eq {first}": [0],
    "id eq 99999999999999999999": [],
    "Datastream/unitOfMeasurement/symbol eq '℃' and result eq 0": [0],
    "year(Datastream/phenomenonTime) eq 2026": [],
}
THINGS = {
    "name eq '东站'": ["东站"],
    "startswith(name,'东')": ["东站"],
    "startswith(name,'东') eq true": ["东站"],
    "startswith(name,'东') eq false": ["西站"],
    "endswith(name,'站')": ["东站", "西站"],
    "contains(description,'西')": ["西站"],
    "substringof('东',description)": ["东站"],
    "length(name) eq 2 and indexof(name,'站') eq 1": ["东站", "西站"],
    "toupper(properties/owner) eq 'BOB' and tolower('BOB') eq properties/owner": ["西站"],
    "substring(properties/owner,1) eq 'ob' or substring(properties/owner,0,2) eq 'al'": ["东站", "西站"],
    "concat(concat(name,' '),trim(' x ')) eq '东站 x'": ["东站"],
    "properties/owner eq 'alice'": ["东站"],
    "properties/nothing eq null": ["东站", "西站"],
    "properties/owner gt 1": [],
    "properties/户主 eq '张三'": ["西站"],
    "properties/户主 ne '张三'": ["东站"],
    "properties/station-id eq 7": ["西站"],
    "Datastreams/any(d:d/properties/户主 ne '张三') and properties/floors eq 1": ["东站"],
    "Locations/name ne 'roof'": [],
    "contains(name,'%') or contains(name,'_')": [],
    "name eq 'o''clock'": [],
    "Datastreams/name eq 'wet'": ["东站"],
    "Datastreams/name eq 'cold' or name eq '东站'": ["东站", "西站"],
    "not (Datastreams/name eq 'cold')": ["东站"],
    "Datastreams/Observations/result eq 4": ["东站"],
    "Datastreams/name eq 'wet' and Datastreams/Observations/result eq 4": [],
    "Datastreams/Sensor/name eq 'probe' and name eq '西站'": ["西站"],
    "Locations/name eq 'roof'": ["西站"],
    "Locations/name eq null": ["东站"],
    "mindatetime() lt maxdatetime()": ["东站", "西站"],
}
SQUARE = "geography'POLYGON ((30 10, 10 20, 20 40, 40 40, 30 10))'"
EXAMPLES = {  # of 18-088 §9.3.3.5.2, table 23, as they stand there
    "Things": [
        "substringof('Sensor Things',description)", "endswith(description,'Things')",
        "startswith(description,'Sensor')", "length(description) eq 13", "indexof(description,'Sensor') eq 1",
        "substring(description,1) eq 'ensor Things'",
        "tolower(description) eq 'sensor things'", "toupper(description) eq 'SENSOR THINGS'",
        "trim(description) eq 'Sensor Things'",
    ],
    "Datastreams": [
        "concat(concat(unitOfMeasurement/symbol,', '), unitOfMeasurement/name) eq 'degree, Celsius'",
    ],
    "Observations": [
        "year(resultTime) eq 2015", "month(resultTime) eq 12", "day(resultTime) eq 8", "hour(resultTime) eq 1",
        "minute(resultTime) eq 0", "second(resultTime) eq 0", "fractionalseconds(resultTime) eq 0",
        "date(resultTime) ne date(validTime)", "time(resultTime) le validTime", "totaloffsetminutes(resultTime) eq 60",
        "resultTime ge now()", "resultTime eq mindatetime()", "resultTime eq maxdatetime()", "round(result) eq 32",
        "floor(result) eq 32", "ceiling(result) eq 33",
    ],
    "Locations": [
        "geo.distance(location, geography'POINT (30 10)') eq 0",
        "geo.length(geography'LINESTRING (30 10, 10 30, 40 40)') eq 0", f"geo.intersects(location, {SQUARE})",
        "st_equals(location, geography'POINT (30 10)')", f"st_disjoint(location, {SQUARE})",
        "st_touches(location, geography'LINESTRING (30 10, 10 30, 40 40)')", f"st_within(location, {SQUARE})",
        f"st_overlaps(location, {SQUARE})", "st_crosses(location, geography'LINESTRING (30 10, 10 30, 40 40)')",
        f"st_intersects(location, {SQUARE})", "st_contains(location, geography'POINT (30 10)')",
        f"st_relate(location, {SQUARE}, 'T********')",
    ],
}  # fmt: skip
FAULTS = {
    "nam eq 1": ("Observation has no 'nam'; it has id, phenomenonTime,", 0),
    "result gt 1 and Datastream/nam eq 1": ("Datastream has no 'nam';", 27),
    "Datastream eq 1": ("Datastream is an entity, not a value:", 0),
    "result gt": ("'gt' is not expected here", 7),
    "result gt 1 and": ("'and' is not expected here", 12),
    "result gt 'x": ('"\'x" is not expected here', 10),
    "(result gt 1": ("the expression ends too early", 12),
    "result": ("a condition is needed here, and this is a result", 0),
    "phenomenonTime gt 'x'": ("a time is needed here, and this is text", 18),
    "phenomenonTime gt 5": ("a time is needed here, and this is a number", 18),
    "Datastream/name gt 5": ("text and a number cannot be compared", 0),
    "phenomenonTime/x eq 1": ("phenomenonTime is a time or an interval of time, so it has no 'x'", 15),
    "resultTime eq 2026-02-31T00:00:00Z": ("2026-02-31T00:00:00Z is not possible:", 14),
    "result gt 1e999": ("1e999 is not possible: a number must be finite", 10),
    "result gt null": ("null is equal (eq) or not (ne), nothing else", 0),
    "totalseconds(result) eq 2": ("a duration is needed here, and this is a result", 13),
    "shout(result) eq 'A'": ("no function 'shout'", 0),
    "result eq 1 and length(1,2) eq 2": ("length takes 1 arguments, not 2", 16),
    "length(phenomenonTime) eq 2": ("text is needed here, and this is a time or an interval of time", 7),
    "year(result) eq 2": ("a time is needed here, and this is a result", 5),
    "during(phenomenonTime,2026-07-01T12:00:00Z)": ("an interval of time is needed here, and this is a time", 22),
    "overlaps(phenomenonTime)": ("overlaps takes 2 arguments, not 1", 0),
    "before(result,2026-07-01T12:00:00Z)": ("a time is needed here, and this is a result", 7),
    "after(phenomenonTime,2026-07-01T12:00:00Z/2026-07-01T11:00:00Z)": (
        "2026-07-01T12:00:00Z/2026-07-01T11:00:00Z is not possible: an interval must not end before it begins",
        21,
    ),
    "during(phenomenonTime,2026-07-01T12:00:00Z/P)": ("'/P)' is not expected here", 42),
    "phenomenonTime gt '2026-02-31'": ("a time is needed here, and this is text", 18),
    " ": ("an expression is missing", 0),
    "not " * 3000 + "(result eq 1)": ("the expression is nested too deep", 0),
}


@pytest.fixture
def first(towns: World) -> int:
    quality, place = (
        {"verdict": 2},
        {"parameters": {"depth": 2}, "validTime": "2026-07-01T12:00:00Z/2026-07-01T13:00:00Z"},
    )
    made = towns.observe("warm", 0, **quality)
    towns.observe("warm", 1, origin=1)
    towns.observe("warm", 2, result_time=minute(9))
    towns.observe("warm", 3)
    towns.observe("warm", 4, extra=place)
    towns.observe("warm", 5, result_json="high")
    towns.observe("warm", 6, result_json={"level": 2, "name": "x"})
    towns.observe("warm", 7, result_json="3", phenomenon_end=minute(8))
    towns.west.properties |= {"户主": "张三", "station-id": 7}
    towns.west.save()
    towns.west.locations.add(Location.objects.create(name="roof", location={"type": "Point", "coordinates": [1, 2]}))
    return int(made.id)


def test_observations(service: Service, towns: World, first: int) -> None:
    found = {}
    for text in OBSERVATIONS:
        query = text.replace("{warm}", str(towns.streams["warm"].pk)).replace("{first}", str(first))
        times = service.get(f"Observations?$filter={query}").all("phenomenonTime")
        found[text] = [int(time[14:16]) for time in times]
    assert found == OBSERVATIONS


def test_things_by_text_json_and_collections(service: Service, first: int) -> None:
    assert {text: service.get(f"Things?$filter={text}").all("name") for text in THINGS} == THINGS
    counted = service.get("Things?$count=true&$filter=Datastreams/Observations/result ge 0").json
    assert (counted["@iot.count"], len(counted["value"])) == (1, 1)


def test_every_example_of_the_standard_is_answered(service: Service, first: int) -> None:
    asked = {f"{kind}?$filter={text}": 200 for kind, texts in EXAMPLES.items() for text in texts}
    assert {path: service.get(path).status for path in asked} == asked


def test_faults_name_the_rule_and_the_place(service: Service, towns: World) -> None:
    answers = {text: service.get(f"Observations?$filter={text}").fault for text in FAULTS}
    expected = {text: (400, f"$filter: {rule}", at) for text, (rule, at) in FAULTS.items()}
    cut = {text: (code, said[: len(expected[text][1])], at) for text, (code, said, at) in answers.items()}
    assert cut == expected


def test_what_the_database_cannot_take_is_a_bad_request(service: Service, county: object) -> None:
    assert service.get("Things?$filter=name eq '%00'").status == 400
    assert service.get("Things?$filter=substring(name,0,-1) eq 'a'").status in {200, 400}
