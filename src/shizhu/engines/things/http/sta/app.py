"""The SensorThings service as an ASGI application: who asks, what for, and errors as JSON."""

from __future__ import annotations

import logging
import re
import select
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
from django.conf import settings
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from shizhu.engines.things import store
from shizhu.engines.things.http.sta import (
    amend,
    applied,
    archived,
    batch,
    bulk,
    drafts,
    formats,
    landing,
    options,
    paths,
    spatial,
    tasking,
    write,
)
from shizhu.engines.things.http.sta.callers import Caller, DeviceCaller, PersonCaller, caller
from shizhu.engines.things.http.sta.drafts import Draft
from shizhu.engines.things.http.sta.entities import EntitySet, Navigation
from shizhu.engines.things.http.sta.errors import Refused, bad, forbidden, missing
from shizhu.engines.things.http.sta.messages import Request, Response, Send, error
from shizhu.engines.things.http.sta.pieces import Piece
from shizhu.engines.things.http.sta.select import Reader
from shizhu.engines.things.http.sta.sql import Sql, sql
from shizhu.engines.things.logic.json_patch import PatchFault, patched
from shizhu.kernel import access, threads
from shizhu.web import authentication
from shizhu.web.authentication import Header

logger = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

SERVICE = re.compile(r"(?P<prefix>/sta/v1\.[01])(?:/(?P<below>.*))?", re.DOTALL)
HOST = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")
CONNECTION = {"autocommit": True, "options": "-c timezone=UTC -c statement_timeout=30s", "application_name": "sta"}


