"""Layers of records: colours by a field with a legend, only for who has the right; what a wrong declaration is told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from tests.fixtures import TOY, person
from tests.web.pages import browser

from shizhu.engines.maps import api, declare
from shizhu.kernel import access, packs
from shizhu.kernel.models import County

pytest_plugins = ["tests.engines.records.stalls"]
pytestmark = pytest.mark.django_db
STALLS = "lemonade.stalls"


def told(client: Any) -> list[tuple[str, str, str]]:
    body = json.loads(client.get(f"/map/layers/{STALLS}.geojson").content)
    found = [feature["properties"] for feature in body["features"]]
    return sorted((one["name"], one["text"], one["mark"]) for one in found)


def test_records_have_the_colour_of_their_value(county: County, stall: Any) -> None:
    stall(at=(100.7, 30.5), kind="cart")
    stall(at=(100.2, 30.5), kind="booth", area="102")
    stall(at=(100.7, 30.6))
    stall(kind="cart")  # without a place it is not on a map
    rights = ("maps.*", "records.lemonade.stall.view")
    everything = [("1号摊", "推车", "#0072b2"), ("2号摊", "亭子", "#7a7a7a"), ("3号摊", "", "#7a7a7a")]
    assert told(browser(person(county, *rights))) == everything
    assert told(browser(person(county, *rights, in_area="101"))) == [everything[0], everything[2]]
    assert told(browser(person(county, "maps.*"))) == []


def test_the_page_names_no_layer_without_the_right(county: County, stall: Any) -> None:
    reader = browser(person(county, "maps.*", "records.lemonade.stall.view")).get("/map/")
    (shown,) = reader.context["layers"]
    assert (shown["key"], shown["group"], list(reader.context["groups"])) == (STALLS, "登记资料", ["登记资料"])
    assert shown["legend"] == [{"colour": "#0072b2", "text": "推车", "kind": "Point"}]
    stranger = browser(person(county, "maps.*")).get("/map/")
    assert (stranger.context["layers"], "摊位" in stranger.content.decode()) == ([], False)


def test_a_layer_without_colours_takes_those_that_everybody_can_tell_apart(county: County) -> None:
    layer = api.Layer("x", {}, {}, "records", "lemonade.stall", "map", "#000000", 1, style={"by": "kind"})
    marks = api.sources()["records"].legend(county.pk, layer)
    assert [(mark.colour, mark.text) for mark in marks] == [("#0072b2", "推车"), ("#e69f00", "亭子")]


def test_only_what_meets_the_box_is_given(county: County, stall: Any) -> None:
    stall(at=(100.7, 30.5))
    stall(at=(100.2, 30.5))
    client = browser(person(county, "*"))
    body = json.loads(client.get(f"/map/layers/{STALLS}.geojson?box=100.6,30;100.8,31").content)
    assert [feature["properties"]["name"] for feature in body["features"]] == ["1号摊"]


def test_a_question_that_cannot_be_understood_is_told_why(county: County) -> None:
    client = browser(person(county, "*"))
    for query, why in (
        ("at=yesterday", "at: 'yesterday': must be a time with zone such as 2026-01-31T08:00:00Z"),
        ("at=2026-01-31T08:00:00", "at: '2026-01-31T08:00:00': must be a time with zone such as 2026-01-31T08:00:00Z"),
        ("box=1,2", "box: 1 positions: must be 2 to 500"),
        ("box=1,2;3,nan", "box: '3,nan': longitude lies within 180, latitude within 90 degrees"),
    ):
        answer = client.get(f"/map/layers/{STALLS}.geojson?{query}")
        assert (answer.status_code, json.loads(answer.content)) == (400, {"error": why})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"of": "lemonade.grower", "style": {}}, "of: lemonade.grower: the register has no geometry"),
        ({"of": "lemonade.jug"}, "of: lemonade.jug: a layer of records names a register"),
        ({"style": {"by": "owner"}}, "style.by: owner: must be a field of lemonade.stall that everybody may see"),
        ({"style": {"by": "street"}}, "style.by: street: has no choices, so `colours` must name its values"),
        (
            {"style": {"by": "kind", "colours": {"tent": "#000000"}}},
            "style.colours: tent: is not in the enum of kind",
        ),
        ({"source": "things", "of": "lemonade.jug", "style": {"by": "kind"}},
         "style.by: kind: only records are coloured by a field"),
    ],
)  # fmt: skip
def test_a_wrong_layer_is_told_why(county: County, change: dict[str, Any], why: str) -> None:
    everything = {"lemonade": packs.read(TOY)}
    body = packs.declaration("layers", STALLS, county.pk)
    assert list(declare.check(STALLS, body, everything)) == []
    assert list(declare.check(STALLS, {**body, **change}, everything)) == [why]


def test_every_source_gives_nothing_to_who_has_no_right(county: County, stall: Any) -> None:
    stall(at=(100.7, 30.5))
    nobody = access.actor(person(county, "maps.*"))
    asked = api.Asked(at=timezone.now() + timedelta(days=1))
    assert [api.features(nobody, county.pk, layer, asked) for layer in api.layers(county.pk)] == [[]] * 5
    with pytest.raises(LookupError):
        api.layer(county.pk, nobody, STALLS)
