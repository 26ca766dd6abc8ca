"""Sessions in the database, each with its person, so that people see where they are logged in and end it there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest
from django.utils import timezone

from shizhu.kernel.models import Session

SEEN_EVERY = timedelta(minutes=5)


class SessionStore(db.SessionStore):
    """Django's sessions with our table. `seen` is what the row said when it was read, None before."""

    seen: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Our table."""
        return Session

    def _get_session_from_db(self) -> Session | None:
        row = cast("Session | None", super()._get_session_from_db())  # type: ignore[misc]
        self.seen = row.seen if row else None
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """A row; what it knows of its person and browser lies in the data too."""
        row = cast(Session, super().create_model_instance(data))
        row.person_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.address, row.agent = data.get("_address", ""), data.get("_agent", "")
        return row

    def save(self, must_create: bool = False) -> None:
        """Keep the data; since when there is a session and when it was seen stay as they are."""
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        row = self.create_model_instance(dict(self.items()))
        kept = ("session_data", "expire_date", "person_id", "address", "agent")
        changed = {name: getattr(row, name) for name in kept}
        if not Session.objects.filter(pk=self.session_key).update(**changed):
            raise UpdateError


def seen(request: HttpRequest) -> None:
    """Keep that a session is in use, at most every five minutes."""
    before, store = timezone.now() - SEEN_EVERY, cast(SessionStore, request.session)
    if store.seen and store.seen < before:
        Session.objects.filter(pk=store.session_key, seen__lt=before).update(seen=timezone.now())


def of(person_id: int) -> Any:
    """The sessions of a person that have not run out."""
    return Session.objects.filter(person_id=person_id, expire_date__gt=timezone.now())


def end(person_id: int, *, but: str | None = None) -> int:
    """End sessions of a person, but one; how many."""
    ended: int = of(person_id).exclude(pk=but).delete()[0]
    return ended
