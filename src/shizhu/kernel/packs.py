"""Packs: find them, read their declarations, sync them to rows, hand them to engines.

An engine says which kinds of file a pack may ship by `kind(...)`; everything else in a pack folder is refused by
`problems`. Declared things are keyed `<pack>.<file stem>`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from shizhu.kernel.models import Declaration, EnabledPack, Pack, Role
from shizhu.lib import yamls

Body = dict[str, Any]
KEPT = {"README.md", "__init__.py", "pack.yaml", "logic.py", "demo", "tests", "locale", "__pycache__"}
BUNDLED = Path(__file__).parents[1] / "packs"
REFRESH_SECONDS = 5.0
SURROGATE, NUL = re.compile("[\ud800-\udfff]"), re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # NUL as JSON has it
COUNTY = "county"  # stands for a pack in the keys of what a county declares: county.<file stem>


@dataclass(frozen=True)
class Kind:
    """One kind of declaration: a folder of files with one suffix, a JSON Schema, and a check across declarations."""

    name: str
    suffix: str = ".yaml"
    schema: Body = field(default_factory=dict)
    check: Callable[[str, Body, LoadedPacks], Iterable[str]] | None = None
    of_county: bool = False  # a county's folder may hold them too: it joins packs
    makes: Callable[[str, Body], Iterable[tuple[str, str, Body]]] | None = None  # other declarations it is compiled to

    @property
    def engine(self) -> str:
        """The engine that reads it, told by where its check lies."""
        return self.check.__module__.split(".")[-2] if self.check else ""


@dataclass(frozen=True)
class Declared:
    """One file of a pack."""

    kind: str
    key: str
    body: Body
    file: str


@dataclass(frozen=True)
class LoadedPack:
    """A pack folder as read from disk."""

    id: str
    folder: Path
    body: Body
    declared: tuple[Declared, ...]
    broken: tuple[str, ...] = ()  # files that are not readable, with the reason
    lent: frozenset[str] = frozenset()  # roles of others that it may name: only what a county declares itself

    @property
    def roles(self) -> frozenset[str]:
        """Keys of the roles that its declarations may name."""
        return self.lent | {f"{self.id}.{name}" for name in self.body.get("roles", {})}

    @property
    def is_bundled(self) -> bool:
        """Whether it is one of this repository, which its checks keep right."""
        return self.folder.parent == BUNDLED

    @property
    def is_whole(self) -> bool:
        """Whether pack.yaml says what a pack must say."""
        return all(name in self.body for name in schema_of_pack()["required"])

    @property
    def digest(self) -> str:
        """Hash of everything declared."""
        return digest([self.body, [(d.kind, d.key, d.body) for d in self.declared]])


LoadedPacks = Mapping[str, LoadedPack]
_kinds: dict[str, Kind] = {}
_built_in: dict[tuple[str, str], Body] = {}
_cache: dict[str | None, tuple[float, dict[tuple[str, str], Body]]] = {}


def kind(
    name: str, *, suffix: str = ".yaml", schema: Body | None = None, check: Any = None, of_county: bool = False,
    makes: Any = None,
) -> None:  # fmt: skip
    """Let packs (and with `of_county` counties) ship a kind of declaration; call it from `AppConfig.ready`.

    `makes` gives what one is compiled to: (kind, key, body) of declarations like any other.
    """
    _kinds[name] = Kind(name, suffix, schema or {}, check, of_county, makes)


def built_in(name: str, key: str, body: Body) -> None:
    """Declare something that an engine makes by itself: it is found by its key and in no list. From `ready`."""
    _built_in[name, key] = body


def kinds() -> Mapping[str, Kind]:
    """All registered kinds."""
    return _kinds


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


@cache
def schema_of_pack() -> Body:
    """JSON Schema of pack.yaml."""
    return read_schema("shizhu.kernel", "pack")


def read_schema(package: str, name: str) -> Body:
    """A JSON Schema shipped in `<package>/schemas/<name>.json`."""
    loaded: Body = json.loads((files(package) / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def folders() -> list[Path]:
    """Pack folders: those of this repository and those installed with the entry point `shizhu.packs`."""
    found = [file.parent for file in sorted(BUNDLED.glob("*/pack.yaml"))]
    for entry in entry_points(group="shizhu.packs"):
        found += [Path(root) for root in entry.load().__path__]
    return found


def read(folder: Path) -> LoadedPack:
    """Read a pack folder; YAML becomes JSON, other files are kept as text under `text`."""
    body, wrong = _read_pack(folder)
    declared, broken = _read_files(folder, body["id"], _kinds.values())
    return LoadedPack(body["id"], folder, body, tuple(declared), (*wrong, *broken))


def _read_pack(folder: Path) -> tuple[Body, list[str]]:
    """pack.yaml without the keys that are wrong in it, and what is wrong with it."""
    try:
        body = json_ready(read_yaml(folder / "pack.yaml"))
    except yaml.YAMLError as error:
        return {"id": folder.name}, [f"{folder.name}/pack.yaml: {yamls.told(error)}"]
    if not isinstance(body, dict):
        return {"id": folder.name}, [
            f"{folder.name}/pack.yaml: {body!r}: must have the keys id, name, version, engines"
        ]
    errors = [error.absolute_path for error in Draft202012Validator(schema_of_pack()).iter_errors(body)]
    lines = [f"{body.get('id', folder.name)}/pack.yaml: {line}" for line in schema_errors(schema_of_pack(), body)]
    odd = {path[0] for path in errors if path}
    return {"id": folder.name} | {name: value for name, value in body.items() if name not in odd}, lines


def read_yaml(file: Path) -> Any:
    """What a YAML file says. For files that are installed, not for what a stranger brings. Raises yaml.YAMLError."""
    try:
        return yamls.read_own(read_text(file))
    except RecursionError:
        raise yaml.YAMLError("nested too deep") from None


def read_text(file: Path) -> str:
    """The text of a file. Raises yaml.YAMLError for one that is not UTF-8, as older editors save Chinese."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"byte {error.start + 1}: is no UTF-8; save the file as UTF-8") from None