async def _body(receive: Receive) -> bytes:
    """The whole body; raises Refused (400, 413)."""
    chunks, size, most = [], 0, settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise bad("the body ended too early")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {most} bytes")
        if not message.get("more_body"):
            return b"".join(chunks)


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    """Ask the database only where something has come over the line since: nothing does, but that it was closed."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        await AsyncConnectionPool.check_connection(connection)


class SensorThings:
    """The application; its pool of connections opens with the first request."""

    def __init__(self, url: str = "") -> None:
        self._url = url
        self._pool: Pool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_open = settings.CONFIG.is_open
        allowed = ((b"access-control-allow-origin", b"*"),) if is_open and scope["method"] in READING else ()
        response = await self._guarded(scope, receive, is_open=is_open)
        await response.send(send, allowed, has_body=scope["method"] != "HEAD")

    async def close(self) -> None:
        """Close the pool."""
        if self._pool:
            await self._pool.close()

    async def _connections(self) -> Pool:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                self._url or settings.DATABASE_URL, kwargs=CONNECTION, min_size=1, max_size=8, timeout=5.0, open=False,
                check=_check, name="sta",
            )  # fmt: skip
        if self._pool.closed:
            await self._pool.open()
        return self._pool

    async def _guarded(self, scope: Scope, receive: Receive, *, is_open: bool) -> Response:
        try:
            return await self._answer(scope, receive, is_open=is_open)
        except (Refused, psycopg.Error, PoolTimeout) as fault:
            return told(fault)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            return error(FAULT)

    async def _answer(self, scope: Scope, receive: Receive, *, is_open: bool) -> Response:
        headers = tuple((bytes(name), bytes(value)) for name, value in scope["headers"])
        method, path = scope["method"], scope["path"]
        service_ = SERVICE.fullmatch(path)
        if service_ is None:
            raise missing(f"there is no {path}: the service is /sta/v1.1 (or /sta/v1.0)")
        if method == "OPTIONS":
            return Response(
                HTTPStatus.NO_CONTENT, headers=((b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)
            )
        if method not in METHODS:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} means nothing here")
        root, pool = _root(scope, headers, service_["prefix"]), await self._connections()
        peer = (scope.get("client") or ("",))[0]
        asked = await self._caller(pool, headers, method, peer, is_open=is_open)
        body = b"" if method in READING else await _body(receive)
        below, query = (service_["below"] or "").strip("/"), scope["query_string"].decode(errors="replace")
        told = (authentication.header(headers, name) for name in (b"content-type", b"prefer", b"accept"))
        request = Request(method, below, query, root, asked, body, *told)
        async with pool.connection() as connection:  # not before: a slow sender or a slow hash holds none
            answer = await do(connection, request)
            if isinstance(asked, DeviceCaller):
                await connection.execute(store.HEARD_OF, (datetime.now(UTC), body, asked.key))
            return answer

    @staticmethod
    async def _caller(pool: Pool, headers: tuple[Header, ...], method: str, peer: str, *, is_open: bool) -> Caller:
        shown = authentication.credentials(headers, peer)
        is_sent_by_page = shown.scheme == "session" or (is_open and authentication.header(headers, b"origin") != "")
        if method not in READING and is_sent_by_page and not authentication.is_from_here(headers):
            raise forbidden("a page of another origin may not write: the Origin header must name the Host")
        if authentication.is_anybody(headers, shown):
            return PersonCaller(access.ANYBODY)
        found = await caller(pool, shown)
        if found is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "log in: HTTP Basic, a bearer token, or the session of the pages")
        return found


FAULT = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of this server, kept in its log")


def told(fault: Exception) -> Response:
    """What a request is answered with that failed."""
    if isinstance(fault, Refused):
        return error(fault)
    if isinstance(fault, psycopg.errors.QueryCanceled):
        rule = "the answer takes too long: ask for less, or filter by an id or a time"
        return error(Refused(HTTPStatus.SERVICE_UNAVAILABLE, rule))
    if isinstance(fault, psycopg.DataError | psycopg.errors.ProgramLimitExceeded):
        return error(bad(f"the database cannot take a value: {fault.diag.message_primary or fault}"))
    if isinstance(fault, psycopg.OperationalError | PoolTimeout):
        logger.warning("the database does not answer (%s)", str(fault).splitlines()[:1])
        return error(Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer: try again"))
    logger.error("a request failed", exc_info=fault)
    return error(FAULT)


def _root(scope: Scope, headers: tuple[Header, ...], prefix: str) -> str:
    """The service's address as the caller knows it."""
    host = authentication.header(headers, b"host")
    if not HOST.fullmatch(host):
        raise bad(f"the Host header {host!r} names no host")
    return f"{scope.get('scheme', 'http')}://{host}{prefix}"


@dataclass(frozen=True)
class Question:
    """A GET as it was understood."""

    path: paths.ResourcePath
    options: options.Options
    reader: Reader
    query: Sql
    reach: archived.Reach | None


@lru_cache(maxsize=1000)
def _question(asked: Caller, root: str, address: str, query: str, *, is_geojson: bool) -> Question:
    """What a GET asks, and the statement; pages and boards ask the same again and again."""
    path, wanted = paths.parse(address), options.parse(query)
    if is_geojson and path.is_of_entities and wanted.format is None:
        wanted = replace(wanted, format=Piece("GeoJSON", "$resultFormat"))
    reader = Reader(asked, root, wanted.as_of.text if wanted.as_of else "")
    statement = reader.statement(path, wanted)
    reach = archived.reach(reader, path, wanted)
    if reach and reach.has_page:
        statement = reader.statement(path, wanted, archived.reached(reach, path))
    return Question(path, wanted, reader, statement, reach)


async def _answered(connection: psycopg.AsyncConnection[Any], asked: Question) -> tuple[bool, str | None]:
    """Whether it is there, and the text; from archived days too."""
    reach = asked.reach
    if reach and not reach.has_page and await _has_archive(connection):
        return _told(await archived.row(connection, asked.reader, asked.path, asked.options, reach))
    row = await _row(connection, asked.query)
    if reach and reach.has_page and row and not archived.is_complete(row, reach, asked.options):
        row = await archived.row(connection, asked.reader, asked.path, asked.options, reach)
    return _told(row)


