"""What tests of pages share: a person's browser, and a page as a reader has it."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from shizhu.kernel.models import Person


def browser(who: Person, language: str = "zh-hans") -> Client:
    """The browser of somebody who is logged in."""
    made = Client(headers={"accept-language": language})
    made.force_login(who)
    return made


def text(answer: Any) -> str:
    """A page's heading and main part without tags, one space between words."""
    body = re.sub(r"<script.*?</script>", "", answer.content.decode(), flags=re.DOTALL)
    parts = re.findall(r"<h1>.*?</h1>|<div class=\"alert.*?</div>|<main.*</main>", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(parts))).strip()


def told(answer: Any) -> list[str]:
    """The messages that the page after a redirect shows."""
    return [str(message) for message in answer.context["messages"]]
