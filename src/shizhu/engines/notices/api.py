"""The door of the notices engine."""

from __future__ import annotations

from shizhu.engines.notices.channels import simulate
from shizhu.engines.notices.telling import Contact, Receipt, also, confirm, heard, read, receipts, tell

__all__ = ["Contact", "Receipt", "also", "confirm", "heard", "read", "receipts", "simulate", "tell"]
