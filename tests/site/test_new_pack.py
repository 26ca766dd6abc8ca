"""`shizhu new-pack` makes a pack that passes every check untouched; `shizhu schema` prints a register's JSON Schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.stack.stack import SHIZHU

from shizhu.kernel import packs
from shizhu.kernel.testing import PackTests
from shizhu.site.commands.new_pack import FILES


def shizhu(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SHIZHU, *words], capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(autouse=True, scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    into = tmp_path_factory.mktemp("packs")
    assert shizhu("new-pack", "fish_farm", "--zh", "渔业", "--en", "Fishery", "--into", into).returncode == 0
    TestFishFarm.folder = into / "fish_farm"
    yield into / "fish_farm"
    packs.forget()


class TestFishFarm(PackTests):
    pass


def test_it_has_the_files_it_tells_of(made: Path) -> None:
    assert sorted(str(file.relative_to(made)) for file in made.rglob("*") if file.is_file()) == sorted(FILES)
    assert [file for file in made.rglob("*") if file.is_file() and "@" in file.read_text()] == []
    checked = shizhu("packcheck", made)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Fish"], "the name 'Fish' is not small letters, digits and _, a letter first: choose another"),
        (["fish", "--zh", "渔: 业"], "the name '渔: 业' has signs in it"),
        (["fish_farm"], "is there already: choose another name"),
    ],
)
def test_a_name_that_cannot_be_makes_nothing(made: Path, words: list[str], said: str) -> None:
    before = sorted(made.parent.rglob("*"))
    refused = shizhu("new-pack", *words, "--into", made.parent)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert sorted(made.parent.rglob("*")) == before


def test_the_schema_of_a_register() -> None:
    schema = json.loads(shizhu("schema", "rivers.reach").stdout)
    Draft202012Validator.check_schema(schema)
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert schema["properties"]["code"]["pattern"] == "^R[0-9]{6}$"


def test_a_register_nobody_declares() -> None:
    refused = shizhu("schema", "rivers.lake")
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        2, "", "shizhu: no pack declares the register rivers.lake: it is <pack>.<file>, such as rivers.reach\n",
    )  # fmt: skip