def read_county(folder: Path) -> LoadedPack:
    """What a county's folder declares itself, as a pack named `county`."""
    declared, broken = _read_files(folder, COUNTY, [kind_ for kind_ in _kinds.values() if kind_.of_county])
    return LoadedPack(COUNTY, folder, {"id": COUNTY}, tuple(declared), tuple(broken))


def _read_files(folder: Path, id_: str, kinds_: Iterable[Kind]) -> tuple[list[Declared], list[str]]:
    """The declared files of a folder, and those that are not readable with the reason."""
    declared, broken = [], []
    for kind_ in kinds_:
        for file in sorted((folder / kind_.name).glob(f"*{kind_.suffix}")):
            place = f"{kind_.name}/{file.name}"
            try:
                is_yaml = kind_.suffix == ".yaml"
                content = json_ready(read_yaml(file)) if is_yaml else {"text": read_text(file)}
            except yaml.YAMLError as error:
                broken.append(f"{id_}/{place}: {yamls.told(error)}")
                continue
            item = Declared(kind_.name, f"{id_}.{file.stem}", content, place)
            declared += [item, *_made(kind_, item)]
    return declared, broken


def _made(kind_: Kind, item: Declared) -> list[Declared]:
    """What a declaration is compiled to; nothing of a faulty one, whose faults `problems` tells."""
    if kind_.makes is None or any(schema_errors(kind_.schema, item.body)):
        return []
    return [Declared(name, key, body, item.file) for name, key, body in kind_.makes(item.key, item.body)]


def json_ready(value: Any) -> Any:
    """YAML's dates as text, keys as text."""
    return json.loads(json.dumps(value, default=str, ensure_ascii=False))


