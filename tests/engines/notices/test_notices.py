"""Notices on a real database, over real sockets: a mail server, a web server, an operator that loses and repeats."""

from __future__ import annotations

import email
import json
import re
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.alarms.jugs import warm
from tests.fixtures import person, work
from tests.web.pages import browser, text

from shizhu.engines.alarms import caring
from shizhu.engines.notices import api, calling, telling
from shizhu.engines.notices.logic import signing
from shizhu.engines.notices.models import Channel, Delivery, Message, Wish
from shizhu.gateways.simulators.operator import Operator
from shizhu.kernel import events
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loopback")]


class Mail(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline().strip():
            if line.upper() == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if line.upper() == b"QUIT" else b"250 ok\r\n")


@contextmanager
def mail_server() -> Iterator[tuple[str, list[str]]]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.mails = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}", server.mails  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


class SecureMail(Mail):
    """The same behind TLS: from the first byte, or once STARTTLS is asked for; then it wants a login."""

    def handle(self) -> None:
        if self.server.is_wrapped:  # type: ignore[attr-defined]
            self.wrap()
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"EHLO"):
                self.wfile.write(b"250-sink\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
            elif line == b"STARTTLS":
                self.wfile.write(b"220 go on\r\n")
                self.wrap()
            elif line == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())  # type: ignore[attr-defined]
                self.wfile.write(b"250 ok\r\n")
            else:
                verb = line.split()[0].decode()
                self.server.heard.append(verb)  # type: ignore[attr-defined]
                code = {"AUTH": 235, "QUIT": 221}.get(verb, 250)
                self.wfile.write(f"{code} ok\r\n".encode())

    def wrap(self) -> None:
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)  # type: ignore[attr-defined]
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def finish(self) -> None:
        super().finish()
        self.connection.close()


@contextmanager
def secure_mail_server(folder: Path, *, is_wrapped: bool) -> Iterator[socketserver.ThreadingTCPServer]:
    """A mail server at localhost; its certificate is `folder`/cert.pem, which nobody trusts yet."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), SecureMail)
    server.daemon_threads = True
    server.handle_error = lambda *_given: None  # type: ignore[method-assign]  # a client that does not trust hangs up
    server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)  # type: ignore[attr-defined]
    server.tls.load_cert_chain(cert, key)  # type: ignore[attr-defined]
    server.mails, server.heard, server.is_wrapped = [], [], is_wrapped  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def web_server(*statuses: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Answers with these statuses, then 200."""
    got, left = list[tuple[dict[str, str], bytes]](), list(statuses)

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0) if left else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_given: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()


@pytest.fixture
def wei(county: County) -> Person:
    made = person(county, "alarms.*", username="wei")
    made.phone = "13800000000"
    made.save()
    return made


def tell(county: County, wei: Person, key: str = "k", level: str = "blue") -> int | None:
    return api.tell(county.pk, key, [wei.pk], title=f"水位 {key}", text="看一看", url="/alarms/1/", level=level)


def test_simulated_channels_follow_their_operator_and_others_stay(county: County) -> None:
    real = channel(county, "sms", "https://sms.example/send")
    for address in ("http://127.0.0.1:7001/send", "http://127.0.0.1:7002/send"):
        api.simulate(county.code, {"voice": "calls"}, address=address, account="operator", secret="s")
    kept = Channel.objects.values_list("name", "address", "is_simulated").order_by("pk")
    assert list(kept) == [(real.name, real.address, False), ("calls", "http://127.0.0.1:7002/send", True)]


def channel(county: County, kind: str, address: str, **more: Any) -> Channel:
    return Channel.objects.create(county=county, kind=kind, name=kind, address=address, **more)


def reported(made: Channel, status: str, token: str, secret: str = "s3") -> int:
    """An operator's report, as it comes in."""
    body, now = json.dumps({"reports": [{"token": token, "status": status}]}), str(int(time.time()))
    headers = {"X-Shizhu-Timestamp": now, "X-Shizhu-Signature": signing.sign(secret, now, body.encode())}
    return (
        Client()
        .post(f"/messages/receipt/{made.pk}/", body, content_type="application/json", headers=headers)
        .status_code
    )


