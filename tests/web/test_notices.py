"""An administrator tells roles in an area something; those people read it, nobody else."""

from __future__ import annotations

import pytest
from tests.fixtures import area, person
from tests.web.pages import browser, text, told

from shizhu.kernel.models import County, Notice, Person, Receipt

pytestmark = pytest.mark.django_db
SENT = {"title": "汛期值守安排", "body": "请各镇今晚起二十四小时值守。"}


@pytest.fixture
def people(county: County) -> dict[str, Person]:
    """The office, two people of the eastern town, one of the western."""
    return {
        "office": person(county, "kernel.notice.send", "kernel.person.view", username="office"),
        "east": person(county, "alarms.alarm.view", username="east", in_area="101"),
        "clerk": person(county, "cases.case.view", username="clerk", in_area="101"),
        "west": person(county, "alarms.alarm.view", username="west", in_area="102"),
    }


def send(people: dict[str, Person], town: str = "101", **more: object) -> Notice:
    code = area(people["office"].county, town).code
    browser(people["office"]).post("/notices/new", {**SENT, "area": code, **more})
    return Notice.objects.get()


def test_the_bell_counts_on_a_list_with_a_wrong_condition_too(county: County, people: dict[str, Person]) -> None:
    reader = browser(person(county, "records.lemonade.stall.view", username="reader", in_area="101"))
    send(people)
    for condition in ("", "?filter=("):
        page = reader.get(f"/records/lemonade.stall/{condition}")
        assert (page.context["unread"], "未读" in page.content.decode()) == (1, True)


def test_it_reaches_whoever_holds_a_post_there_and_is_read(people: dict[str, Person]) -> None:
    notice = send(people)
    assert sorted(r.person.username for r in notice.receipts.all()) == ["clerk", "east"]
    east = browser(people["east"])
    assert (east.get("/").context["unread"], "汛期值守安排" in text(east.get("/"))) == (1, True)
    assert "二十四小时值守" in text(east.get(f"/notices/{notice.pk}/"))
    assert notice.receipts.get(person=people["east"]).read_at is None  # opened is not yet read
    east.post(f"/notices/{notice.pk}/read")
    assert (east.get("/").context["unread"], "汛期值守安排" in text(east.get("/notices/"))) == (0, True)
    page = text(browser(people["office"]).get(f"/notices/{notice.pk}/"))
    assert ("clerk 未读" in page, "east" in page) == (True, True)
    assert "1 / 2" in text(browser(people["office"]).get("/notices/"))


def test_roles_narrow_it(people: dict[str, Person]) -> None:
    notice = send(people, "", roles=[people["east"].posts.get().role_id])
    assert sorted(r.person.username for r in notice.receipts.all()) == ["east", "west"]


def test_others_see_nothing_of_it(people: dict[str, Person]) -> None:
    notice = send(people)
    west = browser(people["west"])
    assert west.get(f"/notices/{notice.pk}/").status_code == 404
    assert west.post(f"/notices/{notice.pk}/read").status_code == 404
    assert west.post(f"/notices/{notice.pk}/withdraw").status_code == 404
    assert browser(people["east"]).post(f"/notices/{notice.pk}/withdraw").status_code == 404
    assert "汛期值守安排" not in text(west.get("/notices/"))
    assert Receipt.objects.filter(read_at__isnull=False).count() == 0
    notice.refresh_from_db()
    assert notice.withdrawn_at is None


def test_who_may_not_send_does_not(people: dict[str, Person]) -> None:
    west = browser(people["west"])
    county = people["west"].county
    assert west.get("/notices/new").status_code == 403
    assert west.post("/notices/new", {**SENT, "area": county.pk}).status_code == 403
    town = person(county, "kernel.notice.send", username="town", in_area="102")
    page = browser(town).post("/notices/new", {**SENT, "area": county.pk})
    assert (page.status_code, "area" in page.context["form"].errors) == (200, True)
    assert Notice.objects.count() == 0


def test_nobody_addressed_nothing_sent_and_what_was_typed_stays(people: dict[str, Person]) -> None:
    people["west"].posts.all().delete()
    code = area(people["office"].county, "102").code
    page = browser(people["office"]).post("/notices/new", {**SENT, "area": code, "roles": []})
    assert "那里没有人担任这样的岗位，未发送。" in text(page)
    assert "请各镇今晚起二十四小时值守。" in page.content.decode()
    assert Notice.objects.count() == 0


def test_it_is_withdrawn_by_its_author(people: dict[str, Person]) -> None:
    notice = send(people)
    answer = browser(people["office"]).post(f"/notices/{notice.pk}/withdraw", follow=True)
    assert told(answer) == ["已撤回，其他人不再看到。"]
    east = browser(people["east"])
    assert (east.get("/").context["unread"], east.get(f"/notices/{notice.pk}/").status_code) == (0, 404)
    assert notice.receipts.count() == 2


def test_the_search_finds_what_one_wrote_or_was_told(people: dict[str, Person]) -> None:
    notice = send(people)

    def found(who: str, asked: str, **more: str) -> list[tuple[str, str]]:
        groups = browser(people[who]).get("/search", {"q": asked, **more}).context["groups"]
        return [(hit.url, hit.says) for group in groups if group.key == "notices" for hit in group.hits]

    address = f"/notices/{notice.pk}/"
    assert found("east", "值守") == found("office", "值守") == [(address, SENT["body"])]
    assert found("east", "汛期 各镇") == [(address, SENT["body"])]
    assert found("east", "值守", area=notice.area.code) == [(address, SENT["body"])]
    assert found("east", "值守", area="990001102") == found("east", "防汛") == found("west", "值守") == []
    browser(people["office"]).post(f"{address}withdraw")
    assert (found("east", "值守"), found("office", "值守")) == ([], [(address, SENT["body"])])
