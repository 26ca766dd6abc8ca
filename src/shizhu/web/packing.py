"""What a county declares itself as a pack in one zip file to hand on; and such a file, taken as a county's own."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import Declaration, Role
from shizhu.kernel.packs import Body, Declared, LoadedPack
from shizhu.kernel.text import label
from shizhu.lib import yamls

LARGEST, MOST = 2_000_000, 200  # bytes of all files, number of files
ID, VERSION = re.compile(r"[a-z][a-z0-9_]{0,29}"), "0.1.0"
GROUPS = re.compile(r"(candidate(?:Starter)?Groups=)([\"'])(.*?)\2")
NAMED = {"title", "description", "x-title", "x-help", "submit", "x-shizhu-symbol"}  # texts people read
NAMES = {"x-shizhu-labels", "x-choices", "states"}  # texts people read, by value
TEST = '''"""The pack {id} shows what every pack must."""

from shizhu.kernel.testing import PackTests


class Test{name}(PackTests):
    pass
'''
README = """# {id} ({zh})

Handed on from {county}, where it was made in the browser.

**Works.** {works}

**By** no standard yet: name the one each file follows.

**Roles.** {roles}

**Needs.** {needs}

**Simulated.** Nothing.
"""


class Unreadable(ValueError):
    """A file that is no pack of this kind; the text says why, as one of `WHY`."""


@dataclass(frozen=True)
class Wish:
    """What shall go into a pack: its id and names, and which declarations."""

    id: str
    zh: str
    en: str
    county: str
    rows: Sequence[Declaration]


@dataclass(frozen=True)
class Made:
    """A pack as files, what is wrong with it, and what of other packs and of the county it needs."""

    files: Mapping[str, str]
    problems: tuple[str, ...]
    needs: tuple[str, ...]

    def zipped(self, id_: str) -> bytes:
        """The folder as a zip file; the same files give the same bytes."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in sorted(self.files.items()):
                file.writestr(zipfile.ZipInfo(f"{id_}/{name}", (2000, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
        return out.getvalue()


def make(wish: Wish, actions: Mapping[str, Sequence[str]]) -> Made:
    """The pack; `actions` are the last parts of verbs on a kind that a county may grant."""
    roles = _roles(wish, actions)
    keys = {row.key: f"{wish.id}.{row.stem}" for row in wish.rows}
    renamed = _renamer(keys, {key: f"{wish.id}.{name}" for key, (name, _body) in roles.items()})
    bodies = {(row.kind, f"{wish.id}.{row.stem}"): bilingual(renamed(row.body)) for row in wish.rows}
    engines = sorted({packs.kinds()[row.kind].engine for row in wish.rows})
    pack: Body = {
        "id": wish.id, "name": {"zh": wish.zh, "en": wish.en}, "version": VERSION, "shizhu": ">=0.1,<0.2",
        "engines": engines, **({"roles": dict(roles.values())} if roles else {}),
    }  # fmt: skip
    loaded = _loaded(wish, pack, bodies)
    problems = [f"pack.yaml: {line}" for line in packs.schema_errors(packs.schema_of_pack(), pack)]
    others = {key: pack for key, pack in overlays.everything(wish.county).items() if key != overlays.LOCAL}
    everything = {**others, wish.id: loaded}
    for item in loaded.declared:
        problems += [f"{item.file}: {line}" for line in packs.problems_of(packs.kinds()[item.kind], item, everything)]
    needs = sorted(_needs(bodies, wish.id))
    return Made(_files(wish, pack, loaded, needs), tuple(problems), tuple(needs))


def staying(county: str, rows: Sequence[Declaration], actions: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Declarations that could be in no pack of the others, as they name what stays in the county, with why."""
    found: dict[str, str] = {}
    going = list(rows)
    while going:
        problems = make(Wish("own", "own", "own", county, going), actions).problems
        told = {str(row): line.partition(": ")[2] for row in going for line in problems if _is_of(row, line)}
        if not told:
            break
        found |= told
        going = [row for row in going if str(row) not in told]
    return found


def _is_of(row: Declaration, line: str) -> bool:
    return line.startswith(f"{row.kind}/{row.stem}{packs.kinds()[row.kind].suffix}: ")


def _loaded(wish: Wish, pack: Body, bodies: Mapping[tuple[str, str], Body]) -> LoadedPack:
    declared = tuple(
        Declared(kind, key, body, f"{kind}/{key.partition('.')[2]}{packs.kinds()[kind].suffix}")
        for (kind, key), body in bodies.items()
    )
    return LoadedPack(wish.id, Path(), pack, declared)


def _roles(wish: Wish, actions: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, Body]]:
    """key of a role → (its name in the pack, its declaration): who is named in flows, and who was granted something."""
    verbs: dict[str, list[str]] = {}
    for row in wish.rows:
        engine = packs.kinds()[row.kind].engine
        for key, given in overlays.granted(wish.county, f"{engine}.{row.key}").items():
            kept = [action for action in actions.get(row.kind, ()) if action in given]
            verbs.setdefault(key, []).extend(f"{engine}.{wish.id}.{row.stem}.{action}" for action in kept)
        for key in _groups(row.body):
            verbs.setdefault(key, []).append(f"{engine}.case.view")
    found: dict[str, tuple[str, Body]] = {}
    for role in Role.objects.filter(pk__in=verbs).order_by("pk"):
        bare = re.sub(r"[^a-z_]+", "_", role.pk.rpartition(".")[2]).strip("_") or "role"
        name = _free(bare, {name for name, _body in found.values()})
        names = {"zh": label(role.name, "zh") or name, "en": label(role.name, "en") or name}
        found[role.pk] = name, {"name": names, "verbs": sorted(set(verbs[role.pk]))}
    return found


def _free(name: str, taken: set[str]) -> str:
    """A name of a role, which has letters alone, that is not taken."""
    while name in taken:
        name = f"{name}_too"
    return name


def _groups(body: Body) -> set[str]:
    """Roles that a flow names."""
    return {role for match in GROUPS.finditer(body.get("text", "")) for role in match[3].split(",") if role}


def _renamer(keys: Mapping[str, str], roles: Mapping[str, str]) -> Callable[[Body], Body]:
    """A function that writes keys and roles under their new names, wherever they stand in a body."""
    known = re.compile("|".join(rf"(?<![\w.]){re.escape(key)}(?![\w.])" for key in sorted(keys)) or "(?!)")

    def renamed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: renamed(part) for name, part in value.items()}
        if isinstance(value, list):
            return [renamed(part) for part in value]
        return _regrouped(known.sub(lambda m: keys[m[0]], value), roles) if isinstance(value, str) else value

    return renamed


def _regrouped(text: str, roles: Mapping[str, str]) -> str:
    """A flow with roles under their new names; those that have none stay."""

    def groups(match: re.Match[str]) -> str:
        named = ",".join(roles.get(role, role) for role in match[3].split(","))
        return f"{match[1]}{match[2]}{named}{match[2]}"

    return GROUPS.sub(groups, text)


def bilingual(value: Any, name: str = "") -> Any:
    """A body whose names are in two languages, as packs have them; one text stands for both."""
    if isinstance(value, list):
        return [bilingual(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    if name in NAMES:
        return {key: _both(part) for key, part in value.items()}
    if name == "properties":  # names of fields, whatever they are
        return {key: bilingual(part) for key, part in value.items()}
    if name == "x-shizhu":
        return {key: bilingual(part, key) if key in NAMES else part for key, part in value.items()}
    return {key: _both(part) if key in NAMED else bilingual(part, key) for key, part in value.items()}


def _both(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else bilingual(value)


def _needs(bodies: Mapping[tuple[str, str], Body], id_: str) -> Iterable[str]:
    """What it points at elsewhere: registers of other packs and of the county, organisations that own cases."""
    for body in bodies.values():
        text = json.dumps(body, ensure_ascii=False)
        for key in re.findall(r"\"x-shizhu-ref\": \"([^\"]+)\"", text):
            if key.partition(".")[0] not in {id_, "kernel", "things"}:
                yield key
        for code in re.findall(r"name=\\\"owner\\\" value=\\\"([^\\]+)\\\"", text):
            yield f"kernel.organisation {code}"


def _files(wish: Wish, pack: Body, loaded: LoadedPack, needs: Sequence[str]) -> dict[str, str]:
    words = {
        "id": wish.id, "zh": wish.zh, "county": wish.county, "needs": ", ".join(needs) or "Nothing.",
        "works": ", ".join(item.file for item in loaded.declared),
        "roles": ", ".join(f"`{wish.id}.{name}`" for name in pack.get("roles", {})) or "None.",
        "name": "".join(part.capitalize() for part in wish.id.split("_")),
    }  # fmt: skip
    found = {
        "__init__.py": f'"""{wish.en}: declarations, tests."""\n', "pack.yaml": written(pack),
        "README.md": README.format(**words), "tests/test_pack.py": TEST.format(**words),
    }  # fmt: skip
    for item in loaded.declared:
        found[item.file] = written(item.body)
    return found


def written(body: Body) -> str:
    """A declaration as a pack's file has it: YAML, or the text itself."""
    if set(body) == {"text"}:
        return str(body["text"])
    return yaml.safe_dump(packs.json_ready(body), allow_unicode=True, sort_keys=False, width=110)


@dataclass(frozen=True)
class Brought:
    """A pack file as read: what of it a county may take, under its own keys, and what it may not."""

    id: str
    name: object
    bodies: Mapping[tuple[str, str], Body]
    roles: Mapping[str, Body] = field(default_factory=dict)
    left: tuple[str, ...] = ()

    @property
    def groups(self) -> list[str]:
        """Roles of the pack that its flows name or that have rights on its registers, each to be given to one here."""
        return sorted(self.roles)


def read(content: bytes, kinds: Iterable[str]) -> Brought:
    """Read a zip file. Raises Unreadable."""
    texts = _texts(content)
    place = next((PurePosixPath(name).parent for name in texts if PurePosixPath(name).name == "pack.yaml"), None)
    if place is None:
        raise Unreadable("pack")
    folder = [name for name in texts if PurePosixPath(name).is_relative_to(place)]
    inside = {str(PurePosixPath(name).relative_to(place)): texts[name] for name in folder}
    pack = _yaml(inside["pack.yaml"])
    if list(packs.schema_errors(packs.schema_of_pack(), pack)):
        raise Unreadable("pack")
    bodies: dict[tuple[str, str], Body] = {}
    left = []
    for name, text in sorted(inside.items()):
        kind, _slash, file = name.partition("/")
        known = packs.kinds().get(kind)
        stem, suffix = PurePosixPath(file).stem, PurePosixPath(file).suffix
        if known and kind in set(kinds) and suffix == known.suffix and overlays.STEM.fullmatch(stem):
            bodies[kind, stem] = {"text": text} if known.suffix != ".yaml" else _yaml(text)
        elif known or kind in {"demo", "logic.py"}:
            left.append(name)
    keys = {f"{pack['id']}.{stem}": f"{overlays.LOCAL}.{stem}" for _kind, stem in bodies}
    renamed = _renamer(keys, {})
    own = {(kind, f"{overlays.LOCAL}.{stem}"): renamed(body) for (kind, stem), body in bodies.items()}
    return Brought(pack["id"], pack["name"], own, pack.get("roles", {}), tuple(left))


def _texts(content: bytes) -> dict[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            infos = [info for info in file.infolist() if not info.is_dir()]
            if len(infos) > MOST or sum(info.file_size for info in infos) > LARGEST:
                raise Unreadable("large")
            return {
                info.filename: file.read(info).decode("utf-8") for info in infos
                if PurePosixPath(info.filename).suffix in {".yaml", ".bpmn", ".dmn", ".md", ".py"}
            }  # fmt: skip
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, NotImplementedError, RuntimeError, OSError):
        raise Unreadable("zip") from None


def _yaml(text: str) -> Body:
    try:
        has_alias = any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
        body = None if has_alias else packs.json_ready(yamls.read(text))  # a few aliases can mean gigabytes
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise Unreadable("yaml") from None
    if not isinstance(body, dict) or not packs.is_storable(body):
        raise Unreadable("yaml")
    return body


def given(brought: Brought, roles: Mapping[str, str]) -> dict[tuple[str, str], Body]:
    """The bodies with the roles of the pack written as those chosen here."""
    chosen = {f"{brought.id}.{name}": role for name, role in roles.items()}
    return {
        place: {"text": _regrouped(body["text"], chosen)} if set(body) == {"text"} else body
        for place, body in brought.bodies.items()
    }


def rights(
    brought: Brought, kind: str, stem: str, actions: Sequence[str], roles: Mapping[str, str]
) -> dict[str, set[str]]:
    """role chosen here → what it may do with one thing, as the pack's roles may."""
    engine = packs.kinds()[kind].engine
    found: dict[str, set[str]] = {}
    for name, role in roles.items():
        verbs = brought.roles.get(name, {}).get("verbs", [])
        for action in actions:
            if any(access.covers(verb, f"{engine}.{brought.id}.{stem}.{action}") for verb in verbs if verb != "*"):
                found.setdefault(role, set()).add(action)
    return found
