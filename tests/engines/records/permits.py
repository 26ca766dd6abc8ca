"""The toy register that uses all that a form can do, and what its tests ask of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel.models import Person

PERMIT = "lemonade.permit"
VAN = {
    "code": "P001", "applicant": "甲", "kind": "van", "plate": "渝A12345",
    "drinks": [{"name": "柠檬水", "price": 0.29, "cups": 7}, {"name": "冰水", "price": 2, "cups": 3}],
}  # fmt: skip


def browser(who: Person) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.force_login(who)
    return made


def problems(refused: pytest.ExceptionInfo[api.Refused]) -> list[tuple[str, str]]:
    """(path, rule) of what is wrong."""
    return [(problem.path, problem.rule) for problem in refused.value.problems]


def stored(record_id: int) -> dict[str, Any]:
    """What lies in the table, masked for nobody."""
    data: dict[str, Any] = Record.objects.get(pk=record_id).data
    return data
