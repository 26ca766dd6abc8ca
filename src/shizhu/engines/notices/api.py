"""The door of the notices engine."""

from __future__ import annotations

from shizhu.engines.notices.models import Channel, Kind
from shizhu.engines.notices.telling import Contact, Receipt, also, confirm, read, receipts, tell

__all__ = ["Channel", "Contact", "Kind", "Receipt", "also", "confirm", "read", "receipts", "tell"]
