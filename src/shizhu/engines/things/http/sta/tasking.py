"""Tasks (17-079r1 §10): a Task goes through the door of all commands, with its rights and its second person."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from django.core.exceptions import PermissionDenied
from psycopg.pq import TransactionStatus

from shizhu.engines.things import commanding
from shizhu.engines.things.http.sta.callers import Caller, DeviceCaller
from shizhu.engines.things.http.sta.entities import SETS, EntitySet
from shizhu.engines.things.http.sta.errors import Refused, bad, forbidden
from shizhu.engines.things.http.sta.scope import condition, visible
from shizhu.engines.things.http.sta.sql import bind, join, sql
from shizhu.kernel.threads import in_thread

MEANT = """
SELECT d.key, e.command FROM things_taskingcapability e JOIN things_device d ON d.id = e.device_id WHERE {where}
"""
GIVEN = {"taskingParameters", "TaskingCapability"}


def fixed(entity: EntitySet) -> Refused:
    """405: what is not written as other entities are."""
    rules = {"Tasks": "a Task is made by POST and then stays as it is"}
    rule = rules.get(entity.name, f"{entity.name} follow from the commands that a device's profile declares")
    return Refused(HTTPStatus.METHOD_NOT_ALLOWED, rule)


async def create(connection: psycopg.AsyncConnection[Any], caller: Caller, body: Any, capability: int | None) -> int:
    """Make a Task; its id. `capability` is that of the path. Raises Refused (400, 403)."""
    if isinstance(caller, DeviceCaller):
        raise forbidden("a device is told what to do, and tells nobody")
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise bad("a Task stands in no changeset: a device may have it before the rest is done")
    if not isinstance(body, Mapping) or not {*body} <= {*GIVEN, "creationTime"}:
        raise bad("Task: is {taskingParameters, TaskingCapability}")
    parameters = body.get("taskingParameters", {})
    if not isinstance(parameters, Mapping):
        raise bad("Task.taskingParameters: must be a JSON object, a value for each field")
    device, command = await _meant(connection, caller, _named(body, capability))
    try:
        return await in_thread(commanding.send_command)(caller.actor, device, command, parameters)
    except commanding.CommandRefused as why:
        raise bad(f"Task.taskingParameters: {why}") from None
    except PermissionDenied:
        raise forbidden(f"Task: the right {commanding.SEND} is missing here") from None


def _named(body: Mapping[str, Any], known: int | None) -> int:
    link = body.get("TaskingCapability")
    if known is not None:
        if link is not None:
            raise bad("Task.TaskingCapability: is given by the path already")
        return known
    id_ = link.get("@iot.id") if isinstance(link, Mapping) else None
    if type(id_) is not int or not 0 <= id_ < 2**63:
        raise bad(f'Task.TaskingCapability: {link!r}: names it as {{"@iot.id": 1}}')
    return id_


async def _meant(connection: psycopg.AsyncConnection[Any], caller: Caller, id_: int) -> tuple[str, str]:
    """Key of the device, and command, of a capability that the caller may see."""
    entity = SETS["TaskingCapabilities"]
    own = sql("e.id = {id}", id=bind(id_, "bigint"))
    where = join(" AND ", [own, condition(entity, "e"), visible(entity, "e", caller)])
    query = sql(MEANT, where=where)
    row = await (await connection.execute(query.text, query.values)).fetchone()
    if row is None:
        raise bad(f"Task.TaskingCapability: {id_}: there is no TaskingCapability with this @iot.id")
    return row[0], row[1]
