"""The door of the notices engine."""

from __future__ import annotations

from shizhu.engines.notices.telling import confirm, read, tell

__all__ = ["confirm", "read", "tell"]
