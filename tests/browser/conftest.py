"""Debian's Chromium against a living stack: every page is watched for faults and looked at by axe."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.stack.stack import Stack, made_once, until

from shizhu.site import demo

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("SHIZHU_PICTURES", "")  # the folder, where they are asked for
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
DESKTOP, PHONE = {"width": 1366, "height": 850}, {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip

DONE = """SELECT EXISTS (SELECT FROM records_pair) AND NOT EXISTS (SELECT FROM kernel_outboxevent)
AND (SELECT count(*) > 1 FROM cases_case WHERE alarm > 0)"""

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


class Visitor:
    """Somebody at a screen. Whatever the page complains of is kept in `faults`."""

    def __init__(self, browser: Browser, stack: Stack, size: dict[str, int], name: str) -> None:
        self.context = browser.new_context(
            base_url=stack.address,
            viewport=size,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            has_touch=size == PHONE,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.name, self.size, self.faults = name, size, list[str]()
        self.page.on("console", lambda m: self.faults.append(f"{m.text} {m.location}") if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def log_in(self, password: str) -> None:
        """Send what the form of the login page sends; a page is yet to be opened."""
        self.context.request.get("/login")
        token = next(cookie["value"] for cookie in self.context.cookies() if cookie["name"] == "csrftoken")
        sent = {"username": self.name, "password": password, "csrfmiddlewaretoken": token}
        answer = self.context.request.post("/login", form=sent, max_redirects=0)
        assert answer.headers.get("location") == "/", answer.text()

    def look(self, name: str, *, dark: bool = False) -> None:
        """Nothing may hang over the edge, axe may find nothing serious; with `dark` once more. Pictures on request."""
        self.page.wait_for_load_state()
        self._look(name)
        if dark:  # nothing but colours is other then
            self.page.emulate_media(color_scheme="dark")
            self._look(f"{name}-dark", 'runOnly: ["color-contrast"]')
            self.page.emulate_media(color_scheme="light")

    @contextlib.contextmanager
    def phone(self, *, anew: bool = False) -> Iterator[None]:
        """The page that is open, on a phone's screen; opened `anew` there, where its scripts go by the screen."""
        size, touch = self.size, self.context.new_cdp_session(self.page)
        self.size = PHONE
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        if anew:
            self.page.reload()
        yield
        touch.detach()
        self.size = size
        self.page.set_viewport_size(size)  # type: ignore[arg-type]

    def _look(self, name: str, rules: str = "") -> None:
        kind = "phone" if self.size == PHONE else "desktop"
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}-{kind}.png")
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.size["width"], f"{name}: {width} px wide at {self.size['width']} px"
        ids = self.page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert [one for one, times in Counter(ids).items() if times > 1] == [], f"{name}: two elements have one id"
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            f"axe.run({{resultTypes: ['violations'], {rules}}})"
            ".then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"
        )
        assert [one for one in found if one[0] in {"serious", "critical"}] == [], f"{name} {kind}"

    def close(self) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def demo_home(bare_home: Path) -> Path:
    """The home of a stopped stack with the demo county: its past is told, judged, and became cases."""

    def make(stack: Stack) -> None:
        stack.start()
        told = stack.home / "demo-progress.json"
        stations = sum(len(demo.stations(folder.name)) for folder in (ROOT / "counties").iterdir())
        assert until(lambda: told.exists() and len(json.loads(told.read_text())) == stations), stack.tail()
        assert until(lambda: stack.query(DONE)[0][0]), stack.tail()

    return made_once("demo", make, like=bare_home)


@pytest.fixture(scope="module")
def living(homes: Path, demo_home: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack with the demo county as it is at first: what another module left would depend on the order."""
    made = Stack(homes / request.module.__name__.rsplit(".", 1)[-1], like=demo_home)
    made.start()
    yield made
    assert made.stop() == 0
    shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture(scope="module")
def logged_in(living: Stack) -> dict[str, Any]:
    """The cookies of each person who came once."""
    return {}


@pytest.fixture
def visit(browser: Browser, living: Stack, logged_in: dict[str, Any]) -> Iterator[Callable[..., Visitor]]:
    """Log somebody in on a screen of their own; at the end no page may have complained."""
    visitors: list[Visitor] = []

    def come(name: str, size: dict[str, int] = DESKTOP) -> Visitor:
        visitor = Visitor(browser, living, size, name)
        visitors.append(visitor)
        if name not in logged_in:
            visitor.log_in(living.password_of(name))
            logged_in[name] = visitor.context.cookies()
        visitor.context.add_cookies(logged_in[name])
        return visitor

    yield come
    faults = {visitor.name: visitor.faults for visitor in visitors if visitor.faults}
    for visitor in visitors:
        visitor.close()
    assert faults == {}
