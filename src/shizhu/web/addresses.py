"""Where a request comes from: the address, and the browser in a few words."""

from __future__ import annotations

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

_BROWSERS = (
    ("MicroMessenger", "微信"), ("DingTalk", "钉钉"), ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"),
    ("QQBrowser", "QQBrowser"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("OpenHarmony", "OpenHarmony"), ("Linux", "Linux"),
)  # fmt: skip


def real(peer: str, forwarded: str) -> str:
    """The address that asked: of the proxies that X-Forwarded-For lists, those of SHIZHU_PROXIES are believed."""
    chain = [part.strip() for part in forwarded.split(",") if part.strip()]
    current = peer
    while chain and is_proxy(current):
        current = chain.pop()
    return current[:45]


def is_proxy(address: str) -> bool:
    """Whether it is one of SHIZHU_PROXIES."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.CONFIG.proxies)


def of(request: HttpRequest) -> str:
    """The address of a request."""
    return real(request.META.get("REMOTE_ADDR") or "", request.headers.get("X-Forwarded-For", ""))


def agent(request: HttpRequest) -> str:
    """What the browser says of itself."""
    return request.headers.get("User-Agent", "")[:200]


def browser(told: str) -> str:
    """Browser and system in a few words: `Chrome · Windows`."""
    found = [next((name for mark, name in marks if mark in told), "") for marks in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or re.split(r"[/ (]", told)[0][:30] or "—"
