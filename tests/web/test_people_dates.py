"""The form of a new post begins today, in every language."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone
from tests.fixtures import person

from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_new_post_begins_today(county: County, language: str) -> None:
    root = person(county, "*", username="root")
    browser = Client(headers={"accept-language": language})
    browser.force_login(root)
    page = browser.get(f"/people/{root.pk}/").content.decode()
    field = re.search(r'<input[^>]*name="starts"[^>]*>', page)
    assert re.findall(r' (type|value)="([^"]*)"', field[0] if field else "") == [
        ("type", "date"), ("value", timezone.localdate().isoformat())
    ]  # fmt: skip
