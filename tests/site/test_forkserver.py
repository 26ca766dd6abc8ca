"""What the process does that each role is forked from, before it imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import pathlib, sys
from shizhu.web import translations
translations.FOLDER = pathlib.Path(sys.argv[1])
from shizhu.site import forkserver
forkserver.main()
"""
TEXTS = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Log in"\nmsgstr "登录"\n'


def test_translations_are_compiled_before_django_reads_them(tmp_path: Path) -> None:
    """A clone has none at first. Here Django cannot be imported: whatever is done without it came before."""
    (tmp_path / "django.py").write_text("raise ImportError('too early')\n")
    folder = tmp_path / "zh_Hans/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(TEXTS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr.endswith("ImportError: too early\n")
    assert sorted(file.name for file in folder.iterdir()) == ["django.mo", "django.po"]
