"""What packcheck looks for beyond each pack's own schemas: what imports cannot show, in packs and in rooms."""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import shizhu
from shizhu.kernel import access, packs
from shizhu.site.config import CLONE

SOURCE = Path(shizhu.__file__).parent
MOST_PYTHON_LINES = 400  # of a pack, and of an engine's door
MOST_LINES = 800  # of any file people write
LEAST_DECLARED = 0.8
OF_REGISTER = ("view", "create", "edit", "delete", "unmask", "review", "share")
WRITTEN = {".py", ".html", ".json", ".yaml", ".bpmn", ".dmn"}
GENERATED = {"migrations", "static"}
IMPURE = {
    "asyncio",
    "http",
    "multiprocessing",
    "os",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "threading",
    "urllib",
}
DYNAMIC = {  # who may import by name, and why
    "kernel/text.py": "its dictionary takes 11 MB and is loaded with the first name",
    "site/cli.py": "a verb is loaded when it is called",
    "site/demo.py": "simulators lie in packs, named by device profile",
    "site/commands": "a verb explains itself before it starts Django",
}
TO_TABLES = {"ForeignKey", "OneToOneField", "ManyToManyField", "get_model"}
PART_OF = re.compile(r"""{%\s*(?:include|extends)\s+["'](\w+)/""")
TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+([a-z]+)_[a-z]")


def all_problems(extra: Iterable[str] = ()) -> list[str]:
    """Every problem of every pack and room, one line each."""
    loaded = packs.read_all(Path(folder) for folder in extra)
    found = [line for pack in loaded.values() for line in packs.problems(pack, loaded)]
    for pack in loaded.values():
        found += [*of_pack(pack), *rights_of_pack(pack, loaded.values())]
    for folder in sorted((CLONE / "counties").glob("*/county.yaml")):
        own = packs.read_county(folder.parent)
        found += [
            f"{folder.parent.name}: {line}"
            for line in (*own.broken, *packs.of_declared(own, {**loaded, packs.COUNTY: own}))
        ]
    return [*found, *of_source(SOURCE, loaded.values())]


def of_pack(pack: packs.LoadedPack) -> Iterator[str]:
    """What is wrong with a pack as a folder."""
    yield from _engines_of_pack(pack)
    code = []
    for file in _files(pack.folder):
        place = file.relative_to(pack.folder)
        if place.parts[0] in packs.kinds():
            suffix = packs.kinds()[place.parts[0]].suffix
            if len(place.parts) > 2 or file.suffix != suffix:
                yield f"{pack.id}/{place}: nobody reads it; {place.parts[0]}/ holds *{suffix}"
        elif file.suffix == ".py" and place.parts[0] != "tests":
            code.append(file)
            if place.as_posix() not in {"__init__.py", "logic.py"} and place.parent.as_posix() != "demo":
                yield f"{pack.id}/{place}: a pack's code is logic.py and demo/*.py; an engine lacks a feature"
            yield from _imports_of_pack(pack, file)
    if code and not (pack.folder / "__init__.py").exists():
        yield f"{pack.id}/__init__.py: is missing; without it import rules do not see the pack's code"
    yield from _share_of_code(pack, code)


def _engines_of_pack(pack: packs.LoadedPack) -> Iterator[str]:
    """The engines that pack.yaml names exist, those of its declarations are named, those of its roles' rights exist."""
    known = {file.parent.name for file in SOURCE.glob("engines/*/api.py")}
    for engine in pack.body.get("engines", []):
        if engine not in known:
            yield f"{pack.id}/pack.yaml: engines: {engine}: there is no such engine"
    for kind in sorted({item.kind for item in pack.declared}):
        engine = packs.kinds()[kind].engine
        if engine not in pack.body.get("engines", []):
            yield f"{pack.id}/pack.yaml: engines: {engine}: must be named, it reads {kind}/"
    for name, role in pack.body.get("roles", {}).items():
        for verb in role["verbs"]:
            if verb.split(".")[0] not in known | {"kernel", "*"}:
                yield f"{pack.id}/pack.yaml: roles.{name}: {verb}: there is no such engine"


