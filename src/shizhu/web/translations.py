"""Translation files without the gettext programs: compile them, and collect what has to be translated."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import polib

FOLDER = Path(__file__).parent / "locale"
SOURCE = Path(__file__).parents[1]
CHINESE = FOLDER / "zh_Hans/LC_MESSAGES/django.po"
_TAG = re.compile(r"""\{%\s*translate\s+(?:"([^"]*)"|'([^']*)')""")
_FUNCTIONS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}


def compile_all() -> None:
    """Compile every .po that is newer than its .mo."""
    for source in FOLDER.glob("*/LC_MESSAGES/django.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            part = target.with_suffix(f".{os.getpid()}.mo")  # several processes start at once
            polib.pofile(str(source)).save_as_mofile(str(part))
            part.replace(target)


def messages(root: Path = SOURCE) -> Iterator[tuple[str, str]]:
    """(msgid, file) of everything marked for translation under `root`."""
    for file in sorted(root.rglob("*.html")):
        for double, single in _TAG.findall(file.read_text(encoding="utf-8")):
            yield double or single, str(file.relative_to(root))
    for file in sorted(root.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "gettext" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _FUNCTIONS and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        yield first.value, str(file.relative_to(root))


def missing() -> list[tuple[str, str]]:
    """Messages without a Chinese text, with the file that has them."""
    known = (
        {entry.msgid for entry in polib.pofile(str(CHINESE)) if entry.msgstr or entry.msgstr_plural}
        if CHINESE.exists()
        else set()
    )
    return sorted({(text, file) for text, file in messages() if text not in known})