def is_storable(value: object) -> bool:
    """Whether a database keeps it: no text has a NUL or half of a pair of surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return not SURROGATE.search(text) and not NUL.search(text)


def read_all(extra: Iterable[Path] = ()) -> dict[str, LoadedPack]:
    """All packs found, by id."""
    return {pack.id: pack for pack in (read(folder) for folder in [*folders(), *extra])}


def problems(pack: LoadedPack, everything: LoadedPacks) -> list[str]:
    """What is wrong with a pack, one line each: file, place, value, rule."""
    found = [*pack.broken]
    for entry in sorted(pack.folder.iterdir()):
        if entry.name not in KEPT and entry.name not in _kinds and not entry.name.startswith("."):
            found.append(f"{pack.id}/{entry.name}: a pack may not hold this; kinds are {', '.join(sorted(_kinds))}")
    return found + of_declared(pack, everything)


def of_declared(pack: LoadedPack, everything: LoadedPacks) -> list[str]:
    """What is wrong with the declared files of a pack or a county."""
    found = []
    for item in pack.declared:
        found += [f"{pack.id}/{item.file}: {line}" for line in problems_of(_kinds[item.kind], item, everything)]
    return found


def problems_of(kind_: Kind, item: Declared, everything: LoadedPacks) -> list[str]:
    """What is wrong with one declaration, one line each: place, value, rule."""
    lines = list(schema_errors(kind_.schema, item.body)) if kind_.schema else []
    if kind_.check and not lines:
        lines += kind_.check(item.key, item.body, everything)
    return lines


def schema_errors(schema: Body, body: object) -> Iterable[str]:
    """`place: value: rule` for every violation; what a pattern asks for in the words of its `x-rule`, if it has one."""
    for found in Draft202012Validator(schema).iter_errors(body):
        error = best_match([found])  # of several forms, what is wrong with the nearest
        rule = error.schema.get("x-rule") if error.validator == "pattern" else None
        if error.validator == "additionalProperties" and (known := error.schema.get("properties")):
            odd = ", ".join(repr(name) for name in error.instance if name not in known)
            yield f"{error.json_path}: {odd} is not read here; known are {', '.join(known)}"
            continue
        yield f"{error.json_path}: {f'{error.instance!r}: {rule}' if rule else error.message}"
    yield from (f"{place}: {number}: must be a finite number" for place, number in _not_finite("$", body))


def _not_finite(place: str, value: object) -> Iterable[tuple[str, float]]:
    """Where YAML has numbers that JSON has not: .nan and .inf."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _not_finite(f"{place}.{name}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _not_finite(f"{place}[{number}]", inner)
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, value


def find(everything: LoadedPacks, kind_name: str, key: str) -> Body | None:
    """A declaration among loaded packs."""
    pack = everything.get(key.split(".", maxsplit=1)[0])
    return next((d.body for d in pack.declared if (d.kind, d.key) == (kind_name, key)), None) if pack else None


@transaction.atomic
def sync(loaded: Iterable[LoadedPack]) -> int:
    """Bring pack rows to what the folders say; returns how many rows changed (0 the second time)."""
    changed = 0
    for pack in loaded:
        row = Pack.objects.filter(pk=pack.id).first()
        if row and row.digest == pack.digest:
            continue
        Pack.objects.update_or_create(
            pk=pack.id,
            defaults={
                "name": pack.body["name"],
                "version": pack.body["version"],
                "body": pack.body,
                "digest": pack.digest,
            },
        )
        changed += 1 + _sync_declarations(pack) + _sync_roles(pack)
    forget()
    return changed


