"""$batch: several requests in one, as multipart and as JSON; groups done wholly or not at all."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from tests.engines.things.sta.service import (
    LOCATION,
    PROPERTY,
    ROOT,
    SENSOR,
    STREAM,
    THING,
    Answer,
    Service,
    World,
    basic,
    counts,
)
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api
from shizhu.engines.things.http.sta import batch as rules
from shizhu.engines.things.models import Datastream, Observation, Thing
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
GO_ON = {"prefer": "continue-on-error"}


def part(line: str, body: Any = None, name: str = "") -> bytes:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    head += f"Content-ID: {name}\r\n" if name else ""
    rest = "" if body is None else "Content-Type: application/json\r\n\r\n" + orjson.dumps(body).decode()
    return f"{head}\r\n{line} HTTP/1.1\r\nHost: localhost\r\n{rest}\r\n".encode()


def joined(mark: str, *parts: bytes) -> bytes:
    return b"".join(b"--%s\r\n%s\r\n" % (mark.encode(), one) for one in parts) + f"--{mark}--\r\n".encode()


def changeset(*parts: bytes, mark: str = "inner") -> bytes:
    return f"Content-Type: multipart/mixed; boundary={mark}\r\n\r\n".encode() + joined(mark, *parts)


def multipart(service: Service, *parts: bytes, **headers: str) -> Answer:
    given = {"content-type": "multipart/mixed;boundary=outer", **headers}
    return service.post("$batch", b"before\r\n" + joined("outer", *parts) + b"after", **given)


def statuses(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", answer.body)]


def json(service: Service, *requests: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    answer = service.post("$batch", {"requests": [*requests]}, **{"content-type": "application/json", **headers})
    assert answer.status == 200, answer.body
    return answer.json["responses"]


def one(name: str, method: str, url: str, body: Any = None, **rest: Any) -> dict[str, Any]:
    return {"id": name, "method": method, "url": url, **({} if body is None else {"body": body}), **rest}


STREAM_ALONE = {name: STREAM[name] for name in STREAM if name not in {"Sensor", "ObservedProperty"}}


def test_multipart_reads_and_changes_in_order(service: Service, county: County) -> None:
    answer = multipart(
        service,
        part("POST /sta/v1.1/Things", THING, "oven"),
        part("GET /sta/v1.1/Things?$filter=name eq 'Oven'&$select=name"),
        changeset(
            part("POST Sensors", SENSOR, "s"), part("POST ObservedProperties", PROPERTY, "p"),
            part("POST $oven/Datastreams",
                 {**STREAM_ALONE, "Sensor": {"@iot.id": "$s"}, "ObservedProperty": {"@iot.id": "$p"}}, "d"),
            part("PATCH $oven", {"description": "it still bakes"}),
        ),
        part("GET $d/Thing?$select=description"),
        part("GET $oven/name/$value"),
    )  # fmt: skip
    assert statuses(answer) == [201, 200, 201, 201, 201, 200, 200, 200]
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=batch_")
    thing = Thing.objects.get()
    assert f"Location: {ROOT}/Things({thing.pk})\r\n".encode() in answer.body
    assert b'{"value":[{"name":"Oven"}]}' in answer.body.replace(b'" : ', b'":').replace(b'": ', b'":')
    assert (thing.description, thing.datastreams.get().sensor.name) == ("it still bakes", "DS18B20")
    assert [answer.body.count(mark) for mark in (b"it still bakes", b"Content-ID: oven", b"multipart/mixed")] == [
        2,
        1,
        1,
    ]
    assert answer.body.rstrip().endswith(b"--")


def test_a_changeset_that_fails_changes_nothing_and_is_answered_once(service: Service, county: County) -> None:
    before = counts()
    broken = changeset(part("POST Things", THING, "a"), part("POST $a/Datastreams", STREAM), part("POST Sensors", {}))
    answer = multipart(service, broken, part("POST Things", THING))
    assert (statuses(answer), counts()) == ([400], before)
    assert b"Sensor.name" in answer.body
    answer = multipart(service, broken, part("POST Things", THING), **GO_ON)
    assert (statuses(answer), Thing.objects.count()) == ([400, 201], 1)
    assert answer.headers["preference-applied"] == "odata.continue-on-error"
    reading = multipart(service, changeset(part("POST Things", THING), part("GET Things")), part("GET $a"), **GO_ON)
    assert (statuses(reading), Thing.objects.count()) == ([400, 400], 1)


def test_json_with_groups_and_dependencies(service: Service, county: County) -> None:
    found = json(
        service,
        one("t", "post", "Things", {**THING, "Locations": [LOCATION]}, atomicityGroup="g"),
        one("s", "post", "/sta/v1.1/Sensors", SENSOR, atomicityGroup="g"),
        one("d", "POST", "$t/Datastreams", {**STREAM, "Sensor": {"@iot.id": "$s"}}, dependsOn=["g"]),
        one("o", "post", "$d/Observations", {"result": 7}, dependsOn=["d"]),
        one("r", "get", "$o?$select=result", dependsOn=["o"]),
        one("c", "get", "Observations/$count"),
        one("x", "patch", "$t", [{"op": "replace", "path": "/name", "value": "x"}],
            headers={"Content-Type": "application/json-patch+json"}),
    )  # fmt: skip
    assert [(row["id"], row["status"]) for row in found] == [
        ("t", 201), ("s", 201), ("d", 201), ("o", 201), ("r", 200), ("c", 200), ("x", 200),
    ]  # fmt: skip
    assert (found[4]["body"], found[5]["body"], found[6]["body"]["name"]) == ({"result": 7}, "1", "x")
    assert found[0]["headers"]["location"] == f"{ROOT}/Things({Thing.objects.get().pk})"
    assert [row.get("atomicityGroup") for row in found[:3]] == ["g", "g", None]


def test_a_json_group_that_fails_takes_what_depends_on_it_along(service: Service, county: County) -> None:
    before = counts()
    asked = (
        one("a", "post", "Things", THING, atomicityGroup="g"), one("b", "post", "Sensors", {}, atomicityGroup="g"),
        one("c", "post", "Things", THING, dependsOn=["g"]), one("d", "get", "Things/$count"),
    )  # fmt: skip
    assert [row["status"] for row in json(service, *asked)] == [424, 400]
    found = json(service, *asked, **GO_ON)
    assert [row["status"] for row in found] == [424, 400, 424, 200]
    assert (counts(), found[3]["body"]) == (before, "0")


def test_what_is_no_batch_is_refused_whole(service: Service, county: County, monkeypatch: Any) -> None:
    before = counts()
    good = one("a", "post", "Things", THING)
    wrong: list[tuple[Any, str, int]] = [
        (b"", "text/plain", 415), (b"{", "application/json", 400), ([], "application/json", 400),
        ({"requests": [{"id": 1}]}, "application/json", 400), ({"requests": [good, good]}, "application/json", 400),
        ({"requests": [good, one("b", "get", "Things", dependsOn=["c"])]}, "application/json", 400),
        ({"requests": [{**good, "if": "$x"}]}, "application/json", 501),
        ({"requests": [{**good, "id": name, "atomicityGroup": group} for name, group in ("ag", "bh", "cg")]},
         "application/json", 400),
        (b"--x\r\n\r\n--x--", "multipart/mixed", 400), (b"--x\r\n\r\nGET Things", "multipart/mixed;boundary=x", 400),
        (joined("x", part("POST Things", THING), b"Content-Type: text/plain\r\n\r\nhello"),
         "multipart/mixed;boundary=x", 400),
        (joined("x", part("POST Things", THING), b"\r\nGET\r\n\r\n"), "multipart/mixed;boundary=x", 400),
    ]  # fmt: skip
    told = [service.post("$batch", body, **{"content-type": kind}).status for body, kind, _ in wrong]
    assert told == [status for _, _, status in wrong]
    monkeypatch.setattr(rules, "MOST_PARTS", 1)
    many = {"requests": [good, {**good, "id": "b"}]}
    assert service.post("$batch", many, **{"content-type": "application/json"}).status == 413
    assert counts() == before


def test_each_part_is_for_this_service_alone(service: Service, county: County, monkeypatch: Any) -> None:
    addresses = "http://evil.test/sta/v1.1/Things", "/ogc/x", "$batch", f"{ROOT}/Things", "/sta/v1.1/Things", ""
    asked = [one(str(number), "get", url) for number, url in enumerate(addresses)]
    asked += [one("b", "post", "$batch", {}), one("t", "trace", "Things")]
    assert [row["status"] for row in json(service, *asked, **GO_ON)] == [400, 400, 400, 200, 200, 200, 400, 405]
    monkeypatch.setattr(rules, "MOST_BYTES", 10)
    two = [one("a", "get", "Things"), one("b", "get", "Things")]
    assert [row["status"] for row in json(service, *two)] == [200, 413]


def test_every_part_needs_its_own_right(closed: Service, towns: World, county: County) -> None:
    person(county, "things.*", username="dong", in_area="101")
    warm, cold, before = towns.streams["warm"].pk, towns.streams["cold"].pk, counts()
    asked = (
        one("a", "get", f"Things({towns.west.pk})"), one("b", "patch", f"Things({towns.west.pk})", {"name": "x"}),
        one("c", "post", f"Datastreams({cold})/Observations", {"result": 1}), one("d", "get", "Things/$count"),
    )  # fmt: skip
    assert closed.post("$batch", {"requests": [*asked]}, **{"content-type": "application/json"}).status == 401
    found = json(closed.be(basic("dong")), *asked, **GO_ON)
    assert [row["status"] for row in found] == [404, 404, 404, 200]
    assert (counts(), found[3]["body"], Thing.objects.get(pk=towns.west.pk).name) == (before, "1", "西站")
    together = [one("x", "post", f"Datastreams({warm})/Observations", {"result": 1}, atomicityGroup="g"),
                one("y", "delete", f"Things({towns.west.pk})", atomicityGroup="g")]  # fmt: skip
    assert [row["status"] for row in json(closed.be(basic("dong")), *together)] == [424, 404]
    assert counts() == before


def test_a_device_sends_observations_in_a_batch_and_nothing_else(closed: Service, towns: World, county: County) -> None:
    wanted = api.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    own = Datastream.objects.get(thing=api.register(wanted, "secret")[0].thing, key="temperature").pk
    asked = [one("a", "post", f"Datastreams({own})/Observations", {"result": 20}), one("b", "get", "Things"),
             one("c", "post", "Things", THING), one("d", "post", "CreateObservations", [])]  # fmt: skip
    found = json(closed.be(basic("jug-1", "secret")), *asked, **GO_ON)
    assert [row["status"] for row in found] == [201, 403, 403, 201]
    assert Observation.objects.get().result == 20
