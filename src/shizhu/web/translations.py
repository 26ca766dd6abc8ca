"""Compile .po to .mo with polib: no gettext programs needed."""

from __future__ import annotations

from pathlib import Path

import polib

FOLDER = Path(__file__).parent / "locale"


def compile_all() -> None:
    """Compile every .po that is newer than its .mo."""
    for source in FOLDER.glob("*/LC_MESSAGES/django.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            polib.pofile(str(source)).save_as_mofile(str(target))
