"""The door of the notices engine."""

from __future__ import annotations

from shizhu.engines.notices.channels import EMPTY_NUMBER, simulate
from shizhu.engines.notices.telling import (
    Aloud,
    Contact,
    Receipt,
    aloud,
    also,
    confirm,
    heard,
    read,
    receipts,
    tell,
    told,
    ways,
)

__all__ = [
    "EMPTY_NUMBER",
    "Aloud",
    "Contact",
    "Receipt",
    "aloud",
    "also",
    "confirm",
    "heard",
    "read",
    "receipts",
    "simulate",
    "tell",
    "told",
    "ways",
]
