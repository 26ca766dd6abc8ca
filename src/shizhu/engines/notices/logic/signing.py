"""Signatures: HMAC-SHA256 over time and body, so that a message that was kept cannot be sent again later."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

FRESH = timedelta(minutes=5)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of `<timestamp>.<body>`."""
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def is_signed(secret: str, timestamp: str, body: bytes, signature: str, now: datetime) -> bool:
    """Whether the signature is right and the time (Unix seconds) is near."""
    if not timestamp.isdigit() or not hmac.compare_digest(sign(secret, timestamp, body), signature):
        return False
    return abs(now.timestamp() - int(timestamp)) <= FRESH.total_seconds()
