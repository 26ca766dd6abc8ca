"""What loudspeakers say of the warnings of the pack emergency: of what, and what to do, whatever else is not known."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from shizhu.engines.alarms.logic import warnings
from shizhu.lib import speech

FOLDER = Path(__file__).parents[2] / "src/shizhu/packs/emergency/warnings"
KNOWN = {"areas": "三河镇", "expires": "十一月三十号上午六点三十五分"}


@pytest.mark.parametrize("places", ["", "中益沟口"])
@pytest.mark.parametrize(
    ("kind", "level", "parts"),
    [
        ("flash_flood", "orange", ("三河镇的乡亲们请注意，可能发山洪", "准备转移")),
        ("flash_flood", "red", ("三河镇的乡亲们请注意，山洪要来了", "危险区的人现在就走")),
        ("rainstorm", "yellow", ("三河镇的乡亲们请注意，暴雨来了", "准备转移")),
        ("rainstorm", "orange", ("三河镇的乡亲们请注意，大暴雨来了", "现在就转移")),
    ],
)
def test_loudspeakers_say_of_what_and_what_to_do(kind: str, level: str, parts: tuple[str, ...], places: str) -> None:
    said = yaml.safe_load((FOLDER / f"{kind}.yaml").read_text(encoding="utf-8"))["spoken"]
    text = warnings.filled(said.get(level, said["words"]), {**KNOWN, "places": places})
    assert [part for part in parts if part not in text] == []
    assert ("{" in text, "，。" in text, speech.seconds(text) <= said["seconds"]) == (False, False, True)
