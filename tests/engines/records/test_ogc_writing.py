"""OGC API – Features part 4: what is written, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel import access
from shizhu.kernel.models import Area, County, Person, Token

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
ITEMS = f"/ogc/collections/{STALL}/items"
HOME = {"host": "testserver", "origin": "http://testserver"}
GEO = "application/geo+json"
MERGE = "application/merge-patch+json"


class Writer:
    """A client that sends JSON."""

    def __init__(self, who: Person, **headers: str) -> None:
        self.client = Client(headers={"accept-language": "en", **HOME, **headers})
        self.client.force_login(who)

    def send(self, method: str, path: str, body: Any = None, media_type: str = GEO, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic(method, path, content, media_type, headers=named)


@pytest.fixture
def writer(county: County, root: access.Actor) -> Writer:
    """Somebody who may do everything."""
    return Writer(Person.objects.get(username="root"))


def feature(at: list[float] | None = None, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": at} if at else None
    return {"type": "Feature", "geometry": geometry, "properties": {"code": "S001", "name": "一号摊", **properties}}


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def only() -> Record:
    return Record.objects.get(register=STALL)


def test_a_feature_becomes_a_record(county: County, writer: Writer) -> None:
    sent = feature([100.25, 30.5], seats=3, _area="990001101", _organisation="stand", _created="1999-01-01T00:00:00Z")
    answer = writer.send("POST", ITEMS, sent)
    found = body(answer, 201)
    assert answer.headers["location"] == f"http://testserver{ITEMS}/S001"
    assert (found["id"], found["properties"]["seats"], found["properties"]["_source"]) == ("S001", 3, "service")
    row = only()
    assert (row.geometry.coords[0], row.area.code, row.organisation.code) == ((100.25, 30.5), "990001101", "stand")
    event = Record.pgh_event_model.objects.get()
    assert event.pgh_context.metadata["person"] == Person.objects.get(username="root").pk
    assert event.pgh_context.metadata["path"] == ITEMS


def test_where_it_belongs_follows_from_the_geometry_and_the_post(county: County, writer: Writer) -> None:
    clerk = Writer(person(county, "records.lemonade.stall.*", of="kitchen", in_area="101"))
    town = Area.objects.get(code="990001101")
    inside = town.geometry.representative_point().coords[0] if town.geometry else None
    body(clerk.send("POST", ITEMS, feature(list(inside) if inside else None)), 201)
    assert (only().organisation.code, only().area.code) == ("kitchen", "990001101")
    refused = body(clerk.send("POST", ITEMS, feature(code="S002", _area="990001102")), 403)
    assert refused["code"] == "Forbidden"
    assert Record.objects.filter(register=STALL).count() == 1


def test_replacing_takes_away_what_is_not_sent(writer: Writer, stall: Any) -> None:
    stall(seats=4, street="湖滨路", address={"lane": "甲巷", "number": 3}, at=(100.1, 30.1))
    tag = writer.client.get(f"{ITEMS}/S001").headers["etag"]
    answer = writer.send("PUT", f"{ITEMS}/S001", feature(seats=5, address={"lane": "乙巷"}), if_match=tag)
    assert body(answer)["properties"]["seats"] == 5
    row = only()
    assert row.data == {"code": "S001", "name": "一号摊", "seats": 5, "address": {"lane": "乙巷"}}
    assert (row.geometry, row.version, row.area.code) == (None, 2, "990001101")
    assert answer.headers["etag"].startswith('"2-')


def test_a_patch_changes_a_part(writer: Writer, stall: Any) -> None:
    stall(seats=4, street="湖滨路", at=(100.1, 30.1))
    changed = writer.send("PATCH", f"{ITEMS}/S001", {"properties": {"seats": 6, "street": None}}, MERGE)
    assert body(changed)["geometry"]["coordinates"] == [100.1, 30.1]
    assert only().data == {"code": "S001", "name": "1号摊", "seats": 6}
    body(writer.send("PATCH", f"{ITEMS}/S001", {"geometry": None, "properties": {"_state": "closed"}}, MERGE))
    assert (only().geometry, only().state) == (None, "closed")


def test_what_is_sent_with_all_that_was_read_is_taken(writer: Writer, stall: Any) -> None:
    """QGIS sends every property that it knows: empty ones as null, those that are read only too, no member id."""
    stall(seats=3)
    known = writer.client.get(f"{ITEMS}/S001").json()
    sent = {**dict.fromkeys(known["properties"]), "code": "S900", "name": "新摊", "_area": "990001101"}
    body = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [100.7, 30.5]}, "properties": sent}
    made = writer.send("POST", ITEMS, {**body, "properties": {**sent, "_organisation": "stand"}})
    assert (made.status_code, made.headers["location"].rpartition("/items/")[2]) == (201, "S900")
    place = {"geometry": {"type": "Point", "coordinates": [100.8, 30.5]}}
    moved = writer.send("PATCH", f"{ITEMS}/S900", place, MERGE)
    assert (moved.status_code, moved.json()["geometry"]["coordinates"]) == (200, [100.8, 30.5])
    assert writer.send("PATCH", f"{ITEMS}/S001", {"properties": {"seats": None}}, MERGE).status_code == 200
    assert "seats" not in Record.objects.get(key="S001").data


def test_deleting_withdraws(writer: Writer, stall: Any) -> None:
    stall()
    tag = writer.client.get(f"{ITEMS}/S001").headers["etag"]
    answer = writer.send("DELETE", f"{ITEMS}/S001", if_match=tag)
    assert (answer.status_code, answer.content) == (204, b"")
    assert only().state == "withdrawn"
    assert writer.send("DELETE", f"{ITEMS}/S001").status_code == 404
    assert writer.send("PUT", f"{ITEMS}/S001", feature()).status_code == 404


def test_nobody_writes_over_what_they_have_not_read(writer: Writer, stall: Any, root: access.Actor) -> None:
    made = stall(seats=4)
    tag = writer.client.get(f"{ITEMS}/S001").headers["etag"]
    api.update(root, made.id, {"seats": 5}, 1)
    for method, sent, media_type in (
        ("PUT", feature(seats=9), GEO), ("PATCH", {"properties": {"seats": 9}}, MERGE), ("DELETE", None, GEO),
    ):  # fmt: skip
        refused = body(writer.send(method, f"{ITEMS}/S001", sent, media_type, if_match=tag), 412)
        assert refused["code"] == "PreconditionFailed"
    assert (only().data["seats"], only().version, only().state) == (5, 2, "open")
    for tags in ("*", '"2-x"', f'{tag}, W/"2-y"'):
        assert writer.send("PATCH", f"{ITEMS}/S001", {"properties": {}}, MERGE, if_match=tags).status_code == 200


def test_coordinates_may_come_in_another_system(writer: Writer) -> None:
    epsg = "<http://www.opengis.net/def/crs/EPSG/0/{}>"
    body(writer.send("POST", ITEMS, feature([30.5, 100.25]), content_crs=epsg.format(4490)), 201)
    assert only().geometry.coords[0] == (100.25, 30.5)
    body(writer.send("PUT", f"{ITEMS}/S001", feature([3377103.5186, 620039.8427]), content_crs=epsg.format(4542)))
    assert only().geometry.coords[0] == pytest.approx((100.251, 30.501), abs=0.01)
    refused = body(writer.send("PUT", f"{ITEMS}/S001", feature([1, 1]), content_crs=epsg.format(2154)), 400)
    assert refused["code"] == "InvalidHeaderValue"


REFUSED: list[tuple[Any, int, str]] = [
    (b"{", 400, "the body is no JSON"),
    (b"[1]", 400, "the body is no GeoJSON Feature"),
    ({"type": "FeatureCollection"}, 400, "the body is no GeoJSON Feature"),
    ({"type": "Feature", "properties": {}}, 400, "geometry: is missing; it may be null"),
    ({"type": "Feature", "geometry": None, "properties": []}, 400, "properties: '[]': must be an object"),
    (feature(code="x"), 422, "code: x: has the wrong form, such as S001"),
    (feature(seats=100), 422, "seats: 100: must not be above 99"),
    (feature(colour="red"), 422, "colour: red: is no field of this register"),
    (feature(grower="G999"), 422, "grower: G999: is not found in"),
    (feature(_area="1"), 422, "_area: 1: is not found in this county"),
    (feature(_state="gone"), 422, "_state: gone: is no state of this register"),
    (feature(_state=1), 422, "_state: 1: must be text"),
    (feature([999, 0]), 422, "must be a valid Point in WGS 84 degrees"),
    ({**feature(), "geometry": {"type": "Point", "coordinates": ["a"]}}, 422, "must be a valid Point"),
    ({**feature(), "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, 422, "must be a valid Point"),
    ({**feature(), "geometry": {"type": "Point", "coordinates": [1e400, 1]}}, 400, "the body is no JSON"),
]


def test_what_breaks_a_rule_is_told_and_not_kept(writer: Writer) -> None:
    for sent, status, said in REFUSED:
        content = sent if isinstance(sent, bytes) else json.dumps(sent)
        told = body(writer.send("POST", ITEMS, content.encode() if isinstance(content, str) else content), status)
        assert said in told["detail"], (sent, told)
        assert told["status"] == status
        if status == 422:
            assert all(set(one) == {"name", "value", "rule", "message"} for one in told["problems"])
    assert writer.send("POST", ITEMS, feature(), "text/plain").status_code == 415
    assert not Record.objects.exists()


def test_a_key_is_used_once_and_stays(writer: Writer, stall: Any) -> None:
    stall()
    assert "is used already" in body(writer.send("POST", ITEMS, feature()), 422)["detail"]
    assert "cannot be changed" in body(writer.send("PUT", f"{ITEMS}/S001", feature(code="S002")), 422)["detail"]
    assert "cannot be changed" in body(writer.send("PUT", f"{ITEMS}/S001", {**feature(), "id": "S9"}), 422)["detail"]
    assert only().version == 1


def test_what_one_cannot_see_is_not_written_over(county: County, writer: Writer, stall: Any) -> None:
    stall(owner="张三丰", phone="13812345678", seats=4)
    clerk = Writer(person(county, "records.lemonade.stall.view", "records.lemonade.stall.edit"))
    shown = json.loads(clerk.client.get(f"{ITEMS}/S001").content)
    assert shown["properties"]["owner"] == "张**"
    shown["properties"]["seats"] = 5
    assert body(clerk.send("PUT", f"{ITEMS}/S001", shown))["properties"]["owner"] == "张**"
    assert only().data["owner"] == "张三丰"
    body(clerk.send("PUT", f"{ITEMS}/S001", feature(seats=6)))
    assert (only().data["owner"], only().data["phone"], only().data["seats"]) == ("张三丰", "13812345678", 6)


def test_rights_are_those_of_the_pages(county: County, writer: Writer, stall: Any) -> None:
    stall(area="101")
    before = only().data
    reader = Writer(person(county, "records.lemonade.stall.view"))
    elsewhere = Writer(person(county, "records.lemonade.stall.*", in_area="102"))
    nobody = Writer(person(county, "maps.map.view"))
    for who, status in ((reader, 403), (elsewhere, 404), (nobody, 404)):
        assert who.send("PUT", f"{ITEMS}/S001", feature(name="改了")).status_code == status
        assert who.send("PATCH", f"{ITEMS}/S001", {"properties": {"name": "改了"}}, MERGE).status_code == status
        assert who.send("DELETE", f"{ITEMS}/S001").status_code == status
    assert reader.send("POST", ITEMS, feature(code="S002")).status_code == 403
    assert elsewhere.send("POST", ITEMS, feature(code="S002", _area="990001101")).status_code == 403
    assert (only().data, only().state, only().version) == (before, "open", 1)


def test_a_page_of_another_origin_may_not_write(county: County, writer: Writer, stall: Any) -> None:
    stall()
    for headers in ({"origin": "http://evil.test"}, {"origin": ""}):
        refused = writer.send("DELETE", f"{ITEMS}/S001", **headers)
        assert body(refused, 403)["code"] == "Forbidden"
    assert only().state == "open"
    secret = "sz_test"
    owner = Person.objects.get(username="root")
    import hashlib  # noqa: PLC0415

    Token.objects.create(person=owner, name="t", digest=hashlib.sha256(secret.encode()).hexdigest())
    bare = Client().generic("DELETE", f"{ITEMS}/S001", headers={"authorization": f"Bearer {secret}"})
    assert bare.status_code == 204