@transaction.atomic
def sync_county(county: str, folder: Path) -> int:
    """Bring what a county's folder declares to its rows; a person's own rows stay."""
    found = read_county(folder)
    rows = {(d.kind, d.key): d for d in Declaration.objects.filter(county_id=county, source="county")}
    for item in found.declared:
        rows.pop((item.kind, item.key), None)
        own = {"body": item.body, "digest": digest(item.body), "source": "county"}
        Declaration.objects.update_or_create(kind=item.kind, key=item.key, county_id=county, defaults=own)
    for gone in rows.values():
        gone.delete()
    forget()
    return len(found.declared) + len(rows)


def _sync_declarations(pack: LoadedPack) -> int:
    rows = {(d.kind, d.key): d for d in Declaration.objects.filter(pack_id=pack.id, source="pack")}
    new, changed = list[Declaration](), list[Declaration]()
    for item in {(item.kind, item.key): item for item in pack.declared}.values():
        row = rows.pop((item.kind, item.key), None) or Declaration(kind=item.kind, key=item.key, pack_id=pack.id)
        value = digest(item.body)
        if row.digest != value:
            (changed if row.pk else new).append(row)
            row.body, row.digest = item.body, value
    for gone in rows.values():
        gone.delete()
    Declaration.objects.bulk_create(new)
    Declaration.objects.bulk_update(changed, ["body", "digest"])
    return len(new) + len(changed) + len(rows)


def _sync_roles(pack: LoadedPack) -> int:
    """Roles as declared; one that is no more keeps its posts and gives no right; one that a person changed stays."""
    declared = {f"{pack.id}.{name}": role for name, role in pack.body.get("roles", {}).items()}
    kept = {role.pk: role for role in Role.objects.filter(pk__startswith=f"{pack.id}.")}
    changed = 0
    for key, role in declared.items():
        row = kept.get(key) or Role(pk=key)
        if row.source == "pack" and (row.name, row.verbs) != (role["name"], role["verbs"]):
            row.name, row.verbs = role["name"], role["verbs"]
            row.save()
            changed += 1
    ended = [role for role in kept.values() if role.source == "pack" and role.pk not in declared and role.verbs]
    return changed + Role.objects.filter(pk__in=[role.pk for role in ended]).update(verbs=[])


def forget() -> None:
    """Drop what this process remembers of declarations."""
    _cache.clear()


def _remembered(county: str | None) -> dict[tuple[str, str], Body]:
    kept = _cache.get(county)
    if kept and time.monotonic() - kept[0] < REFRESH_SECONDS:
        return kept[1]
    rows = Declaration.objects.filter(county__isnull=True)
    own = Declaration.objects.filter(county_id=county, is_withdrawn=False) if county else Declaration.objects.none()
    if county is not None:
        rows = rows.filter(pack__in=EnabledPack.objects.filter(county_id=county).values("pack"))
    loaded = {(row.kind, row.key): row.body for row in (*rows, *own)}  # a county's own comes before a pack's
    _cache[county] = (time.monotonic(), loaded)
    return loaded


def declarations(kind_name: str, county: str | None) -> dict[str, Body]:
    """key → body of every declaration of a kind: of the county's enabled packs and its own; of all packs for None."""
    return {key: body for (kind_, key), body in _remembered(county).items() if kind_ == kind_name}


def declaration(kind_name: str, key: str, county: str | None) -> Body:
    """One declaration, the county's own before a pack's; KeyError if nobody declares it."""
    own = _remembered(county) if county else {}
    return own.get((kind_name, key)) or _built_in.get((kind_name, key)) or _remembered(None)[kind_name, key]


def withdrawn(kind_name: str, county: str) -> dict[str, Body]:
    """key → body of what the county has taken out of use, as it was last: for the names of what outlives it."""
    rows = Declaration.objects.filter(kind=kind_name, county_id=county, is_withdrawn=True)
    return dict(rows.values_list("key", "body"))


def declared(kind_name: str, key: str, county: str | None) -> Body:
    """Like `declaration`, {} if nobody declares it (any more): for what names it and outlives it."""
    try:
        return declaration(kind_name, key, county)
    except KeyError:
        return {}