@cache
def verbs_of_code() -> frozenset[str]:
    """Every verb that code asks for, as it writes them. Names of events are among them."""
    engines = "|".join(file.parent.name for file in SOURCE.glob("engines/*/api.py"))
    form = re.compile(rf"(?:kernel|{engines})(?:\.[a-z_]+){{2}}")
    found = set[str]()
    for file in SOURCE.rglob("*.py"):
        if file.relative_to(SOURCE).parts[0] != "packs" and "migrations" not in file.parts:
            texts = (node.value for node in ast.walk(_tree(file)) if isinstance(node, ast.Constant))
            found |= {text for text in texts if isinstance(text, str) and form.fullmatch(text)}
    return frozenset(found)


def rights_of_pack(pack: packs.LoadedPack, loaded: Iterable[packs.LoadedPack]) -> Iterator[str]:
    """The verbs of its roles are asked for somewhere: one with a slip in it would give nothing, silently."""
    registers = [item.key for other in loaded for item in other.declared if item.kind == "registers"]
    verbs = verbs_of_code() | {f"records.{key}.{action}" for key in registers for action in OF_REGISTER}
    for name, role in pack.body.get("roles", {}).items():
        for verb in role["verbs"]:
            is_of_engine = any(known.startswith(f"{verb.split('.')[0]}.") for known in verbs)
            if is_of_engine and not any(access.covers(verb, known) for known in verbs):
                near = difflib.get_close_matches(verb, verbs, 3)
                hint = f"; near are {', '.join(near)}" if near else ""
                yield f"{pack.id}/pack.yaml: roles.{name}: {verb}: nobody asks for this verb{hint}"


def _imports_of_pack(pack: packs.LoadedPack, file: Path) -> Iterator[str]:
    own = f"shizhu.packs.{pack.id}."
    for node in ast.walk(_tree(file)):
        for name in _imported(node):
            is_ours = name.startswith(("shizhu.lib.", own)) or name == "shizhu.lib"
            top = name.split(".", maxsplit=1)[0]
            if not is_ours and (top not in sys.stdlib_module_names or top in IMPURE):
                place = file.relative_to(pack.folder)
                yield f"{pack.id}/{place}:{_line(node)}: imports {name}; a pack's code is pure, shizhu.lib may help it"


def _share_of_code(pack: packs.LoadedPack, code: list[Path]) -> Iterator[str]:
    """A pack is mostly declarations; its tests are not counted."""
    python = sum(map(_length, code))
    rest = sum(_length(file) for file in _files(pack.folder) if file.suffix != ".py" and "tests" not in file.parts)
    if python > MOST_PYTHON_LINES:
        yield f"{pack.id}: {python} lines of Python, at most {MOST_PYTHON_LINES}; an engine lacks a feature"
    if rest < LEAST_DECLARED * (python + rest):
        share = 100 * rest / (python + rest)
        yield f"{pack.id}: {share:.0f}% of its lines are declarations and data, at least {LEAST_DECLARED:.0%}"


def of_source(source: Path, loaded: Iterable[packs.LoadedPack] = ()) -> Iterator[str]:
    """What is wrong with the rooms under a source folder."""
    yield from _vocabulary(source, loaded)
    engines = sorted(folder.name for folder in (source / "engines").iterdir() if (folder / "api.py").exists())
    for engine in engines:
        yield from _door(source, source / "engines" / engine)
    for file in _files(source):
        place = file.relative_to(source)
        if file.suffix in WRITTEN and not GENERATED.intersection(place.parts) and _length(file) > MOST_LINES:
            yield f"{place}: {_length(file)} lines, at most {MOST_LINES}; split it"
        if file.suffix == ".py" and place.parts[0] != "packs" and "migrations" not in place.parts:
            calls_and_texts = [node for node in ast.walk(_tree(file)) if isinstance(node, (ast.Call, ast.Constant))]
            yield from _past_doors(place, calls_and_texts, engines)
            yield from _dynamic(place, calls_and_texts)
    for folder in sorted(source.rglob("migrations")):
        yield from _linear(source, folder)


