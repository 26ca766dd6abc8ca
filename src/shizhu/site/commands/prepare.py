"""`shizhu prepare`: database, packs, county, streams and demo are what this version says. Idempotent."""

from __future__ import annotations

import argparse
import importlib
import os

import django


def options(parser: argparse.ArgumentParser) -> None:
    """No options."""


def main(options: argparse.Namespace) -> int:  # same shape for every verb
    """Prepare; prints `first-password …` if an administrator was made."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    importlib.import_module("shizhu.web.translations").compile_all()
    django.setup(set_prefix=False)
    preparation = importlib.import_module("shizhu.site.preparation")
    password = preparation.prepare()
    if password:
        print(f"first-password {password}", flush=True)
    return 0
