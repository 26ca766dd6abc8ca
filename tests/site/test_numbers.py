"""Numbers that are none, in addresses and forms of several engines: nothing changes, and no page ends in an error."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.alarms.sent import jug
from tests.web.pages import browser

from shizhu.engines.things.models import Datastream
from shizhu.kernel import testing
from shizhu.kernel.models import County, Person
from shizhu.lib.numbers import whole

pytest_plugins = ["tests.engines.records.stalls"]
pytestmark = pytest.mark.django_db
NONE = ("", "x", "²", "٣", "-1", "1.5", "9" * 16, "9" * 5000)


def test_a_whole_number_is_read_in_one_way() -> None:
    assert [whole(text, -1) for text in NONE] == [-1] * len(NONE)
    assert [whole(text) for text in ("0", "007", "9" * 15, "1000")] == [0, 7, 10**15 - 1, 1000]
    assert [whole("1000", -1, digits=digits) for digits in (3, 4)] == [-1, 1000]


def test_what_is_no_number_is_one_on_no_page(county: County, stall: Any) -> None:
    row = stall()
    streams = jug(county)
    thing = Datastream.objects.get(pk=streams["temperature"]).thing_id
    client, base = browser(Person.objects.get(username="root")), f"/records/lemonade.stall/{row.id}"
    known = testing.everything_kept()
    for number in NONE:
        seen = {
            "/records/lemonade.stall/": {"page": number},
            "/records/looks": {"record": number},
            f"{base}/versions": {"a": number, "b": number},
            f"/things/{thing}/": {"stream": number},
            "/messages/channels/": {"channel": number},
            "/labels/sheet": {"of": number},
            "/declarations/fields/lemonade.stall/": {"change": number},
            "/plan/": {"plan": number},
        }
        for address, asked in seen.items():
            assert client.get(address, asked).status_code in {200, 302}, (address, number[:20])
        refused = {
            f"{base}/withdraw": {"version": number},
            f"{base}/edit": {"version": number, "code": "S001", "name": "别名"},
            f"{base}/versions/1/restore": {"version": number},
            f"/things/{thing}/export": {"stream": number or "x", "form": "csv"},
            "/records/lemonade.stall/change": {"row": f"{number}:{number}"},
        }
        for address, sent in refused.items():
            assert client.post(address, sent).status_code < 500, (address, number[:20])
        assert testing.everything_kept() == known, number[:20]
