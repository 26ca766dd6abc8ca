"""CAP 1.2: alerts to XML and back, and what the standard forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.wire import cap
from shizhu.wire.cap import Alert, Area, CapError, Info, Reference

CHINA = timezone(timedelta(hours=8))
SENT = datetime(2026, 7, 1, 12, tzinfo=CHINA)
RING = ((108.1, 30.1), (108.2, 30.1), (108.2, 30.2), (108.1, 30.1))
INFO = Info(
    "山洪", "Immediate", "Severe", "Likely", ("Met", "Safety"),
    (Area("河嘴乡", (RING,), (((108.1, 30.1), 2.5),), ((cap.GEOCODE, "500240204000"),)),),
    responses=("Evacuate",), event_codes=(("GB/T 35561", "11A06"),), effective=SENT, expires=SENT + timedelta(hours=6),
    sender_name="某县", headline="山洪橙色预警", description="3 小时雨量 < 80 & 仍在下", instruction="立即转移",
    parameters=(("colour", "orange"),),
)  # fmt: skip
ALERT = Alert("50024041600000_20260701120000", "county@example.org", SENT, infos=(INFO,))


def test_there_and_back() -> None:
    assert cap.decode(cap.encode(ALERT)) == ALERT
    update = replace(ALERT, message_type="Update", references=(Reference(ALERT.sender, ALERT.identifier, SENT),))
    assert cap.decode(cap.encode(update)) == update
    text = cap.encode(update).decode()
    assert "<references>county@example.org,50024041600000_20260701120000,2026-07-01T12:00:00+08:00</references>" in text
    assert "<polygon>30.1,108.1 30.1,108.2 30.2,108.2 30.1,108.1</polygon>" in text
    assert "&lt; 80 &amp; " in text


def test_utc_is_never_z() -> None:
    assert cap.shown(datetime(2026, 7, 1, tzinfo=UTC)) == "2026-07-01T00:00:00-00:00"
    with pytest.raises(CapError, match="must have a zone"):
        cap.shown(datetime(2026, 7, 1))  # noqa: DTZ001  # on purpose


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"identifier": "a b"}, "identifier: 'a b' must be there"),
        ({"status": "Real"}, "status: 'Real' must be one of Actual"),
        ({"message_type": "Cancel"}, "references: '' must name what this Cancel is about"),
        ({"infos": ()}, "info: '' must be there in an Alert"),
        ({"scope": "Restricted"}, "restriction: '' must say for whom"),
        ({"note": "a\x0b"}, "note: '.x0b' is a character that XML does not have"),
        ({"infos": (replace(INFO, description="\x00"),)}, "description: '.x00' is a character"),
        ({"infos": (replace(INFO, areas=(Area("\uffff"),)),)}, "areaDesc: '.uffff' is a character"),
        ({"infos": (replace(INFO, expires=SENT),)}, "must be later than effective"),
        ({"infos": (replace(INFO, severity="Orange"),)}, "severity: 'Orange' must be one of Extreme"),
        ({"infos": (replace(INFO, areas=(Area("x", (RING[:3],)),)),)}, "must have four positions"),
        (
            {"infos": (replace(INFO, areas=(Area("x", (((30, 108), *RING[1:3], (30, 108)),)),)),)},
            "must be latitude,longitude",
        ),
    ],
)
def test_what_the_standard_forbids_is_never_sent(changed: dict[str, object], told: str) -> None:
    with pytest.raises(CapError, match=told):
        cap.encode(replace(ALERT, **changed))


def test_what_a_stranger_sends_is_read_with_care() -> None:
    good = cap.encode(ALERT)
    for bad, told in (
        (b"<alert", "no readable XML"),
        (good.replace(b"cap:1.2", b"cap:1.1"), "must be alert of"),
        (good.replace(b"+08:00</sent>", b"Z</sent>"), "must be a time with an offset"),
        (good.replace(b"<alert", b'<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert', 1), "has no DTD"),
        (good.replace(b"30.1,108.1 ", b"north ", 1), "must be a number"),
    ):
        with pytest.raises(CapError, match=told):
            cap.decode(bad)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_give_an_alert_or_an_error_of_ours(raw: bytes) -> None:
    with pytest.raises(CapError):
        cap.decode(raw)