async def _has_archive(connection: psycopg.AsyncConnection[Any]) -> bool:
    return await (await connection.execute("SELECT 1 FROM things_archivedday LIMIT 1")).fetchone() is not None


async def _row(connection: psycopg.AsyncConnection[Any], query: Sql) -> tuple[Any, ...] | None:
    values = await spatial.resolved(connection, query.values)
    return await (await connection.execute(query.text, values)).fetchone()


def _told(row: tuple[Any, ...] | None) -> tuple[bool, str | None]:
    return (bool(row[0]), row[1]) if row else (False, None)


async def _text(connection: psycopg.AsyncConnection[Any], query: Sql) -> tuple[bool, str | None]:
    return _told(await _row(connection, query))


async def do(connection: psycopg.AsyncConnection[Any], request: Request) -> Response:
    """Answer a request; raises Refused."""
    if request.method not in METHODS:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} means nothing here")
    return await METHODS[request.method](connection, request)


async def read(connection: psycopg.AsyncConnection[Any], request: Request) -> Response:
    """GET and HEAD."""
    if request.caller.is_device:
        raise forbidden("a device sends Observations to its own Datastreams, and reads nothing")
    if not request.path:
        return Response(body=orjson.dumps(landing.page(request.root)))
    if "apply" in request.query and (wanted := options.parse(request.query)).apply:
        return await apply(connection, request, wanted)
    geojson = formats.wanted_geojson(request.accept)
    asked = _question(request.caller, request.root, request.path, request.query, is_geojson=geojson is not None)
    path, wanted = asked.path, asked.options
    is_found, text = await _answered(connection, asked)
    if not is_found:
        raise missing(f"there is no {request.path}")
    if text is None:
        return Response(HTTPStatus.NO_CONTENT)
    if wanted.format:
        made = formats.FORMATS[wanted.format.text](orjson.loads(text), request.root)
        follows = ((b"link", f'<{made.next}>; rel="next"'.encode()),) if made.next else ()
        media_type = geojson if geojson and made.media_type == formats.GEOJSON else made.media_type
        return Response(body=made.body, media_type=media_type, headers=follows)
    is_text = path.is_value or path.is_count
    return Response(body=text.encode(), media_type=b"text/plain; charset=utf-8" if is_text else b"application/json")


async def apply(connection: psycopg.AsyncConnection[Any], request: Request, wanted: options.Options) -> Response:
    """GET of Observations put together or thinned."""
    path = paths.parse(request.path)
    asked = applied.wanted(path, wanted)
    stream = await _parent(connection, request, path.steps[:-1])
    answer = await threads.in_thread(applied.answer)(asked, wanted.filter, stream)
    if wanted.format:
        made = formats.FORMATS[wanted.format.text](answer, request.root)
        return Response(body=made.body, media_type=made.media_type)
    return Response(body=orjson.dumps(answer))


async def _parent(connection: psycopg.AsyncConnection[Any], request: Request, steps: tuple[paths.Step, ...]) -> int:
    """The id of the entity a path leads to, for one who may see it."""
    reader = Reader(request.caller, request.root)
    query = sql("SELECT {key}", key=reader.key(steps))
    row = await _row(connection, query)
    reach = archived.reach(reader, paths.ResourcePath(steps), options.Options())
    if reach and (row is None or row[0] is None) and await _has_archive(connection):
        row = next(iter(await archived.rows(connection, query, reach)), None)
    if row is None or row[0] is None:
        raise missing(f"there is no {request.path}")
    return int(row[0])


