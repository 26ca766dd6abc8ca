"""The address as the client knows it, behind a proxy that speaks for it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from shizhu.web import addresses

Scope = MutableMapping[str, Any]
SCHEMES = {"http", "https"}
MARKS = {b"host": b"x-forwarded-host", b"scheme": b"x-forwarded-proto"}


def as_asked(scope: Scope) -> Scope:
    """The request with the host and the scheme that a proxy of SHIZHU_PROXIES says it was asked with; what others say
    counts for nothing. Of several values the last counts: the nearest proxy wrote it.
    """
    peer = scope.get("client") or ("",)
    if scope.get("type") != "http" or not addresses.is_proxy(peer[0]):
        return scope
    told = {name: _last(scope, mark) for name, mark in MARKS.items()}
    made = dict(scope)
    if told[b"scheme"].decode("latin-1") in SCHEMES:
        made["scheme"] = told[b"scheme"].decode("latin-1")
    if told[b"host"]:
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        made["headers"] = [(b"host", told[b"host"]), *others]
    return made


def _last(scope: Scope, mark: bytes) -> bytes:
    values = [value for name, value in scope["headers"] if name == mark]
    return bytes(values[-1].rpartition(b",")[2].strip()) if values else b""
