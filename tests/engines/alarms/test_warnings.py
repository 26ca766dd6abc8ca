"""Warnings through the pages and the feed: drafted, issued by a second person, told, updated, ended, judged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from django.test import Client
from tests.engines.alarms.jugs import warm
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.alarms.models import PublicWarning, WarningMessage
from shizhu.engines.notices.models import Delivery
from shizhu.kernel.models import County, OutboxEvent, Person
from shizhu.wire import cap

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick", "loopback")]
ATOM = "{http://www.w3.org/2005/Atom}"
EAST = "990001101"


@pytest.fixture
def duty(county: County) -> Person:
    """Who drafts."""
    return person(county, "alarms.alarm.*", "alarms.warning.view", "alarms.warning.draft", username="duty")


@pytest.fixture
def chief(county: County) -> Person:
    """Who issues any level and judges."""
    return person(
        county, "alarms.warning.view", "alarms.warning.issue", "alarms.warning.issue_grave", "alarms.warning.review",
        username="chief",
    )  # fmt: skip


@pytest.fixture
def makers(county: County) -> dict[str, Person]:
    """Who must know: the county's maker, one in each town."""
    found = {"top": "", "east": "101", "west": "102"}
    made = {name: person(county, role="lemonade.maker", username=name, in_area=town) for name, town in found.items()}
    for number, one in enumerate(made.values()):
        one.phone = f"1380000000{number}"
        one.save()
    return made


def typed(page: Any, **changes: Any) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    form = page.context["form"]
    given = {name: form[name].value() for name in form.fields}
    given |= {name: f"{given[name]:%Y-%m-%dT%H:%M}" for name in ("onset", "expires") if given[name]}
    return {name: value for name, value in {**given, **changes}.items() if value not in (None, "")}


def drafted(who: Person, address: str = "/alarms/warnings/new", **changes: Any) -> WarningMessage:
    client = browser(who)
    answer = client.post(address, typed(client.get(address), **changes))
    assert answer.status_code == 302, text(answer)
    return WarningMessage.objects.latest("pk")


def issue(who: Person, draft: WarningMessage) -> Any:
    return browser(who).post(f"/alarms/warnings/messages/{draft.pk}/issue", {"version": draft.version}, follow=True)


def feed(form: str = "") -> Any:
    answer = Client().get("/cap", {"f": form} if form else {})
    assert answer.status_code == 200
    return answer.json() if form else Tree.fromstring(answer.content)  # our own


def happened() -> list[str]:
    return [
        row.envelope["type"] for row in OutboxEvent.objects.filter(subject__contains="alarms.warning").order_by("pk")
    ]


def test_from_an_alarm_to_the_all_clear(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    alarm = warm(county, "E", "101")
    draft = drafted(duty, f"/alarms/warnings/new?alarm={alarm.pk}")
    said = draft.content
    assert (said["kind"], said["level"], said["areas"], said["status"]) == (
        "lemonade.heat", "yellow", [EAST], "Exercise",
    )  # fmt: skip
    assert said["headline"]["zh"] == "县政府发布高温黄色预警"
    assert "东镇：E号罐 31.5 ℃" in said["description"]["zh"]
    assert feed("json")["warnings"] == []
    page = issue(chief, draft)
    assert told(page) == ["已发布，正在通知所有应知人员。"]
    draft.refresh_from_db()
    xml = Client().get(f"/cap/{draft.identifier}.xml")
    assert (xml.content, xml["ETag"]) == (bytes(draft.xml or b""), f'"{hashlib.sha256(xml.content).hexdigest()}"')
    sent = cap.decode(xml.content)
    assert (sent.message_type, sent.status, sent.infos[0].severity, sent.infos[0].certainty) == (
        "Alert", "Exercise", "Moderate", "Observed",
    )  # fmt: skip
    assert [info.language for info in sent.infos] == ["zh-CN", "en-US"]
    assert sent.infos[1].headline == "县政府: yellow warning of Heat"
    assert sent.infos[0].areas[0].codes == ((cap.GEOCODE, f"{EAST}000"),)
    assert str(draft.identifier).startswith("99000100000000_20")
    warning = draft.warning_id
    update = drafted(duty, f"/alarms/warnings/{warning}/follow/update", level="red", do="keep")
    issue(chief, update)
    over = drafted(duty, f"/alarms/warnings/{warning}/follow/allclear")
    issue(chief, over)
    over.refresh_from_db()
    end = cap.decode(bytes(over.xml or b""))
    assert [one.identifier for one in end.references] == list(
        WarningMessage.objects.filter(pk__lt=over.pk).order_by("pk").values_list("identifier", flat=True)
    )
    assert (end.message_type, end.infos[0].responses, end.infos[0].urgency) == ("Update", ("AllClear",), "Past")
    assert happened() == [f"alarms.warning.{name}" for name in ("issued", "updated", "cleared")]
    (entry,) = feed().findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "解除高温预警"
    links = [link.get("href", "") for link in entry.findall(f"{ATOM}link")]
    assert cap.decode(Client().get(links[0]).content) == end
    assert [one["kind"] for one in feed("json")["warnings"]] == ["allclear"]
    assert "演练" in Client().get(f"/cap/{draft.identifier}").content.decode()
    assert PublicWarning.objects.get().state == "cleared"
    names = {
        one.person.username for one in Delivery.objects.filter(message=over.notice).exclude(person=None) if one.person
    }
    assert names == {"top", "east"}
