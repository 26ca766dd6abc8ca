"""A clause and who works on it: what they click."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from tests.web.pages import told

from shizhu.engines.plan.models import Clause, Evidence, Node
from shizhu.kernel.models import County

REPORTER = ("plan.plan.view", "plan.node.view", "plan.node.report")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def file(name: str = "现场.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PNG, "image/png")


def day(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


@dataclass
class Desk:
    """A clause and who works on it."""

    county: County
    clause: Clause
    supervisor: Client
    stand: Client
    kitchen: Client

    @property
    def page(self) -> str:
        return f"/plan/clauses/{self.clause.pk}/"

    def split(self, days: int, **more: Any) -> list[str]:
        due = day(days)
        sent = {"unit": ["stand", "kitchen"], "way": "amount", "total": "20", "measure_unit": "个", "first": due.year,
                "last": due.year, "due": f"{due.month}-{due.day}", "title": "示范摊位", **more}  # fmt: skip
        return told(self.supervisor.post(f"{self.page}split", sent, follow=True))

    def send(self, **more: Any) -> list[str]:
        return told(self.supervisor.post(f"{self.page}send", {"files": "1", **more}, follow=True))

    def node(self, unit: str = "stand") -> Node:
        return Node.objects.get(organisation__code=unit)


def post(client: Client, address: str, given: dict[str, Any]) -> list[str]:
    return told(client.post(address, given, follow=True))


def show(client: Client, node: Node, **given: Any) -> list[str]:
    return post(client, f"/plan/nodes/{node.pk}/show", {"note": "已建成", "files": file(), "value": "10", **given})


def decide(desk: Desk, node: Node, do: str = "accept", why: str = "") -> list[str]:
    waiting = Evidence.objects.get(node=node, state="waiting")
    given = {"evidence": waiting.pk, "do": do, "why": why}
    return post(desk.supervisor, f"/plan/nodes/{node.pk}/decide", given)


def light(node: Node) -> tuple[str, str]:
    node.refresh_from_db()
    return node.light, node.rule
