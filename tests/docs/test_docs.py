"""The documents name all there is, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shizhu.kernel import packs
from shizhu.site import config, packchecks
from shizhu.site.cli import VERBS

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs/how-to"
SKIPPED = {".venv", "node_modules", "var"}
READMES = ("README.md", "README.zh-CN.md")
ENGINES = ROOT / "src/shizhu/engines"
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Every Markdown file of the repository."""
    found = (file.relative_to(ROOT) for file in ROOT.rglob("*.md"))
    return sorted(file for file in found if not SKIPPED.intersection(file.parts))


def text(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text(encoding="utf-8")


def headings(name: str, level: int) -> list[str]:
    """Headings of a level, code left out."""
    return re.findall(rf"^{'#' * level} (.+)$", CODE.sub("", text(name)), re.MULTILINE)


def rows(name: str) -> list[list[str]]:
    """Cells of every table row below a head."""
    lines = [line for line in CODE.sub("", text(name)).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {number - 1 for number, line in enumerate(cells) if set(line[0]) <= {"-"}}
    return [row for number, row in enumerate(cells) if number not in heads and not set(row[0]) <= {"-"}]


@pytest.mark.parametrize("name", [*READMES, "docs/how-to/operate.md"])
def test_every_setting_is_in_the_table(name: str) -> None:
    read = set(re.findall(r"\"(SHIZHU_[A-Z0-9_]+|[A-Z]+_URL)\"", Path(config.__file__).read_text(encoding="utf-8")))
    first = [row[0].strip("`") for row in rows(name)]
    told = [cell for cell in first if re.fullmatch(r"SHIZHU_[A-Z0-9_]+|[A-Z]+_URL", cell)]
    assert sorted(told) == sorted(read)


def test_every_verb_has_a_heading() -> None:
    told = [found.removeprefix("shizhu ") for found in headings("docs/how-to/operate.md", 3)]
    assert sorted(told) == sorted(VERBS)


def test_every_kind_of_declaration_has_a_heading() -> None:
    found = [re.fullmatch(r"`([a-z]+)/`", heading) for heading in headings("docs/how-to/write-a-pack.md", 2)]
    assert sorted(match[1] for match in found if match) == sorted(packs.kinds())


def test_the_pack_of_the_how_to_is_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "lemonade"
    block = r"^```(?:yaml|xml)\n(?:# |<!-- )(\S+)(?: -->)?\n(.*?)^```$"
    for name, body in re.findall(block, text("docs/how-to/write-a-pack.md"), re.MULTILINE | re.DOTALL):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body, encoding="utf-8")
    pack = packs.read(folder)
    assert {item.kind for item in pack.declared} == set(packs.kinds())
    assert packs.problems(pack, {"lemonade": pack}) + list(packchecks.of_pack(pack)) == []


def test_every_relative_link_leads_somewhere() -> None:
    lost = []
    for name in documents():
        for link in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", text(str(name)))):
            target = link.partition("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            place = (ROOT / name).parent / target
            if not place.exists():
                lost.append(f"{name}: {link}")
    assert lost == []


def test_every_word_of_the_glossary_is_in_both_languages() -> None:
    odd = [row for row in rows("docs/glossary.md") if len(row) != 4 or not all(row)]
    odd += [row for row in rows("docs/glossary.md") if not re.search(r"[a-z]", row[0], re.IGNORECASE)]
    odd += [row for row in rows("docs/glossary.md") if not re.search(r"[\u4e00-\u9fff]", row[1])]
    assert odd == []


def test_no_word_of_the_glossary_comes_twice() -> None:
    english = [row[0] for row in rows("docs/glossary.md")]
    assert sorted(english) == sorted(set(english))


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = READMES
    for level in (1, 2, 3):
        assert len(headings(english, level)) == len(headings(chinese, level))
    code = [CODE.findall(text(name)) for name in READMES]
    assert [len(found) for found in code] == [len(code[0])] * 2
    assert [len(text(name).splitlines()) <= 150 for name in READMES] == [True, True]


def test_every_engine_and_pack_has_a_readme() -> None:
    folders = [file.parent for file in [*ENGINES.glob("*/api.py"), *packs.BUNDLED.glob("*/pack.yaml")]]
    assert [folder.name for folder in folders if not (folder / "README.md").exists()] == []


@pytest.mark.parametrize("engine", sorted(file.parent.name for file in ENGINES.glob("*/api.py")))
def test_a_readme_of_an_engine_says_what_it_must(engine: str) -> None:
    found = re.findall(r"^\*\*(Nouns|Door|Never knows)", text(f"src/shizhu/engines/{engine}/README.md"), re.MULTILINE)
    assert found == ["Nouns", "Door", "Never knows"]


def test_every_decision_is_numbered_short_and_whole() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [file.name[:4] for file in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    for number, file in enumerate(files, 1):
        body = file.read_text(encoding="utf-8")
        assert (body.startswith(f"# {number}. "), len(body.splitlines()) <= 25) == (True, True), file.name
        assert re.findall(r"^\*\*(\w+)\*\*", body, re.MULTILINE) == ["Found", "Decided", "Cost"], file.name


def test_the_changes_have_their_four_parts() -> None:
    assert headings("CHANGELOG.md", 3) == ["Added", "Changed", "Fixed", "Upgrade"] * len(headings("CHANGELOG.md", 2))
