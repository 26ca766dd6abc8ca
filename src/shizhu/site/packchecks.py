"""What packcheck looks for beyond each pack's own schemas: words, doors and files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import shizhu
from shizhu.kernel import packs

SOURCE = Path(shizhu.__file__).parent
MOST_PYTHON_LINES = 400


def all_problems(extra: Iterable[str] = ()) -> list[str]:
    """Every problem of every pack and engine, one line each."""
    loaded = packs.read_all(Path(folder) for folder in extra)
    found = [line for pack in loaded.values() for line in packs.problems(pack, loaded)]
    for pack in loaded.values():
        found += python_of_pack(pack)
        found += engines_of_pack(pack)
    found += vocabulary(loaded.values())
    found += string_doors()
    return found


def python_of_pack(pack: packs.LoadedPack) -> Iterator[str]:
    """A pack has at most one module, pure, and small."""
    logic = pack.folder / "logic.py"
    if not logic.exists():
        return
    text = logic.read_text(encoding="utf-8")
    if text.count("\n") > MOST_PYTHON_LINES:
        yield f"{pack.id}/logic.py: more than {MOST_PYTHON_LINES} lines; an engine lacks a feature"
    for node in ast.walk(ast.parse(text)):
        for name in imported(node):
            if name.startswith("shizhu.") and not name.startswith("shizhu.lib"):
                yield f"{pack.id}/logic.py:{node.lineno}: imports {name}; a pack's logic may import shizhu.lib alone"  # type: ignore[attr-defined]  # imports have lines


def imported(node: ast.AST) -> list[str]:
    """Modules a node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def engines_of_pack(pack: packs.LoadedPack) -> Iterator[str]:
    """The engines that pack.yaml names exist."""
    for engine in pack.body.get("engines", []):
        if not (SOURCE / "engines" / engine / "api.py").exists():
            yield f"{pack.id}/pack.yaml: engines: {engine}: there is no such engine"


def vocabulary(loaded: Iterable[packs.LoadedPack]) -> Iterator[str]:
    """No engine contains a word of a domain."""
    for pack in loaded:
        for word in pack.body.get("vocabulary", []):
            pattern = re.compile(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word), re.IGNORECASE)
            for file in sorted((SOURCE / "engines").rglob("*")):
                if file.suffix in {".py", ".html", ".json"} and pattern.search(file.read_text(encoding="utf-8")):
                    yield f"{file.relative_to(SOURCE)}: contains {word!r}, a word of the pack {pack.id}"


def string_doors() -> Iterator[str]:
    """No engine reaches another's tables by a string foreign key or get_model."""
    for file in sorted((SOURCE / "engines").rglob("*.py")):
        engine = file.relative_to(SOURCE / "engines").parts[0]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {
                "ForeignKey",
                "ManyToManyField",
                "get_model",
            }:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    label = first.value.split(".")[0]
                    if "." in first.value and label not in {engine, "kernel"}:
                        yield f"engines/{file.name}:{node.lineno}: {first.value!r} reaches past the door of {label}"
