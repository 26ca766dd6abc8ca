"""Who may ask: a person (or anybody, with --open), or a device that sends its own readings."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from shizhu.engines.things.logic.readings import digest
from shizhu.kernel import access, signin
from shizhu.kernel.access import Predicate
from shizhu.web import authentication

DEVICE = "SELECT thing_id, secret FROM things_device WHERE key = %s AND is_enabled"
DEVICE_VERBS = {"things.thing.view", "things.observation.create"}


@dataclass(frozen=True)
class PersonCaller:
    """A person's rights."""

    actor: access.Actor
    is_device = False

    @property
    def sees_all(self) -> bool:
        """Whether there are no bounds."""
        return self.actor.is_unbounded

    @property
    def told(self) -> dict[str, Any]:
        """What the audit trail says of the caller."""
        return {"person": self.actor.person_id, "name": self.actor.name}

    def things(self, verb: str) -> Predicate:
        """The predicate over `t`."""
        return access.visible(self.actor, verb, "t")

    def has(self, verb: str) -> bool:
        """Whether the caller has the verb anywhere."""
        return self.actor.has(verb)

    def scope(self, verb: str) -> access.Scope | None:
        """Where what the caller makes belongs: the first scope that gives the verb."""
        return next(iter(self.actor.granting(verb)), None)


@dataclass(frozen=True)
class DeviceCaller:
    """A device: it sends Observations to its own Thing's Datastreams, and nothing else."""

    key: str
    thing: int
    is_device = True
    sees_all = False

    @property
    def told(self) -> dict[str, Any]:
        """What the audit trail says of the caller."""
        return {"device": self.key}

    def things(self, verb: str) -> Predicate:
        """The predicate over `t`: its own Thing."""
        return Predicate("t.id = %s", (self.thing,)) if verb in DEVICE_VERBS else access.NOTHING

    def has(self, verb: str) -> bool:
        """Whether it has the verb."""
        return verb in DEVICE_VERBS

    def scope(self, _: str) -> access.Scope | None:
        """A device makes no Things."""
        return None


Caller = PersonCaller | DeviceCaller


async def caller(
    pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]], shown: authentication.Credentials
) -> Caller | None:
    """Who shows these credentials; None if that is not told, or not true. Guesses at six digits have to wait."""
    if shown.scheme == "basic" and "\0" not in shown.name:
        async with pool.connection() as connection:
            row = await (await connection.execute(DEVICE, (shown.name,))).fetchone()
            keys = [limit.key for limit in signin.limits(shown.name, shown.address, shown.scheme)] if row else []
            waits = await (await connection.execute(signin.WAITING, (keys,))).fetchone() if row else None
        if row and not (waits and waits[0]) and hmac.compare_digest(row[1], digest(shown.secret)):
            return DeviceCaller(shown.name, row[0])
    actor = await authentication.actor(shown)
    return PersonCaller(actor) if actor else None
