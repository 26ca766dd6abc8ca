"""`$batch` (18-088 §11): several requests in one, as multipart/mixed or as JSON (OData 4.01 JSON §19).

Each is answered as if it had come alone, with the rights of who sent the batch. What stands in a changeset, or in one
atomicityGroup, is one transaction: all of it is done or none. `$name` is the address of what the request of that
Content-ID (or id) made, and as an `@iot.id` its id. After an error nothing more is done, unless the preference
`continue-on-error` is given.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import groupby, pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import psycopg

from shizhu.engines.things.http.sta.errors import Refused, bad
from shizhu.engines.things.http.sta.messages import Request, Response, error
from shizhu.engines.things.http.sta.write import retried

Connection = psycopg.AsyncConnection[Any]
Do = Callable[[Connection, Request], Awaitable[Response]]
Told = Callable[[Exception], Response]
MOST_PARTS, MOST_BYTES = 1000, 64 * 2**20
BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
BLANK = re.compile(rb"\r?\n\r?\n|\A\r?\n")
LINE = re.compile(r"(?P<method>[A-Za-z]+) (?P<url>.+) HTTP/1\.[01]")
REFERENCE = re.compile(r"/?\$([A-Za-z0-9._~-]+)(?=/|\?|$)")
CREATED = re.compile(r".*/\w+\((-?\d+)\)")
CONTINUE = re.compile(r"(?:odata\.)?continue-on-error(?!\s*=\s*\"?false)", re.IGNORECASE)
JSON, MULTIPART, HTTP = "application/json", "multipart/mixed", "application/http"
FAULTS = (Refused, psycopg.Error)
READING = {"GET", "HEAD"}
WORDS = {"$count", "$ref", "$value", "$batch"}


@dataclass(frozen=True)
class Part:
    """One request: `group` is its changeset or atomicityGroup, `after` what it depends on."""

    name: str
    method: str
    url: str
    body: bytes
    media: str
    group: str = ""
    after: tuple[str, ...] = ()
    accept: str = ""


@dataclass
class Batch:
    """What is done of a batch."""

    request: Request
    connection: Connection
    do: Do
    told: Told
    made: dict[str, str] = field(default_factory=dict)  # name → address below the root
    failed: set[str] = field(default_factory=set)
    size: int = 0

    async def run(self, parts: Sequence[Part]) -> list[tuple[Part, Response]]:
        """Do the parts in order; what comes after an error is left out, unless one asked to go on."""
        done: list[tuple[Part, Response]] = []
        goes_on = bool(CONTINUE.search(self.request.preference))
        for group, own in groupby(enumerate(parts), lambda pair: pair[1].group or pair[0]):
            members = [part for _, part in own]
            answers = await (self._together(members) if isinstance(group, str) else self._alone(members[0]))
            done += zip(members, answers, strict=True)
            if any(answer.status >= HTTPStatus.BAD_REQUEST for answer in answers):
                self.failed |= {name for part in members for name in (part.name, part.group)}
                if not goes_on:
                    break
        return done

    async def _alone(self, part: Part) -> list[Response]:
        try:
            return [await self._one(part)]
        except FAULTS as fault:
            return [self.told(fault)]

    async def _together(self, parts: Sequence[Part]) -> list[Response]:
        """All in one transaction; of one that fails the others are told 424."""
        made, size = dict(self.made), self.size

        async def all_() -> list[Response]:
            self.made, self.size = dict(made), size
            answers = []
            async with self.connection.transaction():
                for part in parts:
                    try:
                        answers.append(await self._one(part))
                    except FAULTS as fault:
                        raise _Undone(part, fault) from fault
            return answers

        try:
            return await retried(lambda: _plainly(all_))
        except _Undone as undone:
            self.made, self.size = made, size
            rule = f"nothing of this group is done, because {undone.part.name or undone.part.url} is not"
            others = error(Refused(HTTPStatus.FAILED_DEPENDENCY, rule))
            why = self.told(undone.fault)
            return [why if part is undone.part else others for part in parts]

    async def _one(self, part: Part) -> Response:
        missing = [name for name in part.after if name in self.failed]
        if missing:
            raise Refused(HTTPStatus.FAILED_DEPENDENCY, f"it depends on {missing[0]}, which is not done")
        if part.group and part.method in READING:
            raise bad("a changeset changes: GET stands outside of it")
        if self.size > MOST_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the answers of a batch may have {MOST_BYTES} bytes")
        answer = await self.do(self.connection, self._asked(part))
        self.size += len(answer.body)
        location = dict(answer.headers).get(b"location")
        if location and part.name:
            self.made[part.name] = location.decode().removeprefix(f"{self.request.root}/")
        return answer

    def _asked(self, part: Part) -> Request:
        """The part as a request of its own."""
        path, _, query = _below(self._resolved(part.url), self.request.root).partition("?")
        if path.strip("/") == "$batch":
            raise bad("a batch stands in no batch")
        body = part.body
        if b'"$' in body and "json" in (part.media or JSON):
            body = orjson.dumps(self._replaced(replace(self.request, body=body).json()))
        return replace(
            self.request, method=part.method, path=unquote(path).strip("/"), query=query, body=body, media=part.media,
            accept=part.accept,
        )  # fmt: skip

    def _resolved(self, url: str) -> str:
        found = REFERENCE.match(url)
        if found is None or f"${found[1]}" in WORDS:
            return url
        return self._address(found[1]) + url[found.end() :]

    def _address(self, name: str) -> str:
        if name not in self.made:
            raise bad(f"${name}: no request before this one made something under this name")
        return self.made[name]

    def _replaced(self, value: Any) -> Any:
        """The body with ids and addresses in the place of references."""
        if isinstance(value, list):
            return [self._replaced(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: self._meant(name, item) for name, item in value.items()}

    def _meant(self, name: str, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("$"):
            return self._replaced(value)
        if name == "@iot.id":
            found = CREATED.fullmatch("/" + self._address(value[1:]))
            return int(found[1]) if found else value
        return self._address(value[1:]) if name in {"@odata.id", "@id", "@iot.selfLink"} else value


class _Undone(Exception):
    """A part of a group failed."""

    def __init__(self, part: Part, fault: Exception) -> None:
        super().__init__(str(fault))
        self.part, self.fault = part, fault


async def _plainly(work: Callable[[], Awaitable[list[Response]]]) -> list[Response]:
    """What gets in the way of a whole transaction is told as itself, so that it is tried again."""
    try:
        return await work()
    except _Undone as undone:
        if isinstance(undone.fault, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
            raise undone.fault from None
        raise


def _below(url: str, root: str) -> str:
    """An address without the service root; it may be relative to it, a path, or whole."""
    path = urlsplit(root).path
    for start in (root, path):
        if url == start or url.startswith((f"{start}/", f"{start}?")):
            return url.removeprefix(start)
    if url.startswith(("/", "http://", "https://")):
        raise bad(f"{url}: a batch asks this service alone: {root}")
    return url


async def answer(connection: Connection, request: Request, do: Do, told: Told) -> Response:
    """The answer to a whole batch; raises Refused (400, 413, 415) if it cannot be read."""
    batch = Batch(request, connection, do, told)
    applied = ((b"preference-applied", b"odata.continue-on-error"),) if CONTINUE.search(request.preference) else ()
    if request.media_type == JSON:
        done = await batch.run(_counted(list(_of_json(request.json()))))
        body = orjson.dumps({"responses": [_as_json(part, response) for part, response in done]})
        return Response(HTTPStatus.OK, body, applied)
    if request.media_type == MULTIPART:
        done = await batch.run(_counted(list(_of_multipart(request))))
        mark = f"batch_{secrets.token_hex(12)}"
        return Response(HTTPStatus.OK, _as_multipart(done, mark), applied, f"{MULTIPART}; boundary={mark}".encode())
    rule = f"a batch is {MULTIPART} or {JSON}"
    raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type: {request.media!r}: {rule}")


def _counted(parts: list[Part]) -> list[Part]:
    if len(parts) > MOST_PARTS:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a batch may have {MOST_PARTS} requests, not {len(parts)}")
    groups = [group for group, _ in groupby(part.group for part in parts) if group]
    names = [part.name for part in parts if part.name]
    if len(groups) > len({*groups}) or len(names) > len({*names}):
        raise bad("requests of one atomicityGroup stand together, and each id (Content-ID) is given once")
    return parts


def _of_json(body: Any) -> Iterator[Part]:
    """Requests of a JSON batch."""
    asked = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(asked, list):
        raise bad('a batch is {"requests": [{"id", "method", "url", "body"}]}')
    known: set[str] = set()
    for number, one in enumerate(asked):
        place = f"requests[{number}]"
        if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("id", "method", "url")):
            raise bad(f"{place}: must be an object with id, method and url as texts")
        if "if" in one:
            raise Refused(HTTPStatus.NOT_IMPLEMENTED, f"{place}.if: conditions between requests are not done here")
        after, group = one.get("dependsOn", []), one.get("atomicityGroup", "")
        if not isinstance(group, str) or not isinstance(after, list) or not all(name in known for name in after):
            raise bad(f"{place}.dependsOn: {after!r}: names requests or groups that stand before")
        known |= {one["id"], group} - {""}
        headers = {name.lower(): str(value) for name, value in (one.get("headers") or {}).items()}
        given = one.get("body")
        content = b"" if given is None else given.encode() if isinstance(given, str) else orjson.dumps(given)
        media, accept = headers.get("content-type", JSON), headers.get("accept", "")
        yield Part(one["id"], one["method"].upper(), one["url"], content, media, group, tuple(after), accept)


def _as_json(part: Part, response: Response) -> dict[str, Any]:
    is_json = response.media_type.endswith(b"json")
    told: dict[str, Any] = {
        "id": part.name, "status": int(response.status),
        "headers": {name.decode(): value.decode() for name, value in _headers(response)},
    }  # fmt: skip
    if part.group:
        told["atomicityGroup"] = part.group
    if response.body:
        told["body"] = orjson.Fragment(response.body) if is_json else response.body.decode(errors="replace")
    return told


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    return [*([(b"content-type", response.media_type)] if response.body else []), *response.headers]


def _of_multipart(request: Request) -> Iterator[Part]:
    """Requests of a multipart batch; a part that is multipart itself is a changeset."""
    for number, (headers, content) in enumerate(_sections(request.body, request.media)):
        kind = headers.get("content-type", "")
        if kind.lower().startswith(MULTIPART):
            for own, inner in _sections(content, kind):
                yield _http(own, inner, f"changeset {number}")
        else:
            yield _http(headers, content, "")


def _sections(body: bytes, media: str) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and content of each part (RFC 2046 §5.1)."""
    found = BOUNDARY.search(media)
    if found is None:
        raise bad(f"Content-Type: {media!r}: multipart/mixed names its boundary")
    mark = re.escape((found[1] or found[2]).encode())
    marks = list(re.finditer(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)", body))
    if not marks or not marks[-1][1]:
        raise bad("the last part of a batch is followed by its boundary and --")
    for mark_, after in pairwise(marks):
        if not mark_[1]:
            content = body[mark_.end() : after.start()]
            yield _head(content[2:] if content.startswith(b"\r\n") else content[1:])


def _head(content: bytes) -> tuple[dict[str, str], bytes]:
    blank = BLANK.search(content)
    head, rest = (content[: blank.start()], content[blank.end() :]) if blank else (content, b"")
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").splitlines()]
    return {name.strip().lower(): value.strip() for name, _, value in lines}, rest


def _http(headers: dict[str, str], content: bytes, group: str) -> Part:
    """A part that is application/http: a line, headers, a body."""
    if not headers.get("content-type", HTTP).lower().startswith(HTTP):
        raise bad(f"a part of a batch is {HTTP}, or a changeset ({MULTIPART}), not {headers['content-type']}")
    first, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    line = LINE.fullmatch(first.decode("utf-8", "replace").strip())
    if line is None:
        raise bad(f"a request begins as GET Things HTTP/1.1, not {first[:80].decode('utf-8', 'replace')!r}")
    own, body = _head(rest)
    name = headers.get("content-id") or own.get("content-id", "")
    media, accept = own.get("content-type", JSON), own.get("accept", "")
    return Part(name.strip("<>"), line["method"].upper(), line["url"].strip(), body, media, group, accept=accept)


def _as_multipart(done: Sequence[tuple[Part, Response]], mark: str) -> bytes:
    """The answers; a changeset that is not done has one: why."""
    pieces = []
    for group, own in groupby(done, lambda pair: pair[0].group or id(pair[0])):
        members = list(own)
        faults = [pair for pair in members if pair[1].status >= HTTPStatus.BAD_REQUEST]
        why = next((pair for pair in faults if pair[1].status != HTTPStatus.FAILED_DEPENDENCY), None)
        if isinstance(group, int) or faults:
            pieces.append(_as_http(*(why or members[0])))
        else:
            inner = f"changeset_{secrets.token_hex(12)}"
            body = _joined([_as_http(*pair) for pair in members], inner)
            pieces.append(f"Content-Type: {MULTIPART}; boundary={inner}\r\n\r\n".encode() + body)
    return _joined(pieces, mark)


def _joined(pieces: Sequence[bytes], mark: str) -> bytes:
    line = f"--{mark}".encode()
    return b"".join(line + b"\r\n" + piece + b"\r\n" for piece in pieces) + line + b"--\r\n"


def _as_http(part: Part, response: Response) -> bytes:
    status = HTTPStatus(response.status)
    content_id = f"Content-ID: {part.name}\r\n" if part.name else ""
    head = f"Content-Type: {HTTP}\r\nContent-Transfer-Encoding: binary\r\n{content_id}\r\n"
    lines = [f"HTTP/1.1 {int(status)} {status.phrase}".encode()]
    lines += [name.title() + b": " + value for name, value in _headers(response)]
    return head.encode() + b"\r\n".join(lines) + b"\r\n\r\n" + response.body
