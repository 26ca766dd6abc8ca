"""Warnings through the pages and the feed: drafted, issued by a second person, told, updated, ended, judged."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from django.db import connection, transaction
from django.db.models import Count
from django.db.utils import ProgrammingError
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.alarms.jugs import warm
from tests.engines.alarms.sent import url
from tests.fixtures import area, person
from tests.web.pages import browser, text, told

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.models import PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import issuing, reaching, receipts
from shizhu.engines.alarms.warnings.places import features
from shizhu.engines.maps import api as maps
from shizhu.engines.notices import telling
from shizhu.engines.notices.logic import timing
from shizhu.engines.notices.models import Channel, Delivery, Message
from shizhu.engines.records import api as records
from shizhu.gateways.simulators.operator import Operator
from shizhu.kernel import access, datasets, events, packs
from shizhu.kernel.datasets import Asked
from shizhu.kernel.models import Area, County, Declaration, OutboxEvent, Person
from shizhu.wire import cap

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loopback")]
ATOM = "{http://www.w3.org/2005/Atom}"
EAST, WEST = "990001101", "990001102"


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
    assert draft.warning.origin == 1  # simulated, as its alarm
    assert feed("json")["warnings"] == []
    assert ["待您审批" in text(browser(who).get("/")) for who in (chief, duty, makers["top"])] == [True, False, False]
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
    until = timezone.localtime(datetime.fromisoformat(said["expires"])) + timedelta(hours=3)
    changed = {"level": "red", "expires": f"{until:%Y-%m-%dT%H:%M}", "do": "keep"}
    update = drafted(duty, f"/alarms/warnings/{warning}/follow/update", **changed)
    assert update.content["headline"] == {"zh": "县政府发布高温红色预警", "en": "县政府: red warning of Heat"}
    assert update.content["description"]["zh"] == f"东镇：E号罐 31.5 ℃，持续至 {until:%Y-%m-%d %H:%M}。"
    assert update.content["instruction"]["zh"] == "立即到阴凉处。"
    own = {"instruction_zh": f"留在家里到 {until:%Y-%m-%d %H:%M}。", "level": "orange"}
    update = drafted(duty, f"/alarms/warnings/messages/{update.pk}/", **own)  # one's own words stay
    later = until + timedelta(hours=1)
    changed = {"level": "red", "expires": f"{later:%Y-%m-%dT%H:%M}"}
    update = drafted(duty, f"/alarms/warnings/messages/{update.pk}/", **changed)
    assert update.content["instruction"]["zh"] == f"留在家里到 {later:%Y-%m-%d %H:%M}。"
    assert (update.content["headline"]["zh"], update.version) == ("县政府发布高温红色预警", 3)
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
    page = text(Client().get("/cap", headers={"Accept": "text/html,*/*"}))
    assert [part for part in ("生效中的预警", "解除高温预警", "Atom") if part not in page] == []
    assert PublicWarning.objects.get().state == "cleared"
    names = {
        one.person.username for one in Delivery.objects.filter(message=over.notice).exclude(person=None) if one.person
    }
    assert names == {"top", "east"}


def test_a_further_alarm_drafts_an_update_that_lasts_as_long_as_it_asks_for_and_none_of_what_is_real(
    county: County, duty: Person, chief: Person
) -> None:
    consumer = next(one for one in events.consumers() if one.name == "alarms.draft")

    def rose(key: str, town: str) -> WarningMessage:
        told_of = {"alarm": warm(county, key, town).pk}
        events.handle(consumer, events.Event(key, "alarms.alarm.raised", "", county.pk, timezone.now(), told_of))
        return WarningMessage.objects.latest("pk")

    real = issued(duty, chief, kind="lemonade.heat")
    soon = timezone.localtime() + timedelta(hours=1)
    first = drafted(duty, f"/alarms/warnings/messages/{rose('E', '101').pk}/", expires=f"{soon:%Y-%m-%dT%H:%M}")
    assert (first.kind, first.content["status"], first.warning_id == real.warning_id) == ("alert", "Exercise", False)
    issue(chief, first)
    update = rose("W", "102")
    assert (update.kind, update.author, update.content["areas"]) == ("update", None, [EAST, WEST])
    lasts = datetime.fromisoformat(update.content["expires"]) - timezone.now()
    assert timedelta(hours=5, minutes=58) < lasts <= timedelta(hours=6)


def issued(duty: Person, chief: Person, **changes: Any) -> WarningMessage:
    """A warning in force."""
    draft = drafted(duty, **{"areas": [EAST], **changes})
    issue(chief, draft)
    draft.refresh_from_db()
    assert draft.state == "issued"
    return draft


def kept() -> list[Any]:
    """Everything a refused act may not change."""
    rows = WarningMessage.objects.order_by("pk").values_list("state", "version", "content", "approver")
    return [*rows, *PublicWarning.objects.values_list("state", "outcome"), happened(), Message.objects.count()]


def test_what_is_practised_says_so_in_every_list(county: County, duty: Person, chief: Person) -> None:
    draft = drafted(duty, areas=[EAST])
    address, page = f"/alarms/warnings/messages/{draft.pk}/", "/alarms/warnings/"
    for status, origin in (("Exercise", 3), ("Actual", 0), ("Test", 3)):
        draft = drafted(duty, address, status=status)
        assert (draft.warning.origin, "演练" in text(browser(chief).get(page))) == (origin, origin == 3)
    issue(chief, draft)
    assert "生效中的预警" in text(browser(chief).get("/"))
    assert "演练" in text(browser(chief).get("/"))
    assert browser(chief).get(f"{page}skill/").context["months"] == []
    issue(chief, drafted(duty, areas=[EAST]))
    assert sorted(PublicWarning.objects.values_list("origin", flat=True)) == [0, 3]
    assert len(browser(chief).get(f"{page}skill/").context["months"]) == 1


def test_a_warning_of_two_towns_is_seen_by_whom_it_concerns(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    households(county, 1)
    made = issued(duty, chief)
    update = drafted(duty, f"/alarms/warnings/{made.warning_id}/follow/update", areas=[EAST, WEST], level="red")
    page = browser(chief).get(f"/alarms/warnings/{made.warning_id}/")
    named_ = [[one.code for one in page.context[name]] for name in ("areas", "draft_areas")]
    assert named_ == [[EAST], [EAST, WEST]]  # a draft says nothing of what is in force
    assert "西镇" not in text(browser(chief).get("/alarms/warnings/"))
    homes = {name: browser(who) for name, who in makers.items()}
    assert [name for name, home in homes.items() if "生效中的预警" in text(home.get("/"))] == ["top", "east"]
    issue(chief, update)
    assert "东镇、西镇" in text(browser(chief).get("/alarms/warnings/"))
    update.refresh_from_db()
    for name, home in homes.items():  # none of them may open the list of warnings
        page = home.get("/")
        assert "1 生效中的预警" in text(page)
        assert f'href="/cap/{update.identifier}"' in page.content.decode()
        assert [part for part in ("高温", "东镇、西镇") if part not in text(page)] == []
        assert ("逐户登记" in text(page)) == (name != "west")  # no household of the register is there
    made.refresh_from_db()
    page = homes["east"].get(f"/messages/{made.notice}/")  # what was first told of it asks for nothing any more
    assert "情况已有变化，请看最新的通知。" in text(page)
    assert f'href="/messages/{update.notice}/"' in page.content.decode()
    assert ("收到" in text(page), "收到" in text(homes["east"].get(f"/messages/{update.notice}/"))) == (False, True)
    assert f"/messages/{made.notice}/" not in homes["east"].get("/").content.decode()
    assert text(homes["east"].get("/messages/")).count("已有更新") == 1
    issue(chief, drafted(duty, f"/alarms/warnings/{made.warning_id}/follow/allclear"))
    assert [name for name, home in homes.items() if "生效中的预警" in text(home.get("/"))] == []
    page = homes["west"].get("/").content.decode()
    assert ("level-cleared" in page, "level-red" in page) == (True, False)  # an end has no colour of danger


def test_a_drill_is_listed_and_not_counted_among_what_is_real(county: County, duty: Person, chief: Person) -> None:
    issue(chief, drafted(duty, areas=[EAST], level="red", status="Exercise"))
    assert "0 生效中的预警" in text(browser(chief).get("/"))
    assert "演练" in text(browser(chief).get("/"))
    issued(duty, chief)
    page = browser(chief).get("/")
    assert "1 生效中的预警" in text(page)
    assert [tile.level for card in page.context["cards"] for tile in card.tiles if tile.name == "生效中的预警"] == [
        "yellow"
    ]


def test_another_kind_that_is_chosen_says_nothing_of_the_one_before(county: County, duty: Person) -> None:
    """Also where nobody has the words filled in anew; what was written by hand stays."""
    heat = packs.declared("warnings", "lemonade.heat", county.pk)
    other = {"title": {"zh": "低温", "en": "Cold"}, "code": "11B07", "categories": ["Met"], "responses": ["Shelter"]}
    row = {"county": county, "digest": "x", "source": "person", "body": {**heat, **other}}
    Declaration.objects.create(kind="warnings", key="local.cold", **row)
    packs.forget()
    new = "/alarms/warnings/new?kind=lemonade.heat"
    for own, event in ({}, "低温"), ({"event_zh": "高温天气"}, "高温天气"):
        said = drafted(duty, new, areas=[EAST], kind="local.cold", level="red", **own).content
        assert (said["kind"], said["event"]["zh"], said["code"]) == ("local.cold", event, "11B07")
        assert said["headline"]["zh"] == f"县政府发布{event}红色预警"
        assert (said["categories"], said["responses"]) == (["Met"], ["Shelter"])


def test_whoever_wrote_it_last_may_not_issue_it(county: County, duty: Person) -> None:
    both = person(county, "alarms.warning.*", username="both")
    draft = drafted(duty, areas=[EAST])
    client = browser(both)
    address = f"/alarms/warnings/messages/{draft.pk}/"
    page = client.get(address)
    assert page.context["title"] == "核对草稿"
    given = typed(page, version=draft.version, headline_zh="改过的标题")
    assert client.post(address, given).status_code == 302
    draft.refresh_from_db()
    before = kept()
    assert told(issue(both, draft)) == ["您起草的内容须由另一人审批发布。"]
    stale = browser(person(county, "alarms.warning.*", username="third"))
    for version in (1, "9" * 5000):
        page = stale.post(f"{address}issue", {"version": version}, follow=True)
        assert told(page) == ["有人先于您操作；这是预警现在的状态。"]
    assert kept() == before
    assert draft.content["headline"]["zh"] == "改过的标题"


def test_no_right_no_page_and_nothing_changes(county: County, duty: Person, chief: Person, loopback: None) -> None:
    current, draft = issued(duty, chief), drafted(duty, areas=[EAST])
    over = issued(duty, chief)
    PublicWarning.objects.filter(pk=over.warning_id).update(state="cleared", ended_at=timezone.now())
    mild = person(county, "alarms.warning.view", "alarms.warning.issue", username="mild")
    others = [
        person(county, "alarms.alarm.*", username="stranger"),
        person(county, "alarms.warning.*", username="west", in_area="102"),
    ]
    number, before = current.warning_id, kept()
    for who in others:
        client = browser(who)
        for address in (f"{number}/", f"{number}/receipts", f"messages/{draft.pk}/", f"{number}/follow/update"):
            assert client.get(f"/alarms/warnings/{address}").status_code == 403
        for address in (f"messages/{draft.pk}/issue", f"messages/{draft.pk}/drop", f"{over.warning_id}/outcome"):
            assert client.post(f"/alarms/warnings/{address}", {"version": 1, "outcome": "false"}).status_code == 403
    assert browser(others[0]).get("/alarms/warnings/").status_code == 403
    assert browser(others[0]).get("/alarms/warnings/new").status_code == 403
    assert [one.pk for one in browser(others[1]).get("/alarms/warnings/").context["page"]] == []
    west = browser(others[1])
    outside = typed(west.get("/alarms/warnings/new"), areas=[EAST])
    assert west.post("/alarms/warnings/new", outside).status_code == 403
    missed = {"area": EAST, "level": "red", "kind": "lemonade.heat", "happened": "2026-01-01T08:00"}
    assert west.post("/alarms/warnings/skill/", missed).status_code == 403
    assert browser(mild).get(f"/alarms/warnings/messages/{draft.pk}/").status_code == 403
    assert kept() == before
    grave = drafted(duty, f"/alarms/warnings/{number}/follow/update", level="red")
    before = kept()
    assert issue(mild, grave).status_code == 403
    assert kept() == before
    assert issue(mild, draft).status_code == 200
    draft.refresh_from_db()
    assert (draft.state, draft.approver) == ("issued", mild)


def test_who_issues_needs_the_right_wherever_it_goes(county: County, duty: Person, chief: Person) -> None:
    held = ("alarms.warning.view", "alarms.warning.issue", "alarms.warning.issue_grave")
    east = person(county, *held, username="east", in_area="101")
    first = issued(duty, east)
    wide = drafted(duty, f"/alarms/warnings/{first.warning_id}/follow/update", areas=[county.pk], do="keep")
    before = kept()
    assert not browser(east).get(f"/alarms/warnings/{first.warning_id}/").context["may_issue"]
    assert issue(east, wide).status_code == 403
    assert kept() == before
    assert issue(chief, wide).status_code == 200
    narrow = drafted(duty, f"/alarms/warnings/{first.warning_id}/follow/cancel", areas=[EAST])
    before = kept()
    assert issue(east, narrow).status_code == 403  # it is in force in the whole county
    assert kept() == before
    assert issue(chief, narrow).status_code == 200
    assert PublicWarning.objects.values_list("state", "area__code").get() == ("cancelled", county.pk)


def test_what_nothing_is_known_of_leaves_no_hole() -> None:
    rain = "{areas}出现强降雨，{station}自 {since} 起雨势达到标准。预计持续到 {expires}。"
    known = {"areas": "东镇", "station": "", "since": "", "expires": "2026-07-02 08:00"}
    assert warnings.filled(rain, known) == "东镇出现强降雨。预计持续到 2026-07-02 08:00。"
    english = "Heavy rain in {areas}: at {station} since {since}. Until {expires}."
    assert warnings.filled(english, known) == "Heavy rain in 东镇. Until 2026-07-02 08:00."
    assert warnings.filled(rain, {**known, "station": "一号站", "since": "8 时"}) == (
        "东镇出现强降雨，一号站自 8 时 起雨势达到标准。预计持续到 2026-07-02 08:00。"
    )
    assert warnings.filled("{station}自 {since} 起水质异常，可能影响{areas}。", known) == "可能影响东镇。"


def test_empty_words_are_filled_in(duty: Person) -> None:
    client, new = browser(duty), "/alarms/warnings/new?kind="
    empty = typed(client.get(new))
    assert "headline_zh" not in empty
    page = client.post(new, {**empty, "do": "fill", "kind": "lemonade.heat", "areas": [EAST], "level": "red"})
    assert page.context["form"]["headline_zh"].value() == "县政府发布高温红色预警"
    refused = client.post(new, {**empty, "kind": "lemonade.heat", "areas": [EAST]})
    assert (refused.status_code, "headline_zh" in refused.context["form"].errors) == (200, True)
    assert not WarningMessage.objects.exists()


NO_JSON = ("{", "[" * 100_000)


@pytest.mark.parametrize(
    "shown",
    ["[]", "5", "{}", NO_JSON[0], '{"level": "red", "kind": [], "areas": 5, "expires": "x"}',
     '{"level": [], "kind": "lemonade.heat", "areas": [], "expires": "2026-07-01T08:00:00+08:00"}',
     '{"level": "red", "kind": "lemonade.heat", "areas": [], "expires": "2026-07-01T08:00:00"}',
     '{"level": "red", "kind": "lemonade.heat", "areas": [], "expires": "9999-12-31T23:59:59+00:00"}',
     '{"level": "red", "kind": "lemonade.heat", "areas": [], "expires": "0001-01-01T00:00:00+14:00"}',
     r'{"level": "red", "kind": "lemonade.heat", "areas": ["\u0000"], "expires": "2026-07-01T08:00:00+08:00"}',
     r'{"level": "red", "kind": "lemonade.heat", "areas": ["\ud800"], "expires": "2026-07-01T08:00:00+08:00"}',
     pytest.param(NO_JSON[1], id="deep")],
)  # fmt: skip
def test_a_page_that_was_tampered_with_keeps_what_is_typed(duty: Person, shown: str) -> None:
    client, new = browser(duty), "/alarms/warnings/new?kind=lemonade.heat&level=red"
    sent = typed(client.get(new), areas=[EAST], level="orange", shown=shown)
    answer = client.post(new, sent)
    assert answer.status_code == (200 if shown in NO_JSON else 302)
    said = [message.content["headline"]["zh"] for message in WarningMessage.objects.all()]
    assert said == ([] if shown in NO_JSON else ["县政府发布高温红色预警"])


NO_SHAPES = (
    "100.6,30.1;100.7,30.2;100.7,30.1;100.6,30.2", "1,1;2,2", "nan,1;2,2;3,1", '{"type":' * 100_000,
    '{"type": "FeatureCollection", "features": [1]}', '{"type": "Polygon", "coordinates": 5}',
    '{"type": "Polygon", "coordinates": [[[%s, 1], [2, 2], [3, 1]]]}' % ("9" * 400),
    "100.6,30.1;100.600001,30.1;100.600001,30.100001",  # nothing is left of it once it is rounded to a metre
)  # fmt: skip


def test_what_is_wrong_is_named_and_a_shape_finds_its_towns(county: County, duty: Person, chief: Person) -> None:
    client = browser(duty)
    page = client.get("/alarms/warnings/new?kind=")
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("areas", {}, "请选择乡镇，或划定与乡镇相交的范围"),
        ("expires", {"areas": [EAST], "expires": "0001-01-01T00:00"}, "请选择 1900 年至 2199 年之间的时间"),
        ("expires", {"areas": [EAST], "expires": "2020-01-01T00:00"}, "必须晚于现在"),
        ("onset", {"areas": [EAST], "onset": "2099-01-01T00:00"}, "必须早于截止时间"),
        ("restriction", {"areas": [EAST], "scope": "Restricted"}, "请说明限于哪些人"),
        *(("polygon", {"polygon": shape}, "必须是一个不自相交的 WGS 84 多边形") for shape in NO_SHAPES),
        ("polygon", {"polygon": ";".join(["100.6,30.1"] * 10_001)}, "范围的点超过一万个"),
        ("description_zh", {"areas": [EAST], "description_zh": "雨" * 5001}, "5000"),
    ]
    words = {
        f"{name}_{key}": "暴雨" for name in ("event", "headline", "description", "instruction") for key in ("zh", "en")
    }
    for name, changes, said in wrong:
        answer = client.post("/alarms/warnings/new?kind=", typed(page, **{**words, **changes}))
        assert said in str(answer.context["form"].errors[name])
    far = {"polygon": "10,10;11,10;11,11"}
    assert "与本县任何乡镇都不相交" in text(client.post("/alarms/warnings/new?kind=", typed(page, **words, **far)))
    for number in ("²", "9" * 5000):
        assert client.get(f"/alarms/warnings/new?alarm={number}").status_code == 200
    assert PublicWarning.objects.count() == 0
    ring = [[100.6, 30.1], [100.7, 30.1], [100.7, 30.2], [100.6, 30.1]]
    shape = json.dumps({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    made = issued(duty, chief, areas=[], polygon=shape, kind="", **words)
    area_told = cap.decode(bytes(made.xml or b"")).infos[0].areas[0]
    assert (area_told.description, area_told.polygons) == ("东镇", (tuple((x, y) for x, y in ring),))
    (feature,) = features(access.actor(chief), county.pk, None, maps.Asked())  # type: ignore[arg-type]  # it looks at none
    assert (feature.geometry["type"], feature.properties["level"]) == ("Polygon", "yellow")
    assert features(access.actor(person(county, "maps.map.view")), county.pk, None, maps.Asked()) == []  # type: ignore[arg-type]


def test_what_a_shape_that_reaches_beyond_its_towns_means_is_chosen(duty: Person, chief: Person) -> None:
    client, new = browser(duty), "/alarms/warnings/new?kind=lemonade.heat&level=yellow"
    page = client.get(new)
    across, west = (
        "100.4,30.1;100.6,30.1;100.6,30.2;100.4,30.2;100.4,30.1",
        "100.1,30.1;100.2,30.1;100.2,30.2;100.1,30.1",
    )
    abroad = "100.9,30.1;101.1,30.1;101.1,30.2;100.9,30.2;100.9,30.1"

    def sent(polygon: str, **more: str) -> Any:
        return client.post(new, typed(page, areas=[EAST], polygon=polygon, **more))

    refused: list[tuple[str, dict[str, str], str, list[str]]] = [
        (across, {}, "范围有 50% 在所选乡镇之外：西镇", ["add", "cut", "keep"]),
        (across, {"beyond": "keep", "beyond_why": " "}, "范围有 50% 在所选乡镇之外：西镇", ["add", "cut", "keep"]),
        (abroad, {"beyond": "add"}, "范围有 50% 在所选乡镇之外：本县以外", ["cut", "keep"]),
        (west, {}, "范围有 100% 在所选乡镇之外：西镇", ["add", "cut", "keep"]),
        (west, {"beyond": "cut"}, "裁剪后不是完整的一块：请改选乡镇或重新划定", ["add", "cut", "keep"]),
    ]
    for polygon, more, said, offered in refused:
        answer = sent(polygon, **more)
        assert answer.context["form"].errors["polygon"] == [said]
        shown = answer.content.decode()
        assert [way for way in ("add", "cut", "keep") if f'name="beyond" value="{way}"' in shown] == offered
        assert 'id="warning-beyond"' in shown
    two = [[[[100.6, y], [100.7, y], [100.7, y + 0.1], [100.6, y]]] for y in (30.1, 30.5)]
    pieces = sent(json.dumps({"type": "MultiPolygon", "coordinates": two}))
    assert "必须是一个不自相交的 WGS 84 多边形" in str(pieces.context["form"].errors["polygon"])
    assert WarningMessage.objects.count() == 0

    def kept(polygon: str, **more: str) -> tuple[list[str], str, Any]:
        assert sent(polygon, **more).status_code == 302
        said = WarningMessage.objects.latest("pk").content
        return said["areas"], ";".join(f"{x:g},{y:g}" for x, y in said["polygon"]), said["beyond"]

    assert kept(across, beyond="add") == ([EAST, WEST], across, None)
    areas, ring, why = kept(across, beyond="cut")
    assert (areas, sorted(ring.split(";")[1:]), why) == (
        [EAST], ["100.5,30.1", "100.5,30.2", "100.6,30.1", "100.6,30.2"], None,
    )  # fmt: skip
    assert kept(abroad, beyond="keep", beyond_why="河水流向邻县") == (
        [EAST], abroad, {"why": "河水流向邻县", "percent": 50},
    )  # fmt: skip
    draft = WarningMessage.objects.latest("pk")
    assert "范围在所选乡镇之外的占比 50 % ：河水流向邻县" in text(
        browser(chief).get(f"/alarms/warnings/{draft.warning_id}/")
    )
    again = client.get(f"/alarms/warnings/messages/{draft.pk}/")
    assert (again.context["form"]["beyond"].value(), again.context["form"]["beyond_why"].value()) == (
        "keep",
        "河水流向邻县",
    )
    WarningMessage.objects.filter(pk=draft.pk).update(
        content={**draft.content, "beyond": None}
    )  # as before it was asked
    assert told(issue(chief, draft)) == ["范围超出所选乡镇且未说明理由，请修改草稿。"]
    WarningMessage.objects.filter(pk=draft.pk).update(content=draft.content)
    issue(chief, draft)
    draft.refresh_from_db()
    (area_told,) = cap.decode(bytes(draft.xml or b"")).infos[0].areas
    assert [";".join(f"{x:g},{y:g}" for x, y in ring) for ring in area_told.polygons] == [abroad]
    assert "河水流向邻县" not in bytes(draft.xml or b"").decode()


def test_issued_bytes_are_kept_and_expired_ones_leave_the_feed(county: County, duty: Person, chief: Person) -> None:
    made, hidden = issued(duty, chief), issued(duty, chief, scope="Restricted", restriction="镇村干部")
    for change in ("UPDATE alarms_warningmessage SET xml = ''", "DELETE FROM alarms_warningmessage"):
        with (
            pytest.raises(ProgrammingError, match="Cannot update or delete"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
    assert [one["identifier"] for one in feed("json")["warnings"]] == [made.identifier]
    for form in ("", ".xml", ".json"):
        address = f"/cap/{hidden.identifier}{form}"
        assert (Client().get(address).status_code, browser(chief).get(address).status_code) == (404, 200)
        assert "public" not in browser(chief).get(address).headers.get("Cache-Control", "")
    assert Client().get("/cap", {"county": "990002", "f": "json"}).json()["warnings"] == []
    for address in (f"/cap/{made.identifier}.xml", f"/cap/{made.identifier}.json", "/cap", "/cap?f=json"):
        full = Client().get(address)
        named = ("ETag", "Last-Modified", "Cache-Control", "Access-Control-Allow-Origin")
        for known in (
            {"If-None-Match": full["ETag"]}, {"If-None-Match": f'"other", W/{full["ETag"]}'},
            {"If-Modified-Since": full["Last-Modified"]},
        ):  # fmt: skip
            again = Client().get(address, headers=known)
            assert (again.status_code, again.content) == (304, b"")
            assert [again[name] for name in named] == [full[name] for name in named]
        assert Client().get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    sent = feed().findtext(f"{ATOM}updated")
    assert sent == f"{timezone.localtime(made.sent).isoformat(timespec='seconds')}"
    over = timezone.localtime(timezone.now()).replace(microsecond=0)
    PublicWarning.objects.update(expires_at=over)
    assert (feed("json")["warnings"], feed("json")["updated"]) == ([], over.isoformat())
    assert feed().findall(f"{ATOM}entry") == []
    assert Client().get(f"/cap/{made.identifier}.xml").content == bytes(made.xml or b"")
    assert browser(duty).get(f"/alarms/warnings/{made.warning_id}/follow/update").status_code == 200
    follow = f"/alarms/warnings/{made.warning_id}/follow/cancel"
    late = browser(duty)
    page = late.get(follow)
    before = kept()
    refused = late.post(
        follow, typed(page, expires=f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"), follow=True
    )
    assert told(refused) == ["预警已到期失效，未作改动。情况仍在继续的，请另发新预警。"]
    assert kept() == before
    late = browser(duty).get(f"/alarms/warnings/{made.warning_id}/").context
    assert (late["state"], late["following"]) == ("expired", ())
    assert (issuing.expire(), issuing.expire()) == (2, 0)
    assert happened()[-2:] == ["alarms.warning.expired"] * 2


def test_a_draft_that_waited_past_its_end_says_so(duty: Person, chief: Person) -> None:
    draft = drafted(duty, areas=[EAST])
    ended = {**draft.content, "expires": timezone.localtime(timezone.now() - timedelta(minutes=1)).isoformat()}
    WarningMessage.objects.filter(pk=draft.pk).update(content=ended)
    before = kept()
    assert told(issue(chief, draft)) == ["草稿写的截止时间已过，未发布。请修改草稿，改为更晚的截止时间。"]
    assert kept() == before


def test_what_is_pasted_from_a_word_processor_breaks_no_feed(county: County, duty: Person, chief: Person) -> None:
    made = issued(duty, chief, headline_zh="水位\x0b上涨", restriction="镇\x1f村")
    assert made.content["restriction"] == "镇\n村"
    assert feed().findtext(f"{ATOM}entry/{ATOM}title") == "水位\n上涨"
    assert cap.decode(bytes(made.xml or b"")).infos[0].headline == "水位\n上涨"


def test_what_the_public_was_told_of_goes_on_in_public(county: County, duty: Person, chief: Person) -> None:
    made = issued(duty, chief)
    client, address = browser(duty), f"/alarms/warnings/{made.warning_id}/follow/update"
    page = client.post(address, typed(client.get(address), scope="Restricted", restriction="镇村干部"))
    assert "已向公众发布的预警，后续消息也须公开" in text(page)
    page = client.post(address, typed(client.get(address), status="Exercise"))
    assert "演练与实警须各发各的预警" in str(page.context["form"].errors["status"])
    assert WarningMessage.objects.count() == 1
    assert [one["identifier"] for one in feed("json")["warnings"]] == [made.identifier]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
CONTENTS = st.fixed_dictionaries({
    "level": st.sampled_from(["blue", "yellow", "orange", "red"]), "status": st.sampled_from(["Actual", "Exercise"]),
    "scope": st.just("Public"), "urgency": st.sampled_from(["Immediate", "Expected"]), "certainty": st.just("Likely"),
    "categories": st.lists(st.sampled_from(cap.CATEGORIES), min_size=1, unique=True),
    "code": st.sampled_from(["", "11B09"]),
    "responses": st.lists(st.sampled_from(["Avoid", "Prepare"]), unique=True), "onset": st.none(),
    "polygon": st.sampled_from([
        None, [[108.1, 30.1], [108.2, 30.1], [108.2, 30.2], [108.1, 30.1]],
        [[108.12341, 30.12341], [108.12349, 30.12341], [108.12349, 0.00001], [108.12341, 30.12341]],
    ]),
    **{
        name: st.fixed_dictionaries(dict.fromkeys(("zh", "en"), WORDS))
        for name in ("event", "issuer", "headline", "description", "instruction")
    },
})  # fmt: skip


@given(CONTENTS, st.sampled_from(list(warnings.TYPES)))
def test_whatever_is_said_comes_back_from_its_xml(said: dict[str, Any], kind: str) -> None:
    sent = datetime(2026, 7, 1, 12, tzinfo=timing.ZONE)
    told_of = {**said, "expires": (sent + timedelta(hours=1)).isoformat()}
    head = cap.Alert("a_1", "c-1", sent, references=(cap.Reference("c-1", "a_0", sent),))
    made = warnings.composed(
        told_of, kind, head, [warnings.Zone("500240001", "南宾")], "https://example.org/cap/a_1.xml"
    )
    assert cap.decode(cap.encode(made)) == made


def households(county: County, number: int) -> None:
    """Regular customers of the east town stand for households; `badge` names the loudspeaker."""
    root = access.actor(person(county, "*", username="root"))
    for n in range(number):
        data = {"code": f"R{n:03}", "name": f"住户{n}", "phone": f"1390000000{n}", "badge": f"LS{n}"}
        records.create(root, county.pk, "lemonade.regular", data, organisation="stand", area=EAST)
    county.settings["warnings"] = {
        "households": {"register": "lemonade.regular", "phone": "phone", "speaker": "badge"},
        "starts": {"lemonade.heat": "lemonade.order"},
    }
    county.save()


def ways() -> dict[str, list[str]]:
    """way → who was told by it."""
    rows = Delivery.objects.exclude(channel=None).select_related("channel", "person").order_by("pk")
    found: dict[str, list[str]] = {}
    for one in rows:
        found.setdefault(one.channel.kind if one.channel else "", []).append(
            one.person.username if one.person else one.address
        )
    return found


def test_the_ring_widens_for_who_has_not_answered_and_not_twice(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person], live_server: Any
) -> None:
    households(county, 2)
    operator = Operator("acc", "s3", report=live_server.url, loses=0, refuses=0, repeats=1, delay=0)
    deaf = Operator("acc", "s3", loses=1, refuses=0)
    for kind, where in (("sms", deaf.url), ("voice", deaf.url), ("speaker", operator.url)):
        Channel.objects.create(
            county=county, kind=kind, name=kind, address=where, account="acc", secret="s3", is_simulated=True
        )
    made = issued(duty, chief)
    assert ways() == {"sms": ["13900000000", "13900000001"]}
    assert set(made.addressees.exclude(person=None).values_list("name", flat=True)) == {"top", "east"}
    start = made.sent or timezone.now()
    (wake,) = ProcrastinateJob.objects.filter(task_name=reaching.WIDEN, args__number=made.pk)
    assert abs(wake.scheduled_at - start - timedelta(minutes=20)) < timedelta(seconds=5)
    assert reaching.widen(made.pk, start + timedelta(minutes=19)) == 0
    assert telling.read(makers["top"].pk, made.notice or 0)
    first, late = (
        {"sms": ["13900000000", "13900000001", "east"], "voice": ["13900000000", "13900000001"]},
        timedelta(minutes=21),
    )
    killed(f"reaching.widen({made.pk}, now + timedelta(minutes=21))")
    assert ways() == {"sms": first["sms"][:2]}
    assert [reaching.widen(made.pk, start + late) for _ in range(2)] == [3, 0]
    assert ways() == first
    assert reaching.widen(made.pk, start + 2 * late) == 3
    assert ways() == {"sms": first["sms"], "voice": [*first["voice"], "east"], "speaker": ["LS0", "LS1"]}
    assert reaching.widen(made.pk, start + 3 * late) == 1
    assert reaching.widen(made.pk, start + 9 * late) == 0
    named = Message.objects.filter(title__startswith="请代为通知").order_by("pk")
    assert [one.text for one in named] == ["未联系到的住户：2 户"] * 2 + ["未签收：东镇 east"]
    assert {d.person.username for d in Delivery.objects.filter(message=named[2]) if d.person} == {"top"}
    assert telling.send_due() == 8
    until(lambda: Delivery.objects.filter(channel__kind="speaker", state="received").count() == 2)
    operator.stop()
    deaf.stop()
    client = browser(chief)
    page = client.get(f"/alarms/warnings/{made.warning_id}/")
    shown = text(page)
    assert [part for part in ("top", "未签收", "已尝试", "大喇叭", "LS0", "未联系到") if part not in shown] == []
    (east,) = [one for one in page.context["patches"] if one.place]
    assert (east.name, east.grade, east.place.asked, east.place.ring) == ("东镇", "low", 3, 3)
    assert [one.grade for one in page.context["patches"]].count("none") == len(page.context["patches"]) - 1
    assert "1390000" not in page.content.decode()
    assert "住户0" not in shown  # its record is not the chief's to see
    assert (page.context["people"].answered, page.context["people"].asked, page.context["homes"].answered) == (1, 2, 0)
    address = f"/alarms/warnings/{made.warning_id}/receipts?mark={page.context['mark']}"
    assert f'hx-get="{address}"' in page.content.decode()
    assert (client.get(address).status_code, client.get(address).content) == (204, b"")
    assert telling.read(makers["east"].pk, made.notice or 0)
    after = client.get(address).context
    assert (after["people"].answered, [one.place.percent for one in after["patches"] if one.place]) == (2, [33])
    answered = Delivery.objects.filter(message=made.notice, person=makers["east"]).exclude(read_at=None)
    answered.update(read_at=start + timedelta(minutes=47))
    shown = text(client.get(f"/alarms/warnings/{made.warning_id}/"))
    assert ("90% 用时 0:47:00" in shown, "尚未达到 90%" in shown) == (True, True)  # persons; households never
    PublicWarning.objects.update(state="cleared", ended_at=timezone.now())
    assert "hx-get" not in client.get(address).content.decode()


def test_a_household_without_a_telephone_is_told_by_those_near_at_once(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    households(county, 1)
    root = access.actor(Person.objects.get(username="root"))
    for data in ({"code": "R008", "name": "住户8", "badge": "LS8"}, {"code": "R009", "name": "住户9"}):
        records.create(root, county.pk, "lemonade.regular", data, organisation="stand", area=EAST)
    for kind in ("sms", "voice", "speaker"):
        Channel.objects.create(county=county, kind=kind, name=kind, address="http://127.0.0.1:9/", is_simulated=True)
    made = issued(duty, chief)
    why = "没有登记电话的住户：2 户，电话和短信都通知不到，请上门告知"

    def asked() -> list[tuple[str, list[str | None]]]:
        rows = Message.objects.filter(title__startswith="请代为通知").order_by("pk")
        return sorted((one.text, [to.person and to.person.username for to in one.deliveries.all()]) for one in rows)

    assert (asked(), notes(made)) == ([], {"top": why, "east": why})
    assert ways() == {"sms": ["13900000000"], "speaker": ["LS8"]}
    assert Delivery.objects.filter(person=makers["east"], channel=None).count() == 1  # one notice, one receipt
    client = browser(makers["east"])
    assert why in text(client.get(f"/messages/{made.notice}/"))
    assert "data-note" not in browser(chief).get(f"/messages/{made.notice}/").content.decode()
    client.post(f"/messages/{made.notice}/")
    assert reaching.answers(made)[f"person/{makers['east'].pk}"].at
    Delivery.objects.update(read_at=None)
    silent = made.addressees.filter(has_phone=False)
    assert list(silent.values_list("ring", "due")) == [(2, None)] * 2
    start, late = made.sent or timezone.now(), timedelta(minutes=21)
    assert [reaching.widen(made.pk, start + n * late) for n in (1, 1, 2, 3, 9)] == [3, 0, 3, 2, 0]
    home = "未联系到的住户：1 户"
    assert asked() == [("未签收：东镇 east", ["top"]), (home, ["east"]), (home, ["top"])]
    told = Delivery.objects.filter(message=made.notice, person=makers["east"]).exclude(channel=None)
    assert set(told.values_list("channel__kind", "note")) == {("sms", why), ("voice", why)}
    page = browser(Person.objects.get(username="root")).get(f"/alarms/warnings/{made.warning_id}/")
    assert text(page).count("没有登记电话，已请附近人员立即上门") == 2
    homes = page.context["homes"]
    assert (homes.asked, homes.answered) == (3, 0)


def notes(made: WarningMessage) -> dict[str, str]:
    """Who was told what besides, with the message itself."""
    rows = Delivery.objects.filter(message=made.notice, channel=None).exclude(note="")
    return dict(rows.values_list("person__username", "note"))


def test_households_that_no_channel_reaches_are_told_by_those_near_at_once(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    households(county, 2)
    for kind in ("sms", "voice", "speaker"):
        Channel.objects.create(
            county=county, kind=kind, name=kind, address="http://127.0.0.1:9/", is_simulated=True,
            is_enabled=kind == "speaker",
        )  # fmt: skip
    made = issued(duty, chief)
    why = "有电话但短信和语音都发不出去的住户：2 户，请打电话或上门告知"
    assert notes(made) == {"top": why, "east": why}
    assert ways() == {"speaker": ["LS0", "LS1"]}
    start, late = made.sent or timezone.now(), timedelta(minutes=21)
    assert [reaching.widen(made.pk, start + n * late) for n in (1, 2)] == [
        2,
        0,
    ]  # persons, of whom no other way is left
    named = Message.objects.filter(title__startswith="请代为通知")
    assert [one.text for one in named] == ["未签收：东镇 east"]
    page = browser(Person.objects.get(username="root")).get(f"/alarms/warnings/{made.warning_id}/")
    assert text(page).count("没有渠道能打通这户的电话，已请附近人员立即告知") == 2
    Channel.objects.filter(kind="voice").update(is_enabled=True)  # the first way that there is, at once
    update = drafted(duty, f"/alarms/warnings/{made.warning_id}/follow/update", level="orange")
    issue(chief, update)
    update.refresh_from_db()
    assert notes(update) == {}
    assert ways()["voice"] == ["13900000000", "13900000001"]


def test_the_chain_goes_from_county_to_town_to_village_to_household(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    town = area(county, "101")
    for number, name in enumerate(("东村", "河村", "山村"), 1):
        code = f"{EAST}00{number}"
        row = {"level": "village", "parent": town, "path": f"{town.path}{code}/", "sort_key": name}
        Area.objects.create(county=county, code=code, name=name, **row)
    for number in (1, 2):  # nobody in 山村
        person(county, role="lemonade.maker", username=f"head{number}", in_area=f"10100{number}")
    households(county, 0)
    root = access.actor(Person.objects.get(username="root"))
    for number, where, phone in (
        (1, f"{EAST}001", True),
        (2, f"{EAST}002", False),
        (3, f"{EAST}003", True),
        (4, EAST, True),
    ):
        data = {"code": f"R00{number}", "name": f"住户{number}", "badge": f"LS{number}"}
        data |= {"phone": f"1390000000{number}"} if phone else {}
        records.create(root, county.pk, "lemonade.regular", data, organisation="stand", area=where)
    for kind in ("sms", "voice", "speaker"):
        Channel.objects.create(county=county, kind=kind, name=kind, address="http://127.0.0.1:9/", is_simulated=True)
    made = issued(duty, chief)
    start, late, seen = made.sent or timezone.now(), timedelta(minutes=21), set[int]()

    def asked() -> dict[str, str]:
        """Who is asked now to tell others: of whom."""
        rows = Message.objects.filter(title__startswith="请代为通知").exclude(pk__in=seen)
        found = {one.deliveries.get(channel=None).person.username: one.text for one in rows}
        seen.update(rows.values_list("pk", flat=True))
        return found

    mute = "没有登记电话的住户：1 户，电话和短信都通知不到，请上门告知"
    assert (asked(), notes(made)) == ({}, {"head2": mute, "east": mute})
    assert ways() == {"sms": ["13900000001", "13900000003", "13900000004"], "speaker": ["LS2"]}
    assert reaching.widen(made.pk, start + late) == 7
    assert asked() == {}
    assert reaching.widen(made.pk, start + 2 * late) == 7
    homes = "未联系到的住户：%d 户"
    assert asked() == {"head1": homes % 1, "east": homes % 3, "top": homes % 1}
    assert sorted(ways()["speaker"]) == ["LS1", "LS2", "LS3", "LS4"]
    assert telling.read(Person.objects.get(username="head1").pk, made.notice or 0)
    assert reaching.widen(made.pk, start + 3 * late) == 3
    assert asked() == {"head1": "未签收：河村 head2", "east": "未签收：河村 head2", "top": "未签收：东镇 east"}
    page = browser(chief).get(f"/alarms/warnings/{made.warning_id}/")

    def told_of(place: receipts.Place) -> tuple[Any, ...]:
        people = [line.addressee.name for line in place.people]
        return place.area.name, people, len(place.homes), place.percent, *map(told_of, place.inside)

    villages = ("东村", ["head1"], 1, 50), ("河村", ["head2"], 1, 0), ("山村", [], 1, 0)
    assert list(map(told_of, page.context["tree"])) == [("甲县", ["top"], 0, 12, ("东镇", ["east"], 1, 14, *villages))]
    (east,) = [one for one in page.context["patches"] if one.place]
    assert (east.name, east.grade, east.place.asked, east.place.percent) == ("东镇", "low", 7, 14)


def test_who_is_not_in_the_area_any_more_hears_that_alone_and_of_the_end(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    households(county, 2)
    root = access.actor(Person.objects.get(username="root"))
    data = {"code": "R009", "name": "住户9", "phone": "13900000009", "badge": "LS9"}
    records.create(root, county.pk, "lemonade.regular", data, organisation="stand", area=WEST)
    for kind in ("sms", "speaker"):
        Channel.objects.create(county=county, kind=kind, name=kind, address="http://127.0.0.1:9/", is_simulated=True)
    first = issued(duty, chief, areas=[EAST, WEST], level="orange")
    address = f"/alarms/warnings/{first.warning_id}/follow"
    shrunk = [drafted(duty, f"{address}/update", areas=[WEST], do="keep")]
    issue(chief, shrunk[0])
    shrunk.append(drafted(duty, f"{address}/update", level="red", do="keep"))
    issue(chief, shrunk[1])
    for one in shrunk:
        assert list(one.addressees.values_list("name", "contact").order_by("pk"))[:2] == [("top", ""), ("west", "")]
        assert one.addressees.exclude(contact="").count() == 2  # the household and its loudspeaker
    (left,) = Message.objects.filter(key__endswith="/left")
    assert (left.title, left.text) == (
        "您所在区域已不在预警范围内：县政府发布高温橙色预警", "现预警范围：西镇。",
    )  # fmt: skip
    assert reached(left.pk) == {"east", "13900000000", "13900000001", "LS0", "LS1"}
    end = drafted(duty, f"{address}/allclear", areas=[WEST])
    issue(chief, end)
    end.refresh_from_db()
    everybody = {"top", "east", "west", "LS0", "LS1", "LS9", *(f"1390000000{n}" for n in (0, 1, 9))}
    assert reached(end.notice) == reached(first.notice) == everybody


def reached(message: int | None) -> set[str]:
    """Persons, telephone numbers and loudspeakers that were told."""
    rows = Delivery.objects.filter(message=message).select_related("person")
    return {one.person.username if one.person else one.address for one in rows}


def test_nine_in_ten_are_counted_of_all_who_were_asked() -> None:
    sent = timezone.now()
    answers: list[datetime | None] = [sent + timedelta(minutes=n) for n in (8, 1, 7, 2, 6, 3, 5, 4)]
    assert warnings.share(sent, [*answers, None, None]) == warnings.Share(10, 8, None)
    assert warnings.share(sent, [*answers, sent + timedelta(minutes=47), None]).ninety == timedelta(minutes=47)
    assert warnings.share(sent, []) == warnings.Share(0, 0, None)


def test_of_thousands_the_lines_of_the_chosen_place_are_shown(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    households(county, 3)
    monkeypatch.setattr(receipts, "WHOLE", 4)
    made = issued(duty, chief)
    address = f"/alarms/warnings/{made.warning_id}/"
    root = browser(Person.objects.get(username="root"))

    def seen(path: str) -> tuple[list[str], str]:
        page = root.get(path).content.decode()
        return [name for name in ("<strong>top", "未签收", "住户0", "东镇") if name in page], page

    names, page = seen(address)
    assert (names, f"{address}?open={EAST}#receipts" in page) == (["<strong>top", "未签收", "东镇"], True)
    for path in (f"{address}?open={EAST}", f"{address}receipts?open={EAST}"):
        names, page = seen(path)
        assert names == ["<strong>top", "未签收", "住户0", "东镇"]
        assert f"&amp;open={EAST}" in page  # it stays so while the page asks again
    assert seen(f"{address}?open=<x>")[0] == ["<strong>top", "未签收", "东镇"]


def killed(code: str) -> None:
    """Do it in a process of its own that is killed before it commits."""
    script = (
        "import os, signal, django; django.setup()\n"
        "from datetime import timedelta; from django.db import transaction; from django.utils import timezone\n"
        "from shizhu.engines.alarms.warnings import reaching\nnow = timezone.now()\n"
        f"with transaction.atomic():\n    assert {code}\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "DATABASE_URL": url()}, check=False)
    assert done.returncode == -signal.SIGKILL


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_what_came_of_it_is_counted_by_month(county: County, duty: Person, chief: Person) -> None:
    hit, false = issued(duty, chief), issued(duty, chief)
    client = browser(chief)
    when = f"{timezone.localtime(timezone.now() - timedelta(minutes=1)):%Y-%m-%dT%H:%M}"
    address = f"/alarms/warnings/{hit.warning_id}/outcome"
    assert "未作改动" in told(client.post(address, {"outcome": "hit", "happened": when}, follow=True))[0]
    assert PublicWarning.objects.get(pk=hit.warning_id).outcome == ""
    over, never = PublicWarning.objects.filter(pk=hit.warning_id), "0001-01-01T00:00"
    over.update(state="cleared", ended_at=timezone.now())
    assert "未作改动" in told(client.post(address, {"outcome": "hit", "happened": never}, follow=True))[0]
    given = {"area": EAST, "kind": "lemonade.heat", "level": "red", "happened": never}
    assert "未作改动" in told(client.post("/alarms/warnings/skill/", given, follow=True))[0]
    assert over.get().happened_at is None
    past = timezone.now() - timedelta(hours=3)
    PublicWarning.objects.update(state="cleared", ended_at=timezone.now(), issued_at=past)
    assert told(client.post(address, {"outcome": "hit", "happened": when}, follow=True)) == ["已保存。"]
    assert f'value="{when}"' in client.get(f"/alarms/warnings/{hit.warning_id}/").content.decode()
    client.post(f"/alarms/warnings/{false.warning_id}/outcome", {"outcome": "false"})
    for happened_at in (when, ""):
        given = {"area": EAST, "kind": "lemonade.heat", "level": "red", "happened": happened_at}
        client.post("/alarms/warnings/skill/", given)
    (month,) = client.get("/alarms/warnings/skill/").context["months"]
    skill = month.skill
    assert (skill.hits, skill.false, skill.misses, skill.detected, skill.false_share) == (1, 1, 1, 50.0, 50.0)
    assert timedelta(hours=2, minutes=57) < skill.lead < timedelta(hours=3)
    asked = Asked({"from": "warnings", "by": ["outcome"]}, access.actor(chief), county.pk, timezone.now())
    found = {row.keys[0]: row.cells[-1] for row in datasets.ask(asked).rows}
    assert found == {"hit": 1, "false": 1, "miss": 1}


def test_races_leave_one_alert_one_draft_and_one_end(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person]
) -> None:
    """Two at once, again and again: whoever wins, what is kept could have come one after the other."""
    ops = ("update", "cancel", "allclear", "issue", "drop", "read", "widen", "expire")
    who, pool = access.actor(chief), ThreadPoolExecutor(2)

    def act(warning: int, op: str) -> str:
        try:
            draft = WarningMessage.objects.filter(warning=warning, state="draft").first()
            newest = WarningMessage.objects.filter(warning=warning, state="issued").order_by("pk").last()
            if op in {"update", "cancel", "allclear"}:
                said = draft or newest
                issuing.follow(warning, op, said.content if said else {}, person=duty.pk)
            elif op == "issue" and draft:
                issuing.issue(who, draft.pk, draft.version, web="https://example.org")
            elif op == "drop" and draft:
                issuing.drop(draft.pk, draft.version)
            elif op == "read" and newest:
                telling.read(makers["east"].pk, newest.notice or 0)
            elif op == "widen" and newest:
                reaching.widen(newest.pk, timezone.now() + timedelta(hours=1))
            elif op == "expire":
                issuing.expire(timezone.now() + timedelta(days=2))
        except issuing.NotNow:
            return "no"
        finally:
            connection.close()
        return "yes"

    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.tuples(st.sampled_from(ops[:-1]), st.sampled_from(ops)), max_size=6))
    def run(steps: list[tuple[str, str]]) -> None:
        draft = drafted(duty, areas=[EAST])
        number = draft.warning_id
        for pair in [("issue", "issue"), *steps]:
            for done in [pool.submit(act, number, op) for op in pair]:
                done.result()
            coherent(number)

    run()
    pool.shutdown()


def coherent(number: int) -> None:
    """What must hold of a warning at any time."""
    warning = PublicWarning.objects.get(pk=number)
    rows = list(WarningMessage.objects.filter(warning=warning).order_by("pk"))
    out = [one for one in rows if one.state == "issued"]
    kinds = [one.kind for one in out]
    assert sum(one.state == "draft" for one in rows) <= 1
    assert kinds[:1] == ["alert"][: len(kinds)]
    assert all(kind == "update" for kind in kinds[1:-1])
    ends = {"cancel": "cancelled", "allclear": "cleared"}
    expected = ends.get(kinds[-1], warning.state) if kinds else warning.state
    assert warning.state == expected
    assert warning.state in {"draft", "dropped", "current", "cancelled", "cleared", "expired"}
    assert (warning.state in {"draft", "dropped"}) == (not kinds)
    for place, one in enumerate(out):
        alert = cap.decode(bytes(one.xml or b""))
        assert one.sha256 == hashlib.sha256(bytes(one.xml or b"")).hexdigest()
        assert [ref.identifier for ref in alert.references] == [other.identifier for other in out[:place]]
    told_of = [
        row.envelope["data"]["message"]
        for row in OutboxEvent.objects.filter(subject__contains="alarms.warning")
        if row.envelope["data"].get("message") and row.envelope["data"]["warning"] == number
    ]
    assert sorted(told_of) == [one.pk for one in out]
    twice = Delivery.objects.values("message", "person", "channel").annotate(n=Count("pk")).filter(n__gt=1)
    assert list(twice) == []


def test_the_search_finds_the_warnings_one_may_see(county: County, duty: Person, chief: Person) -> None:
    here = {"instruction_zh": "沿河住户请到楼上去。", "areas": [EAST]}
    draft = drafted(duty, **here)
    address = f"/alarms/warnings/{draft.warning_id}/"

    page = text(browser(chief).get(address))
    assert [part for part in ("东镇 有效期至", "实警或演练") if part not in page] == []

    def found(who: Person, **asked: str) -> list[tuple[str, str, str]]:
        groups = browser(who).get("/search", asked).context["groups"]
        return [(hit.url, hit.title, hit.beside[-1]) for g in groups if g.key == "warnings" for hit in g.hits]

    near, far = (person(county, "alarms.warning.view", in_area=town) for town in ("101", "102"))
    as_draft, in_force = ((address, draft.content["headline"]["zh"], state) for state in ("草稿", "生效中"))
    assert found(near, q="楼上") == found(near, q="东镇 高温 住户") == found(near, q="heat") == [as_draft]
    issue(chief, draft)
    assert found(near, q="楼上") == found(near, q="楼上", area=EAST) == [in_force]
    assert found(near, q="楼上", area=WEST) == found(near, q="楼下") == []
    assert found(far, q="楼上") == found(person(county, "alarms.alarm.view"), q="楼上") == []


def test_the_search_does_not_find_what_was_put_away(duty: Person, chief: Person) -> None:
    sent = issued(duty, chief)
    dropped = drafted(duty, f"/alarms/warnings/{sent.warning_id}/follow/update", instruction_zh="撤到学校。", do="keep")
    client = browser(duty)
    assert client.get("/search", {"q": "撤到"}).context["total"] == 1
    client.post(f"/alarms/warnings/messages/{dropped.pk}/drop", {"version": dropped.version})
    assert client.get("/search", {"q": "撤到"}).context["total"] == 0


def test_what_a_loudspeaker_says_how_often_and_until_when_is_shown(
    county: County, duty: Person, chief: Person, makers: Mapping[str, Person], live_server: Any
) -> None:
    households(county, 1)
    operator = Operator("acc", "s3", report=live_server.url, loses=0, refuses=0, repeats=0, delay=0)
    Channel.objects.create(
        county=county,
        kind="speaker",
        name="大喇叭",
        address=operator.url,
        account="acc",
        secret="s3",
        is_simulated=True,
    )
    words = "东镇的乡亲们，太热了，请到阴凉处去。"
    made = issued(duty, chief, level="red", status="Exercise", spoken=words)
    assert telling.send_due() == 1
    until(lambda: Delivery.objects.filter(channel__kind="speaker", state="received").count() == 1)
    (sent,) = operator.sent
    end = made.content["expires"]
    assert (sent["content"], sent["every"], sent["until"]) == (f"演练，演练。{words}", 600, end)
    when = f"{timezone.localtime(datetime.fromisoformat(end)):%Y-%m-%d %H:%M}"
    page = text(browser(chief).get(f"/alarms/warnings/{made.warning_id}/"))
    how = f"8 秒 · 每 10 分钟重播一次，直到 {when}"
    assert page.count(how) == 2  # at the loudspeaker that took it, and with the message
    assert (page.count(f"演练，演练。{words}"), "模拟 · 已接收播放" in page) == (1, True)
    root = text(browser(Person.objects.get(username="root")).get(f"/messages/{made.notice}/"))
    assert (f"演练，演练。{words}" in root, how in root, "大喇叭 (模拟)" in root) == (True, True, True)
    end_of = drafted(duty, f"/alarms/warnings/{made.warning_id}/follow/cancel", spoken="不热了。")
    issue(chief, end_of)
    assert telling.send_due() >= 1
    operator.stop()
    assert (operator.sent[-1]["content"], "every" in operator.sent[-1]) == ("演练，演练。不热了。", False)
    assert "只播一遍" in text(browser(chief).get(f"/alarms/warnings/{made.warning_id}/"))
