"""The extents of a Datastream (observedArea, phenomenonTime, resultTime) are those of its Observations, exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.engines.things.sta.service import LOCATION, POINT, STREAM, THING, Service, World, minute

from shizhu.engines.things.models import FeatureOfInterest, Latest
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]


def at(number: float) -> str:
    return f"{minute(number):%FT%TZ}"


def place(x: float, y: float) -> int:
    return FeatureOfInterest.objects.create(name="f", feature={"type": "Point", "coordinates": [x, y]}).pk


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def extents(service: Service, stream: int) -> tuple[Any, ...]:
    found = service.get(f"Datastreams({stream})").json
    return tuple(found.get(name) for name in ("phenomenonTime", "resultTime", "observedArea"))


def observe(service: Service, stream: int, number: float, feature: int, **more: Any) -> int:
    body = {"result": number, "phenomenonTime": at(number), "FeatureOfInterest": {"@iot.id": feature}, **more}
    return service.post(f"Datastreams({stream})/Observations", body).id


@pytest.fixture
def stream(towns: World) -> int:
    return towns.streams["warm"].pk


def test_they_grow_with_what_comes(service: Service, stream: int) -> None:
    assert extents(service, stream) == (None, None, None)
    observe(service, stream, 5, place(1, 2))
    point = {"type": "Point", "coordinates": [1, 2]}
    assert extents(service, stream) == (f"{at(5)}/{at(5)}", None, point)
    observe(service, stream, 3, place(4, 2), resultTime=at(9))
    line = {"type": "LineString", "coordinates": [[1, 2], [4, 2]]}
    assert extents(service, stream) == (f"{at(3)}/{at(5)}", f"{at(9)}/{at(9)}", line)
    observe(service, stream, 4, place(2, 8), resultTime=at(4), phenomenonTime=f"{at(4)}/{at(7)}")
    assert extents(service, stream) == (f"{at(3)}/{at(7)}", f"{at(4)}/{at(9)}", box(1, 2, 4, 8))
    group = {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result", "FeatureOfInterest/id"]}
    rows = [[at(8), 1, place(0, 0)], [at(1), 1, place(9, 9)]]
    service.post("CreateObservations", [{**group, "dataArray": rows}])
    assert extents(service, stream) == (f"{at(1)}/{at(8)}", f"{at(4)}/{at(9)}", box(0, 0, 9, 9))
    inside = "Datastreams?$filter=st_within(observedArea,geography'POLYGON((-1 -1,10 -1,10 10,-1 10,-1 -1))')"
    assert service.get(inside).all("@iot.id") == [stream]
    assert service.get(f"Datastreams?$filter=resultTime gt {at(3)} and resultTime lt {at(10)}").all("@iot.id") == [
        stream
    ]


def test_they_shrink_when_an_observation_is_withdrawn_or_corrected(service: Service, stream: int) -> None:
    home, near, far = place(1, 1), place(2, 2), place(50, 50)
    observe(service, stream, 1, home, resultTime=at(1))
    second = observe(service, stream, 2, near, resultTime=at(2))
    last = observe(service, stream, 3, far, resultTime=at(30), phenomenonTime=f"{at(3)}/{at(20)}")
    again = observe(service, stream, 4, far)
    assert extents(service, stream) == (f"{at(1)}/{at(20)}", f"{at(1)}/{at(30)}", box(1, 1, 50, 50))
    assert service.ask("DELETE", f"Observations({last})").status == 200
    assert extents(service, stream) == (f"{at(1)}/{at(4)}", f"{at(1)}/{at(2)}", box(1, 1, 50, 50))
    service.patch(f"Observations({again})", {"FeatureOfInterest": {"@iot.id": near}})
    assert extents(service, stream) == (f"{at(1)}/{at(4)}", f"{at(1)}/{at(2)}", box(1, 1, 2, 2))
    observe(service, stream, 2, home, result=7, resultTime=at(1.5))  # a correction, posted
    service.ask("DELETE", f"Observations({again})")
    assert extents(service, stream) == (
        f"{at(1)}/{at(2)}",
        f"{at(1)}/{at(1.5)}",
        {"type": "Point", "coordinates": [1, 1]},
    )
    (now,) = service.get(f"Datastreams({stream})/Observations?$filter=phenomenonTime eq {at(2)}").all("@iot.id")
    assert now != second
    service.patch(f"FeaturesOfInterest({home})", {"feature": {"type": "Point", "coordinates": [6, 6]}})
    assert extents(service, stream)[2] == {"type": "Point", "coordinates": [6, 6]}
    service.ask("DELETE", f"FeaturesOfInterest({home})")
    assert extents(service, stream) == (None, None, None)
    assert not Latest.objects.exists()


def test_what_names_no_feature_is_where_the_thing_is(service: Service, county: County, towns: World) -> None:
    thing = service.post("Things", {**THING, "Locations": [LOCATION], "Datastreams": [STREAM]}).id
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    Latest.objects.create(
        datastream_id=stream, first_time=minute(0), phenomenon_time=minute(0), last_end=minute(0), verdict=0, origin=0,
        known_at=datetime.now(UTC), is_home=True,
    )  # fmt: skip
    assert extents(service, stream)[2] == POINT
    observe(service, stream, 1, place(0, 0))
    assert extents(service, stream)[2] == box(0, 0, *POINT["coordinates"])


def test_what_was_given_is_told_until_there_are_observations(service: Service, county: County) -> None:
    thing = service.post(
        "Things", {**THING, "Locations": [LOCATION], "Datastreams": [{**STREAM, "observedArea": box(0, 0, 1, 1)}]}
    ).id
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    assert extents(service, stream)[2] == box(0, 0, 1, 1)
    observe(service, stream, 1, place(5, 5))
    assert extents(service, stream)[2] == {"type": "Point", "coordinates": [5, 5]}