async def create(connection: psycopg.AsyncConnection[Any], request: Request) -> Response:
    """POST to an entity set, or through navigation."""
    if request.path == "$batch":
        return await batch.answer(connection, request, do, told)
    if request.path == "CreateObservations":
        made = await bulk.create(connection, request.caller, request.json(), request.root)
        return Response(HTTPStatus.CREATED, orjson.dumps(made))
    path = paths.parse(request.path) if request.path else None
    if path and path.is_reference and path.last.navigation and path.last.navigation.is_many:
        return await link(connection, request)
    if path is None or path.last.is_single or path.is_reference:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "POST makes an entity in a collection, such as Things")
    *before, step = path.steps
    if request.caller.is_device and step.entity.name != "Observations":
        raise forbidden("a device makes Observations, and nothing else")
    if step.entity.is_fixed:
        return await _task(connection, request, path)
    inverse = step.navigation.inverse if step.navigation else ""
    draft = drafts.read(step.entity, request.json(), known=inverse)
    if before:
        draft = draft.linked(inverse, await _parent(connection, request, tuple(before)))
    id_ = await write.create(connection, request.caller, draft)
    address = f"{request.root}/{step.entity.name}({id_})".encode()
    return Response(HTTPStatus.CREATED, headers=((b"location", address),))


async def _task(connection: psycopg.AsyncConnection[Any], request: Request, path: paths.ResourcePath) -> Response:
    """POST of a Task; other entities of Tasking are not made."""
    *before, step = path.steps
    if step.entity.name != "Tasks":
        raise tasking.fixed(step.entity)
    known = await _parent(connection, request, tuple(before)) if before else None
    id_ = await tasking.create(connection, request.caller, request.json(), known)
    return Response(HTTPStatus.CREATED, headers=((b"location", f"{request.root}/Tasks({id_})".encode()),))


async def change(connection: psycopg.AsyncConnection[Any], request: Request) -> Response:
    """PATCH and PUT of one entity; answers with it."""
    path = paths.parse(request.path) if request.path else None
    if path and path.is_reference and request.method == "PUT":
        return await link(connection, request)
    if path is None or not path.last.is_single or path.attribute or path.is_id or path.is_reference:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} changes one entity, such as Things(1)")
    _require_person(request)
    if path.last.entity.is_fixed:
        raise tasking.fixed(path.last.entity)
    id_ = await _parent(connection, request, path.steps)
    whole = paths.ResourcePath((paths.Step(path.last.entity, None, id_),))
    reader = Reader(request.caller, request.root)
    statement = reader.statement(whole, options.Options())
    if request.media_type == "application/json-patch+json":
        reach = archived.reach(reader, whole, options.Options())
        _, text = await _answered(connection, Question(whole, options.Options(), reader, statement, reach))
        draft = _patched(path.last.entity, orjson.loads(text or "{}"), request.json())
    elif request.method == "PUT":
        draft = drafts.whole(path.last.entity, request.json())
    else:
        draft = drafts.read(path.last.entity, request.json(), is_partial=True)
    await write.written(connection, request.caller, lambda writer: amend.change(writer, id_, draft))
    _, text = await _text(connection, statement)
    return Response(body=(text or "{}").encode())


def _patched(entity: EntitySet, known: dict[str, Any], patch: Any) -> Draft:
    """The change a JSON Patch (RFC 6902) says, against the entity as it is read."""
    before = {name: value for name, value in known.items() if "@iot." not in name}
    try:
        after = patched(before, patch)
    except PatchFault as fault:
        raise bad(f"the JSON Patch does not fit {entity.entity}: {fault}") from None
    if not isinstance(after, dict):
        raise bad(f"the JSON Patch does not leave {drafts.article(entity)}")
    gone = {name: None for name in before if name not in after}
    changed = {name: value for name, value in after.items() if name not in before or value != before[name]}
    return drafts.read(entity, gone | changed, is_partial=True)


def _require_person(request: Request) -> None:
    if request.caller.is_device:
        raise forbidden("a device makes Observations, and nothing else")