def states() -> list[tuple[str, str, int]]:
    rows = Delivery.objects.exclude(channel=None).order_by("pk")
    return [(one.channel.kind, one.state, one.tries) for one in rows if one.channel]


def test_nothing_is_told_twice(county: County, wei: Person) -> None:
    assert tell(county, wei) is not None
    assert tell(county, wei) is None
    assert (Message.objects.count(), Delivery.objects.count()) == (1, 1)


def test_mail_goes_out_once_and_a_digest_together(county: County, wei: Person) -> None:
    with mail_server() as (address, mails):
        channel(county, "email", address, account="county@example.org")
        at = (timezone.localtime() + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
        Wish.objects.create(person=wei, kinds=["email"], email="wei@example.org", digest_at=at.time())
        tell(county, wei, "a")
        tell(county, wei, "b")
        tell(county, wei, "c", level="red")
        assert (telling.send_due(), len(mails)) == (1, 1)
        assert [telling.send_due(at + timedelta(minutes=minutes)) for minutes in (-1, 0, 1, 1440)] == [0, 2, 0, 0]
    told = [email.message_from_bytes(mail.encode(), policy=policy.default) for mail in mails]
    page = f"{settings.CONFIG.public_address}/alarms/1/"
    assert [(one["To"], one["Subject"], one.get_content().replace("\r\n", "\n").strip()) for one in told] == [
        ("wei@example.org", "水位 c", f"水位 c\n看一看\n{page}"),
        ("wei@example.org", "水位 a +1", f"水位 a\n看一看\n{page}\n\n水位 b\n看一看\n{page}"),
    ]
    assert states() == [("email", "sent", 0)] * 3


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_mail_server_must_show_a_certificate_that_is_trusted_before_it_hears_the_password(
    county: County, wei: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_wrapped: bool
) -> None:
    with secure_mail_server(tmp_path, is_wrapped=is_wrapped) as server:
        port = server.server_address[1]
        if is_wrapped:
            monkeypatch.setattr(calling, "SUBMISSIONS", str(port))  # 465 is root's
        channel(county, "email", f"localhost:{port}", account="county@example.org", secret="geheim")
        Wish.objects.create(person=wei, kinds=["email"], email="wei@example.org")
        tell(county, wei)
        assert telling.send_due() == 0
        assert "certificate verify failed" in Delivery.objects.exclude(channel=None).get().error
        assert (server.heard, server.mails) == ([], [])  # type: ignore[attr-defined]
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert telling.send_due(timezone.now() + timedelta(minutes=2)) == 1
        assert server.heard == ["AUTH", "MAIL", "RCPT", "QUIT"]  # type: ignore[attr-defined]
        [mail] = server.mails  # type: ignore[attr-defined]
    sent_at = parsedate_to_datetime(email.message_from_string(mail)["Date"])
    assert abs(sent_at - timezone.now()) < timedelta(minutes=5)


def test_hundreds_go_out_in_one_go_each_once_as_soon_as_they_are_told(county: County, wei: Person, run: Any) -> None:
    operator = Operator("acc", "s3", loses=1, refuses=0)
    channel(county, "sms", operator.url, account="acc", secret="s3", is_simulated=True)
    number = tell(county, wei) or 0
    asked = ProcrastinateJob.objects.filter(task_name="notices.send", status="todo")
    homes = [api.Contact(f"home/{n}", f"139{n:08}") for n in range(2 * telling.AT_ONCE + 50)]
    assert api.also(number, contacts=homes, kinds=["sms"]) == len(homes)
    assert asked.count() == 1
    run(work())
    operator.stop()
    assert sorted(one["mobile"] for one in operator.sent) == [home.address for home in homes]
    assert states() == [("sms", "sent", 0)] * len(homes)
    assert (telling.send_due(), asked.count()) == (0, 0)


def test_a_webhook_is_signed_and_tried_again(county: County, wei: Person) -> None:
    with web_server(500) as (url, got):
        channel(county, "webhook", url, secret="s3")
        tell(county, wei)
        now = timezone.now()
        assert telling.send_due(now) == 0
        assert states() == [("webhook", "waiting", 1)]
        assert telling.send_due(now + timedelta(seconds=50)) == 0
        assert telling.send_due(now + timedelta(seconds=70)) == 1
    assert states() == [("webhook", "sent", 1)]
    headers, body = got[1]
    assert len(got) == 2
    assert signing.is_signed("s3", headers["X-Shizhu-Timestamp"], body, headers["X-Shizhu-Signature"], timezone.now())
    page = f"{settings.CONFIG.public_address}/alarms/1/"
    assert json.loads(body)["data"] == {"title": "水位 k", "text": "看一看", "url": page, "level": "blue"}


def test_what_nobody_takes_fails_in_the_end(county: County, wei: Person) -> None:
    channel(county, "webhook", "http://127.0.0.1:9/", secret="s")
    tell(county, wei)
    now = timezone.now()
    for n in range(8):
        telling.send_due(now + timedelta(hours=5 * n))
    assert states() == [("webhook", "failed", 6)]
    assert "127.0.0.1:9" in Delivery.objects.exclude(channel=None).get().error


def test_an_operator_that_loses_and_repeats_is_kept_exactly(county: County, wei: Person, live_server: Any) -> None:
    operator = Operator("acc", "s3", loses=0.3, refuses=0.2, repeats=0.5, delay=0.2, seed=4)
    made = channel(county, "sms", operator.url, account="acc", secret="s3", is_simulated=True)
    operator.report = f"{live_server.url}/messages/receipt/{made.pk}/"
    Wish.objects.create(person=wei, kinds=["sms"])
    for n in range(20):
        tell(county, wei, f"{n}", level="red")
        telling.send_due()
    for hour in (1, 2, 3):
        telling.send_due(timezone.now() + timedelta(hours=hour))
    time.sleep(2)
    operator.stop()
    found = [state for _kind, state, _tries in states()]
    told = [line for asked in operator.sent for line in asked["content"].splitlines() if line.startswith("水位")]
    assert sorted(told) == sorted(f"水位 {n}" for n in range(20))
    assert (found.count("received") + found.count("sent"), found.count("received") >= 10) == (20, True)
    assert operator.sent[0]["mobile"] == "13800000000"


def test_a_receipt_without_the_right_signature_changes_nothing(county: County, wei: Person) -> None:
    made = channel(county, "sms", "http://127.0.0.1:9/", account="acc", secret="s3")
    Wish.objects.create(person=wei, kinds=["sms"])
    tell(county, wei)
    token = Delivery.objects.get(channel=made).token
    form = {"X-Shizhu-Timestamp": str(int(time.time())), "X-Shizhu-Signature": "x"}
    assert Client().post(f"/messages/receipt/{made.pk}/", {"reports": "x"}, headers=form).status_code == 403
    for secret, status, expected in (("wrong", 403, "waiting"), ("s3", 200, "received")):
        assert reported(made, "DELIVRD", token, secret) == status
        assert states() == [("sms", expected, 0)]


def test_a_digest_s_receipt_is_of_all_that_it_held(county: County, wei: Person) -> None:
    operator = Operator("acc", "s3", loses=1, refuses=0)
    made = channel(county, "sms", operator.url, account="acc", secret="s3")
    Wish.objects.create(person=wei, kinds=["sms"], digest_at="08:00")
    for key in ("a", "b", "c"):
        tell(county, wei, key)
    assert telling.send_due(timezone.now() + timedelta(days=1)) == 3
    operator.stop()
    (asked,) = operator.sent
    assert reported(made, "READ", asked["extend"]) == 200
    assert states() == [("sms", "received", 0)] * 3
    assert Delivery.objects.filter(channel=made, read_at=None).count() == 0


def test_a_group_of_wecom_gets_each_message_once_with_all_whom_it_mentions(county: County, wei: Person) -> None:
    mei = person(county, username="mei")
    Person.objects.filter(pk=mei.pk).update(phone="13900000000")
    for one in (wei, mei):
        Wish.objects.create(person=one, kinds=["wecom"])
    operator = Operator("acc", "s3", refuses=1)
    made = channel(county, "wecom", operator.url, is_simulated=True)
    number = api.tell(county.pk, "k", [wei.pk, mei.pk], title="水位", text="涨" * 900, url="/alarms/1/")
    now = timezone.now()
    assert (telling.send_due(now), states()) == (0, [("wecom", "waiting", 1)] * 2)
    assert {one.error for one in made_of(made)} == {"WeCom answers 45009: api freq out of limit"}
    operator.refuses = 0
    assert (telling.send_due(now + timedelta(minutes=2)), states()) == (2, [("wecom", "sent", 1)] * 2)
    operator.stop()
    (asked,) = operator.sent
    assert sorted(asked["mobile"].split(",")) == ["13800000000", "13900000000"]
    assert (asked["content"][:4], asked["content"][-1]) == ("水位\n涨", "…")
    assert 2045 < len(asked["content"].encode()) <= 2048
    assert api.read(mei.pk, number or 0)
    receipts = {(one.person, one.way): (one.state, bool(one.read_at)) for one in api.receipts([number or 0])}
    assert receipts == {
        (wei.pk, "page"): ("received", False), (mei.pk, "page"): ("received", True),
        (wei.pk, "wecom"): ("sent", False), (mei.pk, "wecom"): ("sent", False),
    }  # fmt: skip


def made_of(made: Channel) -> list[Delivery]:
    return list(Delivery.objects.filter(channel=made))


def test_at_night_what_is_not_loud_waits_for_the_morning(county: County, wei: Person) -> None:
    operator = Operator("acc", "s3", loses=1, refuses=0)
    channel(county, "sms", operator.url, account="acc", secret="s3", is_simulated=True)
    now = timezone.localtime().replace(second=0, microsecond=0)
    night = {"quiet_from": (now - timedelta(hours=3)).time(), "quiet_to": (now + timedelta(hours=5)).time()}
    client = browser(wei)
    client.post("/messages/wishes/", {"kinds": ["sms"], **{name: f"{at:%H:%M}" for name, at in night.items()}})
    for level in ("blue", "yellow", "red"):
        tell(county, wei, level, level)
    said, morning = [], []
    for minutes in (1, 299, 301, 400):
        telling.send_due(now + timedelta(minutes=minutes))
        said.append([one["content"].splitlines()[0] for one in operator.sent])
        morning = operator.sent[0]["content"].splitlines() if minutes == 301 else morning
        operator.sent.clear()
    operator.stop()
    assert said == [["水位 red"], [], ["水位 blue"], []]
    assert [line for line in morning if line.startswith("水位")] == ["水位 blue", "水位 yellow"]
    assert "水位 yellow" in text(client.get("/messages/"))


def test_more_are_told_of_a_message_each_by_a_channel_once(county: County, wei: Person) -> None:
    operator = Operator("acc", "s3", loses=1, refuses=0)
    made = channel(county, "voice", operator.url, account="acc", secret="s3", is_simulated=True)
    mei = person(county, username="mei")
    number = tell(county, wei) or 0
    home = api.Contact("home/7", "13900000000")
    for expected in (3, 0):
        assert api.also(number, people=[wei.pk, mei.pk], contacts=[home], kinds=["voice", "sms"]) == expected
    telling.send_due()
    operator.stop()
    assert {asked["mobile"] for asked in operator.sent} == {"13800000000", "13900000000"}
    reported(made, "READ", next(a["extend"] for a in operator.sent if a["mobile"] == "13900000000"))
    assert api.read(mei.pk, number)
    found = {(one.person, one.contact, one.way): (one.state, bool(one.read_at)) for one in api.receipts([number])}
    assert found == {
        (wei.pk, "", "page"): ("received", False), (mei.pk, "", "page"): ("received", True),
        (wei.pk, "", "voice"): ("sent", False), (None, "home/7", "voice"): ("received", True),
    }  # fmt: skip


def test_a_channel_calls_no_address_that_nobody_listed(county: County, wei: Person, settings: Any) -> None:
    settings.CONFIG = replace(settings.CONFIG, private_networks=())
    boss = browser(person(county, "notices.*", username="boss"))
    given = {"kind": "webhook", "name": "内部", "is_enabled": "on"}
    for address in (
        "http://127.0.0.1/", "http://localhost:8000/", "http://10.1.2.3/x", "http://169.254.169.254/latest",
        "http://[::1]/", "http://[::ffff:192.168.1.1]/",
    ):  # fmt: skip
        assert "SHIZHU_PRIVATE_NETWORKS" in text(boss.post("/messages/channels/", {**given, "address": address}))
    for kind, address in (
        ("webhook", "[1"), ("webhook", "-1"), ("webhook", "http://"), ("webhook", "http://8.8.8.8:99999/"),
        ("webhook", "8.8.8.8:25"), ("email", "http://8.8.8.8/"),
    ):  # fmt: skip
        page = boss.post("/messages/channels/", {**given, "kind": kind, "address": address})
        assert "邮件服务器写成 mail.example.org:587" in text(page)
    assert Channel.objects.count() == 0
    with web_server() as (url, got), mail_server() as (mail, mails):
        channel(county, "webhook", url.replace("127.0.0.1", "localhost"), secret="s")
        channel(county, "email", mail, account="county@example.org")
        Wish.objects.create(person=wei, kinds=["email"], email="wei@example.org")
        tell(county, wei)
        assert telling.send_due() == 0
        assert (got, mails, states()) == ([], [], [("webhook", "waiting", 1), ("email", "waiting", 1)])
        assert all("is not public" in one.error for one in Delivery.objects.exclude(channel=None))


def test_a_redirect_is_not_followed(county: County, wei: Person) -> None:
    with web_server(302) as (url, got):
        channel(county, "webhook", url, secret="s")
        tell(county, wei)
        assert (telling.send_due(), len(got), states()) == (0, 1, [("webhook", "waiting", 1)])


def test_who_should_confirm_has_one_button_and_stays(county: County, wei: Person) -> None:
    number = api.tell(county.pk, "w", [wei.pk], title="暴雨", url="/alarms/1/", wants_receipt=True)
    address, client = f"/messages/{number}/", browser(wei)
    assert "收到" in text(client.get(address))
    assert browser(person(county, username="li")).post(address).status_code == 404
    assert Delivery.objects.filter(read_at=None).count() == 1
    assert client.post(address).headers["Location"] == address
    assert "您已确认收到" in text(client.get(address))


def test_an_alarm_tells_the_nearest_and_when_unseen_everybody(county: County) -> None:
    near = person(county, "alarms.*", username="near", in_area="101")
    leader = person(county, "alarms.*", username="leader")
    person(county, "alarms.*", username="far", in_area="102")
    warm(county, "E", "101")

    def handled() -> list[str]:
        rows = list(OutboxEvent.objects.order_by("pk"))
        OutboxEvent.objects.all().delete()
        for row in rows:
            event = events.decode(json.dumps(row.envelope).encode())
            for consumer in events.consumers():
                if event.type in consumer.types and consumer.name in {"alarms.tell", "alarms.remind"}:
                    events.handle(consumer, event)
                    events.handle(consumer, event)
        return sorted(one.person.username for one in Delivery.objects.filter(channel=None) if one.person)

    assert handled() == ["near"]
    caring.every_minute(timezone.now() + timedelta(hours=3))
    assert handled() == ["leader", "near", "near"]
    message = Message.objects.latest("pk")
    page = browser(leader).post(f"/messages/{message.pk}/")
    assert (page.status_code, page.headers["Location"].startswith("/alarms/")) == (302, True)
    assert Delivery.objects.filter(read_at=None).count() == 2
    assert browser(near).get(f"/messages/{message.pk}/").context["rows"] is None


def test_channels_are_kept_by_who_may_and_secrets_are_never_shown(county: County, wei: Person) -> None:
    boss = browser(person(county, "notices.*", username="boss"))
    given = {
        "kind": "sms",
        "name": "短信",
        "address": "https://example.org/",
        "account": "a",
        "secret": "geheim",
        "is_enabled": "on",
    }
    assert browser(wei).get("/messages/channels/").status_code == 403
    assert browser(wei).post("/messages/channels/", given).status_code == 403
    assert Channel.objects.count() == 0
    assert boss.post("/messages/channels/", given).status_code == 302
    made = Channel.objects.get()
    page = boss.get(f"/messages/channels/?channel={made.pk}")
    assert [word in text(page) for word in ("短信", "请选择", "---")] == [True, True, False]
    assert "geheim" not in page.content.decode()
    page = boss.post("/messages/channels/", {**given, "channel": made.pk, "address": "[1"})
    assert (page.status_code, "geheim" in page.content.decode()) == (200, False)
    boss.post("/messages/channels/", {**given, "channel": made.pk, "secret": "", "name": "短信二"})
    assert list(Channel.objects.values_list("name", "secret")) == [("短信二", "geheim")]


def test_a_channel_is_tried_from_its_page_and_sends_nothing_while_it_is_switched_off(
    county: County, wei: Person
) -> None:
    operator = Operator("acc", "s3", loses=0, refuses=0)
    made = channel(county, "sms", operator.url, account="acc", secret="s3", is_simulated=True)
    address = f"/messages/channels/{made.pk}/try/"
    boss = browser(person(county, "notices.*", username="boss"))
    assert browser(wei).post(address, {"address": "13900000000"}).status_code == 403
    assert (boss.get(address).status_code, Message.objects.count()) == (405, 0)
    page = boss.post(address, {"address": " "}, follow=True)
    assert ("请填写试发的地址或号码" in text(page), Message.objects.count()) == (True, 0)

    Channel.objects.update(is_enabled=False)
    shown = boss.post(address, {"address": "13900000000"}).headers["Location"]
    assert (telling.send_due(), operator.sent) == (0, [])
    assert "渠道已停用" in text(boss.get(shown))
    Channel.objects.update(is_enabled=True)
    assert telling.send_due(timezone.now() + timedelta(minutes=2)) == 1
    [got] = operator.sent
    assert (got["mobile"], got["content"]) == (
        "13900000000", "【模拟】渠道试发：sms\nboss 正在检验此通知渠道是否可用，无需处理。"
    )  # fmt: skip
    assert ("已提交" in text(boss.get(shown)), reported(made, "DELIVRD", got["extend"])) == (True, 200)
    operator.stop()
    assert "已送达" in text(boss.get(shown))
    assert browser(wei).get(shown).status_code == 404


def test_wishes_are_one_s_own_and_quiet_hours_have_two_ends(county: County, wei: Person) -> None:
    client = browser(wei)
    page = client.post("/messages/wishes/", {"kinds": ["sms"], "quiet_from": "22:00"})
    assert "静音时段需要开始和结束时间。" in text(page)
    assert 'type="time" name="quiet_from" id="id_quiet_from" value="22:00"' in page.content.decode()
    assert Wish.objects.count() == 0
    client.post("/messages/wishes/", {"kinds": ["sms"], "quiet_from": "22:00", "quiet_to": "07:00"})
    assert (Wish.objects.get().person, Wish.objects.get().kinds) == (wei, ["sms"])
    shown = client.get("/messages/wishes/").content.decode()
    assert re.findall(r'value="(\w+)" checked', shown) == ["sms"]
    assert re.findall(r'type="time" name="(\w+)" id="\w+" value="(.*?)"', shown) == [
        ("quiet_from", "22:00"), ("quiet_to", "07:00"), ("digest_at", ""),
    ]  # fmt: skip
