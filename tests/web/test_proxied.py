"""Behind a proxy the address is the one that was asked; nobody else may say so."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from shizhu.web import proxied

TOLD = [
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"evil.example, data.example.cn"),
    (b"host", b"inner:8000"),
]


@pytest.fixture(autouse=True)
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = (ipaddress.ip_network("10.0.0.0/8"),)
    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, proxies=networks))


def asked(peer: str, headers: list[tuple[bytes, bytes]]) -> tuple[Any, Any]:
    scope = {"type": "http", "scheme": "http", "client": (peer, 1), "headers": headers}
    made = proxied.as_asked(scope)
    return made["scheme"], [value for name, value in made["headers"] if name == b"host"]


def test_the_nearest_proxy_is_believed() -> None:
    assert asked("10.1.2.3", TOLD) == ("https", [b"data.example.cn"])
    assert asked("10.1.2.3", TOLD[:1] + TOLD[2:]) == ("https", [b"inner:8000"])


def test_nobody_else_is() -> None:
    assert asked("192.0.2.1", TOLD) == ("http", [b"inner:8000"])
    assert asked("10.1.2.3", [(b"x-forwarded-proto", b"gopher"), (b"host", b"inner")]) == ("http", [b"inner"])
