"""Asking for help: from a phone and once, told to the command post, answered once by a team, stock or a reason."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import docx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.engines.cases.test_acting import at_once
from tests.engines.cases.test_emergencies import began, decide, staff, who  # noqa: F401  # a fixture
from tests.engines.cases.test_field import Phone
from tests.engines.cases.test_stock import A, keeper, lying, move  # noqa: F401  # a fixture
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import needs
from shizhu.engines.cases.models import DRILL, Case, Entry, Movement, Need, Task
from shizhu.engines.notices.models import Message
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = pytest.mark.django_db(transaction=True)
SOON = {"kind": "sugar", "amount": 2, "urgency": "soon"}
Ask = Callable[..., Need]


@pytest.fixture
def post(county: County, staff: dict[str, Person]) -> dict[str, Person]:  # noqa: F811
    verbs = ("cases.case.view", "cases.need.answer", "cases.stock.*", "records.*")
    desk = person(county, *verbs, username="desk")
    granted = desk.posts.get()  # who commands answers too
    granted.pk, granted.person = None, staff["chief"]
    granted.save()
    village = person(county, role="lemonade.taster", username="village", in_area="102", of="stand")
    return {**staff, "desk": desk, "village": village}


@pytest.fixture
def ask(post: dict[str, Person]) -> Ask:
    def sent(case: Case, **more: Any) -> Need:
        body = Phone(post["village"]).deed("need", case=case.pk, answer={**SOON, **more}).json()
        assert body["outcome"] == "done", body
        return Need.objects.get(pk=body["need"])

    return sent


def answer(by: Person, one: Need, **given: Any) -> Any:
    return browser(by).post(f"/cases/needs/{one.pk}/", given, follow=True)


def notices(one: Need) -> dict[str, tuple[str, str, set[str]]]:
    """What was told of it: its title, level and whom."""
    rows = Message.objects.filter(key__startswith=f"need/{one.pk}/")
    return {
        row.key.rpartition("/")[2]: (
            row.title,
            row.level,
            set(row.deliveries.values_list("person__username", flat=True)),
        )
        for row in rows
    }


def test_what_the_phone_asks_arrives_once_and_waits_at_the_command_post(
    county: County, post: dict[str, Person], ask: Ask
) -> None:
    case, phone = began(county), Phone(post["village"])
    [told_of] = phone.state()["helps"]
    assert (told_of["title"], told_of["first"], told_of["kinds"]) == (
        "断糖", "soon", [["sugar", "糖", "package"], ["hands", "人手", "help"]],
    )  # fmt: skip
    assert ([one["name"] for one in told_of["areas"]], Phone(post["reader"]).state()["helps"]) == (["西镇"], [])
    id_ = str(uuid.uuid4())
    body = {**SOON, "where": "老井边"}
    first, again = (phone.deed("need", id_, case=case.pk, answer=body).json() for _ in range(2))
    assert (first["outcome"], first, Need.objects.count()) == ("done", again, 1)
    one = Need.objects.get()
    assert (one.due_at - one.asked_at, one.written_at.isoformat()) == (
        timedelta(minutes=30),
        "2026-11-26T04:00:00+00:00",
    )
    assert notices(one) == {"asked": ("断糖：求助：糖 2 袋，西镇 老井边", "orange", {"desk", "chief"})}
    page = text(browser(post["reader"]).get(f"/cases/{case.pk}/command/"))
    assert "尽快 糖 2 袋 西镇 老井边 · village" in page
    assert "已等 0 分钟" in page
    assert "离线填写，途中耗时" in text(browser(post["village"]).get(f"/cases/needs/{one.pk}/"))
    for clock in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-26T12:00:00", "1899-12-31T23:00:00-05:00"):
        assert phone.deed("need", case=case.pk, answer=SOON, at=clock).status_code == 422
    refused = phone.deed("need", case=case.pk, answer={**SOON, "amount": 0}).json()
    assert (refused["outcome"], list(refused["problems"])) == ("refused", ["amount"])
    assert Phone(post["reader"]).deed("need", case=case.pk, answer=SOON).status_code == 403
    for late in range(2):
        needs.late(one.pk)
        assert notices(one)["late"] == ("断糖：求助超时未答复：糖 2 袋，西镇 老井边", "red", {"desk", "chief"}), late
    decide(case, post["chief"], "end")
    closed = phone.deed("need", case=case.pk, answer=SOON).json()
    assert (closed["outcome"], closed["text"]) == ("conflict", "响应已结束，请直接打电话给值班室。")
    assert Need.objects.count() == 1
    assert "始终未答复" in text(browser(post["reader"]).get(f"/cases/{case.pk}/command/"))


def test_stock_is_issued_a_team_is_sent_or_a_reason_is_given_once(
    county: County, post: dict[str, Person], ask: Ask, keeper: Person  # noqa: F811
) -> None:  # fmt: skip
    case = began(county)
    move(keeper, county, "receive", "T003", "5", target=A)
    drawn, sent, not_met = ask(case), ask(case, kind="hands", where="桥头"), ask(case, kind="hands", urgency="now")
    lies = "lemonade.tools|T003|lemonade.stall/S001"
    assert told(answer(post["desk"], drawn, do="stock", lying=lies, quantity="6")) == ["那里没有这么多 物T003。"]
    assert (Movement.objects.filter(kind="issue").count(), Need.objects.get(pk=drawn.pk).state) == (0, "open")
    assert told(answer(post["desk"], drawn, do="stock", lying=lies, quantity="2")) == ["已答复，并已通知求助人。"]
    assert lying()["T003", "S001"] == 3
    assert answer(post["desk"], sent, do="team", team="S001", person="taster", minutes="40").status_code == 403
    commander = post["chief"]
    assert told(answer(commander, sent, do="team", team="S009", person="taster", minutes="40")) == [
        "请选择前往的队伍。"
    ]
    assert not Task.objects.filter(step="order").exists()
    answer(commander, sent, do="team", team="S001", person="taster", minutes="40")
    order = Task.objects.get(case=case, step="order")
    assert order.item["text"] == "带摊S001支援：人手 2，西镇 桥头"
    assert told(answer(post["desk"], not_met, do="refuse", why=" ")) == ["请写明为何无法满足，以及对方该怎么办。"]
    moves = [partial(needs.refuse, who(post["desk"]), not_met.pk, "没人了，请找邻村") for _ in range(2)]
    assert sorted(at_once(*moves)) == ["CannotNow", "done"]
    rows = {one.pk: (one.state, one.answer, one.order_id) for one in Need.objects.all()}
    assert rows == {
        drawn.pk: ("stock", "已从物资库调出物T003 2 个", None),
        sent.pk: ("team", "摊S001前往支援，taster带队，40分钟内到", order.pk),
        not_met.pk: ("refused", "没人了，请找邻村", None),
    }
    assert notices(not_met)["answered"] == ("断糖：未能满足求助：人手 2", "red", {"village"})
    seen = {one["id"]: (one["state"], one["answer"]) for one in Phone(post["village"]).state()["needs"]}
    assert seen == {number: row[:2] for number, row in rows.items()}
    needs.late(sent.pk)
    assert "late" not in notices(sent)
    kinds = list(Entry.objects.filter(case=case, kind__startswith="need").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["need"] * 3 + ["need_met"] * 2 + ["need_refused"]
    assert OutboxEvent.objects.filter(subject__endswith="cases.need.answered").count() == 3
    Need.objects.filter(pk=sent.pk).update(asked_at=timezone.now() - timedelta(minutes=50))
    Need.objects.filter(pk=sent.pk).update(due_at=timezone.now() - timedelta(minutes=20))
    answered = browser(post["reader"]).get(f"/cases/{case.pk}/command/report.docx")
    report = docx.Document(io.BytesIO(answered.content))
    assert "收到求助 3 件：按时答复 2 件，超时 1 件；其中未能满足 1 件。" in [one.text for one in report.paragraphs]
    table = next(made for made in report.tables if made.rows[0].cells[0].text == "求助内容")
    assert [cell.text for cell in table.rows[1].cells][:4] == ["人手 2，西镇 桥头", "尽快", "village", "-50"]


def test_many_responses_ask_the_database_as_often_as_one(county: County, post: dict[str, Person]) -> None:
    counts = []
    for number in (1, 5):
        for _case in range(number):
            began(county)
        found = []
        for name in ("reader", "village"):
            with CaptureQueriesContext(connection) as asked:
                found.append(len(needs.open_to(who(post[name]), county.pk)))
            counts.append(len(asked))
        assert found == [0, {1: 1, 5: 6}[number]]
    assert counts[:2] == counts[2:]


def test_a_drill_says_so_and_wakes_nobody(county: County, post: dict[str, Person], ask: Ask) -> None:
    one = ask(began(county, "IV", DRILL), urgency="now")
    assert notices(one)["asked"] == ("【演练】断糖：求助：糖 2 袋，西镇", "yellow", {"desk", "chief"})
    assert "演练 · 内容均非真实" in text(browser(post["desk"]).get(f"/cases/needs/{one.pk}/"))
    assert [(told_of["is_simulated"], told_of["is_drill"]) for told_of in Phone(post["village"]).state()["helps"]] == [
        (True, True)
    ]
    assert browser(post["outsider"]).get(f"/cases/needs/{one.pk}/").status_code == 403


def test_nothing_is_answered_once_the_response_has_ended(
    county: County, post: dict[str, Person], ask: Ask, keeper: Person  # noqa: F811
) -> None:  # fmt: skip
    case = began(county)
    move(keeper, county, "receive", "T003", "5", target=A)
    one = ask(case)
    Case.objects.filter(pk=case.pk).update(status=Case.Status.CLOSED, closed_at=timezone.now())
    lies = "lemonade.tools|T003|lemonade.stall/S001"
    for given in ({"do": "stock", "lying": lies, "quantity": "2"}, {"do": "refuse", "why": "没人了"}):
        assert told(answer(post["desk"], one, **given)) == ["案件已经办结。"]
    one.refresh_from_db()
    assert (one.state, lying()["T003", "S001"]) == ("open", 5)