def _vocabulary(source: Path, loaded: Iterable[packs.LoadedPack]) -> Iterator[str]:
    """No engine contains a word of a domain."""
    files = [file for file in _files(source / "engines") if file.suffix in {".py", ".html", ".json"}]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    for pack in loaded:
        for word in pack.body.get("vocabulary", []):
            pattern = re.compile(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word), re.IGNORECASE)
            for file in filter(lambda file: pattern.search(texts[file]), files):
                yield f"{file.relative_to(source)}: contains {word!r}, a word of the pack {pack.id}"


def _door(source: Path, folder: Path) -> Iterator[str]:
    """An engine tells what it is; its door is small, and says what goes through it; its pages take no other's parts."""
    if not (folder / "README.md").exists():
        yield f"{folder.relative_to(source)}: has no README.md"
    file = folder / "api.py"
    place, tree = file.relative_to(source), _tree(file)
    if _length(file) > MOST_PYTHON_LINES:
        yield f"{place}: {_length(file)} lines, at most {MOST_PYTHON_LINES} for a door"
    if not ast.get_docstring(tree):
        yield f"{place}: has no docstring"
    if not any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in tree.body):
        yield f"{place}: has no __all__"
    for page in sorted(folder.rglob("*.html")):
        for owner in sorted(set(PART_OF.findall(page.read_text(encoding="utf-8"))) - {folder.name, "shizhu"}):
            yield f"{page.relative_to(source)}: takes a part of the pages of {owner}; parts for all lie in web"


def _past_doors(place: Path, nodes: list[ast.Call | ast.Constant], engines: list[str]) -> Iterator[str]:
    """Nobody reaches an engine's tables or modules by their names: foreign keys, get_model, SQL, dotted paths."""
    own = place.parts[1] if place.parts[0] == "engines" and len(place.parts) > 2 else ""
    others = set(engines) - {own}
    for node in nodes:
        found: set[str] = set()
        if isinstance(node, ast.Call) and _called(node) in TO_TABLES:
            named = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "to")]
            found = {str(part.value).split(".")[0] for part in named if isinstance(part, ast.Constant)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = set(TABLE.findall(node.value)) | _dotted(place, node.value)
        for engine in sorted(found & others):
            yield f"{place}:{_line(node)}: reaches past the door of {engine}"


def _dotted(place: Path, text: str) -> set[str]:
    """The engine whose module a text names, unless it is its door, its application or its addresses."""
    match = re.fullmatch(r"shizhu\.engines\.(\w+)((?:\.\w+)*)", text)
    if not match or match[2] == ".api" or (place.parts[0] == "site" and match[2] in {"", ".http.urls"}):
        return set()
    return {match[1]}


def _dynamic(place: Path, nodes: list[ast.Call | ast.Constant]) -> Iterator[str]:
    """Imports by name hide from import rules, so only a few files may."""
    if DYNAMIC.keys() & {place.as_posix(), place.parent.as_posix()}:
        return
    for node in nodes:
        if isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            yield f"{place}:{_line(node)}: imports by name, which import rules do not see"


def _linear(source: Path, folder: Path) -> Iterator[str]:
    """The migrations of a room are one line, in the order of their names."""
    label, before = folder.parent.name, ""
    for file in sorted(folder.glob("[0-9]*.py")):
        own = sorted(_dependencies(_tree(file), label))
        if own != ([before] if before else []):
            expected = before or "none of its own"
            yield f"{file.relative_to(source)}: depends on {', '.join(own) or 'none of its own'}, expected {expected}"
        before = file.stem


def _dependencies(tree: ast.Module, label: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "dependencies":
            for pair in ast.walk(node.value):
                if isinstance(pair, ast.Tuple) and all(isinstance(part, ast.Constant) for part in pair.elts):
                    app, name = ast.literal_eval(pair)
                    if app == label:
                        yield name


def _files(folder: Path) -> list[Path]:
    """Every file somebody wrote."""
    found = (file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file())
    return [folder / file for file in found if not any(p == "__pycache__" or p.startswith(".") for p in file.parts)]


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _length(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _imported(node: ast.AST) -> list[str]:
    """Modules a node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