async def delete(connection: psycopg.AsyncConnection[Any], request: Request) -> Response:
    """DELETE of one entity, of those of a collection that a filter names, or of a link."""
    path = paths.parse(request.path) if request.path else None
    if path is None or path.attribute or path.is_id or path.is_value:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "DELETE takes an entity, such as Things(1), a filter, or a $ref")
    _require_person(request)
    if path.last.entity.is_fixed:
        raise tasking.fixed(path.last.entity)
    if path.is_reference:
        return await unlink(connection, request, path)
    entity, place = path.last.entity, path.last.entity.entity
    asked = options.parse(request.query)
    if path.last.is_single:
        ids = [await _parent(connection, request, path.steps)]
    elif asked.filter is None:
        raise bad("DELETE of a collection needs a $filter that says which of it")
    else:
        reader = Reader(request.caller, request.root)
        query, reach = reader.ids(path, asked), archived.reach(reader, path, asked)
        if reach is None or not await _has_archive(connection):
            reach = archived.NOTHING
        ids = [row[0] for row in await archived.rows(connection, query, reach)]
    if ids:
        await write.written(connection, request.caller, lambda writer: amend.delete(writer, entity, ids, place))
    return Response(HTTPStatus.OK if path.last.is_single else HTTPStatus.NO_CONTENT)


async def link(connection: psycopg.AsyncConnection[Any], request: Request) -> Response:
    """POST to a `$ref` of many, PUT of a `$ref` to one (OData 4.01 §11.4.6): `{"@odata.id": address}`."""
    path = paths.parse(request.path)
    _require_person(request)
    if path.last.entity.is_fixed:
        raise tasking.fixed(path.last.entity)
    before, navigation, id_ = await _linked(connection, request, path)
    draft, other = Draft(before, before.entity, {}), _named(request.json(), path.last.entity)
    work = partial(amend.add_link, draft=draft, navigation=navigation, id_=id_, other=other)
    await write.written(connection, request.caller, work)
    return Response(HTTPStatus.NO_CONTENT)


async def unlink(connection: psycopg.AsyncConnection[Any], request: Request, path: paths.ResourcePath) -> Response:
    """DELETE Things(1)/Locations(2)/$ref."""
    before, navigation, id_ = await _linked(connection, request, path)
    other = await _parent(connection, request, path.steps) if path.last.is_single else 0
    if not other:
        raise bad("DELETE of a link names it, as Things(1)/Locations(2)/$ref")
    draft = Draft(before, before.entity, {})
    work = partial(amend.unlink, draft=draft, navigation=navigation, id_=id_, other=other)
    await write.written(connection, request.caller, work)
    return Response(HTTPStatus.NO_CONTENT)


async def _linked(
    connection: psycopg.AsyncConnection[Any], request: Request, path: paths.ResourcePath
) -> tuple[EntitySet, Navigation, int]:
    """Entity, navigation and id from which a `$ref` leads."""
    *before, step = path.steps
    if not before or step.navigation is None:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "a link leads on from an entity: Things(1)/Locations/$ref")
    return before[-1].entity, step.navigation, await _parent(connection, request, tuple(before))


def _named(body: Any, entity: EntitySet) -> int:
    """The id in `{"@odata.id": ".../Locations(2)"}` or `{"@iot.id": 2}`."""
    known = body if isinstance(body, dict) else {}
    id_ = known.get("@iot.id")
    address = str(known.get("@odata.id") or known.get("@id") or known.get("@iot.selfLink") or "").rpartition("/")[2]
    found = re.fullmatch(rf"{entity.name}\((\d{{1,18}})\)", address)
    if found:
        return int(found[1])
    if isinstance(id_, int) and not isinstance(id_, bool):
        return id_
    raise bad(f'the body names {drafts.article(entity)}: {{"@odata.id": ".../{entity.name}(2)"}} or {{"@iot.id": 2}}')


READING = {"GET", "HEAD", "OPTIONS"}
METHODS: dict[str, Callable[[psycopg.AsyncConnection[Any], Request], Awaitable[Response]]] = {
    "GET": read,
    "HEAD": read,
    "POST": create,
    "PATCH": change,
    "PUT": change,
    "DELETE": delete,
}
application = SensorThings()
