"""Each rule of packcheck finds its own kind of slip in a small house, exactly there, and nothing in a good one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.fixtures import TOY

from shizhu.kernel import packs
from shizhu.site import packchecks

MIGRATION = "class Migration:\n    dependencies = [{}]\n"
HOUSE = {
    "engines/stand/README.md": "# stand\n",
    "engines/kitchen/README.md": "# kitchen\n",
    "engines/stand/templates/stand/list.html": '{% extends "shizhu/base.html" %}{% include "stand/cup.html" %}\n',
    "engines/stand/api.py": '"""The door."""\n\n__all__ = []\n',
    "engines/stand/models.py": 'from django.db import models\n\narea = models.ForeignKey("kernel.Area", None)\n',
    "engines/stand/migrations/0001_first.py": MIGRATION.format('("kernel", "0003_last")'),
    "engines/stand/migrations/0002_more.py": MIGRATION.format('("stand", "0001_first")'),
    "engines/kitchen/api.py": '"""The door."""\n\n__all__ = []\nOWN = "SELECT FROM kitchen_cup"\n',
    "site/urls.py": 'include("shizhu.engines.stand.http.urls")\n',
    "site/cli.py": "importlib.import_module(verb)\n",
}
PACK = {
    "pack.yaml": "id: cups\nname: { zh: 杯子, en: Cups }\nversion: 0.1.0\nengines: [records]\n",
    "__init__.py": '"""Cups."""\n',
    "logic.py": '"""Sums."""\nimport math\n\nfrom shizhu.lib import checks\n',
    "demo/cups.csv": "code,size\n" + "C1,2\n" * 30,
    "tests/test_pack.py": "import django\n",
    "registers/cup.yaml": "title: 杯子\n",
}


def build(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def in_house(tmp_path: Path, changes: dict[str, str]) -> list[str]:
    return list(packchecks.of_source(build(tmp_path, {**HOUSE, **changes})))


def in_pack(tmp_path: Path, changes: dict[str, str]) -> list[str]:
    pack = packs.read(build(tmp_path, {**PACK, **changes}))
    return [*packchecks.of_pack(pack), *packchecks.rights_of_pack(pack, [pack])]


def test_a_good_house_and_a_good_pack_pass(tmp_path: Path) -> None:
    assert in_house(tmp_path / "house", {}) == []
    assert in_pack(tmp_path / "cups", {}) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("engines/stand/api.py", "__all__ = []\n", "engines/stand/api.py: has no docstring"),
        ("engines/stand/api.py", '"""The door."""\n', "engines/stand/api.py: has no __all__"),
        (
            "engines/stand/api.py",
            '"""The door."""\n__all__ = []\n' + "\n" * 399,
            "engines/stand/api.py: 401 lines, at most 400 for a door",
        ),
        (
            "engines/stand/templates/stand/list.html",
            "{% include 'kitchen/cup.html' %}",
            "engines/stand/templates/stand/list.html: takes a part of the pages of kitchen; parts for all lie in web",
        ),
        ("engines/sink/api.py", HOUSE["engines/stand/api.py"], "engines/sink: has no README.md"),
        ("kernel/long.py", "\n" * 801, "kernel/long.py: 801 lines, at most 800; split it"),
        (
            "engines/stand/models.py",
            'models.ForeignKey("kitchen.Cup", None)\n',
            "engines/stand/models.py:1: reaches past the door of kitchen",
        ),
        (
            "kernel/models.py",
            '\nmodels.ManyToManyField(to="kitchen.Cup")\n',
            "kernel/models.py:2: reaches past the door of kitchen",
        ),
        ("web/a.py", 'apps.get_model("stand", "Order")\n', "web/a.py:1: reaches past the door of stand"),
        (
            "engines/stand/queries.py",
            'SQL = """SELECT 1 FROM stand_order\nJOIN kitchen_cup"""\n',
            "engines/stand/queries.py:1: reaches past the door of kitchen",
        ),
        (
            "site/commands/wash.py",
            'importlib.import_module("shizhu.engines.kitchen.washing")\n',
            "site/commands/wash.py:1: reaches past the door of kitchen",
        ),
        (
            "engines/stand/urls.py",
            'include("shizhu.engines.kitchen.http.urls")\n',
            "engines/stand/urls.py:1: reaches past the door of kitchen",
        ),
        (
            "engines/stand/late.py",
            "import importlib\n\nimportlib.import_module(name)\n",
            "engines/stand/late.py:3: imports by name, which import rules do not see",
        ),
        ("web/late.py", '__import__("os")\n', "web/late.py:1: imports by name, which import rules do not see"),
        (
            "engines/stand/migrations/0003_fork.py",
            MIGRATION.format('("stand", "0001_first")'),
            "engines/stand/migrations/0003_fork.py: depends on 0001_first, expected 0002_more",
        ),
        (
            "engines/stand/migrations/0001_first.py",
            MIGRATION.format('("stand", "0002_more")'),
            "engines/stand/migrations/0001_first.py: depends on 0002_more, expected none of its own",
        ),
    ],
)
def test_a_slip_in_a_room_is_named(tmp_path: Path, name: str, text: str, line: str) -> None:
    assert in_house(tmp_path, {name: text}) == [line]


def test_a_door_may_be_named_and_generated_files_may_be_long(tmp_path: Path) -> None:
    fine = {
        "site/commands/wash.py": 'importlib.import_module("shizhu.engines.kitchen.api")\n',
        "site/settings.py": 'APPS = ["shizhu.engines.kitchen"]\n',
        "web/static/build/map.json": "\n" * 2000,
        "web/locale/django.po": "\n" * 2000,
    }
    assert in_house(tmp_path, fine) == []


def test_a_domain_word_in_an_engine_is_named(tmp_path: Path) -> None:
    build(tmp_path, {**HOUSE, "engines/stand/templates/stand/a.html": "<p>LEMONS</p>", "web/a.html": "lemons"})
    pack = packs.LoadedPack("lemonade", TOY, {"vocabulary": ["lemons", "柠檬"]}, ())
    assert list(packchecks.of_source(tmp_path, [pack])) == [
        "engines/stand/templates/stand/a.html: contains 'lemons', a word of the pack lemonade"
    ]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "pack.yaml",
            PACK["pack.yaml"].replace("records", "records, kettle"),
            "cups/pack.yaml: engines: kettle: there is no such engine",
        ),
        (
            "pack.yaml",
            PACK["pack.yaml"]
            + "roles: { washer: { name: { zh: 洗, en: Wash }, verbs: [kitchen.cup.wash, records.*] } }\n",
            "cups/pack.yaml: roles.washer: kitchen.cup.wash: there is no such engine",
        ),
        (
            "pack.yaml",
            PACK["pack.yaml"]
            + "roles: { washer: { name: { zh: 洗, en: Wash }, verbs: [records.cups.cup.veiw, records.*.*.view] } }\n",
            "cups/pack.yaml: roles.washer: records.cups.cup.veiw: nobody asks for this verb; near are "
            "records.cups.cup.view, records.cups.cup.review, records.cups.cup.edit",
        ),
        ("registers/cup.yml", "title: 杯子\n", "cups/registers/cup.yml: nobody reads it; registers/ holds *.yaml"),
        ("registers/old/cup.yaml", "", "cups/registers/old/cup.yaml: nobody reads it; registers/ holds *.yaml"),
        ("views.py", "", "cups/views.py: a pack's code is logic.py and demo/*.py; an engine lacks a feature"),
        ("demo/a/b.py", "", "cups/demo/a/b.py: a pack's code is logic.py and demo/*.py; an engine lacks a feature"),
        (
            "logic.py",
            "\nimport django.db\n",
            "cups/logic.py:2: imports django.db; a pack's code is pure, shizhu.lib may help it",
        ),
        (
            "demo/pump.py",
            "from shizhu.kernel import packs\n",
            "cups/demo/pump.py:1: imports shizhu.kernel; a pack's code is pure, shizhu.lib may help it",
        ),
        (
            "logic.py",
            "import socket\n",
            "cups/logic.py:1: imports socket; a pack's code is pure, shizhu.lib may help it",
        ),
        ("logic.py", "\n" * 12, "cups: 73% of its lines are declarations and data, at least 80%"),
    ],
)
def test_a_slip_in_a_pack_is_named(tmp_path: Path, name: str, text: str, line: str) -> None:
    assert in_pack(tmp_path, {name: text}) == [line]


def test_a_pack_with_code_needs_its_init_file_and_stays_small(tmp_path: Path) -> None:
    build(tmp_path, {**PACK, "demo/cups.csv": "\n" * 2000, "demo/pump.py": "\n" * 400})
    (tmp_path / "__init__.py").unlink()
    assert list(packchecks.of_pack(packs.read(tmp_path))) == [
        "cups/__init__.py: is missing; without it import rules do not see the pack's code",
        "cups: 404 lines of Python, at most 400; an engine lacks a feature",
    ]


def test_engines_are_tested_without_any_pack() -> None:
    named = re.compile(r"shizhu[./]packs\b|\bread_all\b|\bfolders\(|\bcounties\b|\b(rivers|ecology|innovation)\.")
    engines = Path(__file__).parents[1] / "engines"
    found = [
        f"{file.relative_to(engines)}:{number}"
        for file in sorted(engines.rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if named.search(line)
    ]
    assert found == []
