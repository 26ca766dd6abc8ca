"""One-time passwords of authenticator apps: RFC 6238 on RFC 4226, SHA-1, six digits, 30 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, given: str, now: float, *, drift: int = 1) -> int | None:
    """The step whose code was given, one before or after now is allowed (RFC 6238, 5.2); None if it is none of them."""
    current = int(now) // STEP_SECONDS
    found = None
    for step in range(current - drift, current + drift + 1):  # all of them: the time tells nothing
        if hmac.compare_digest(code(secret, step), given):
            found = step
    return found


def base32(secret: bytes) -> str:
    """The secret as people type it."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, issuer: str, account: str) -> str:
    """The otpauth address that an app reads from a QR code (Key URI Format)."""
    query = urlencode({"secret": base32(secret), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{issuer}:{account}', safe=':')}?{query}"
