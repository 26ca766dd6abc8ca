"""The colours keep their promises: contrast by WCAG 2.2, and told apart with every kind of colour vision."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.kernel.models import County
from shizhu.web import design

STYLES = Path(__file__).parents[2] / "frontend/src"
VISIONS = {  # Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
GROUPS = (
    ([f"{level}-fill" for level in design.LEVELS], 18),
    (list(design.LEVELS), 10),
    (list(design.SERIES), 12),
)


def lab(colour: str, vision: str) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of a colour as somebody with that vision sees it."""
    light = design.linear(colour)
    seen = [min(1, max(0, sum(row[i] * light[i] for i in range(3)))) for row in VISIONS[vision]]
    rows = ((0.4124, 0.3576, 0.1805, 0.95047), (0.2126, 0.7152, 0.0722, 1.0), (0.0193, 0.1192, 0.9505, 1.08883))
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (sum(p * s for p, s in zip(row, seen, strict=False)) / row[3] for row in rows)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", design.THEMES)
def test_text_and_marks_can_be_read_on_their_grounds(theme: str) -> None:
    assert design.contrast("#000000", "#ffffff") == 21
    weak = [
        (one["pair"].front, one["pair"].back, round(one["ratio"], 2))
        for one in design.measured(theme)
        if one["ratio"] < one["pair"].least
    ]
    assert weak == []


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", design.THEMES)
def test_levels_and_series_are_told_apart(theme: str, vision: str) -> None:
    known, near = design.colours(theme), []
    for names, least in GROUPS:
        for one, other in itertools.combinations(names, 2):
            apart = math.dist(lab(known[one], vision), lab(known[other], vision))
            if apart < least:
                near.append((one, other, round(apart, 1)))
    assert near == []


def test_both_themes_have_the_same_tokens() -> None:
    assert design.tokens()["light"].keys() == design.tokens()["dark"].keys()


def test_styles_use_tokens_that_exist_and_no_colour_of_their_own() -> None:
    known = set().union(*design.tokens().values())
    files = [*STYLES.glob("*.css"), *STYLES.glob("styles/*.css")]
    texts = {file.name: re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.DOTALL) for file in files}
    lost = {(name, used) for name, text in texts.items() for used in re.findall(r"var\(--sz-([a-z0-9-]+)\)", text)}
    assert sorted((name, used) for name, used in lost if used not in known) == []
    own = {name: re.findall(r"#[0-9a-f]{6}\b", text) for name, text in texts.items() if name != "tokens.css"}
    assert {name: found for name, found in own.items() if found} == {}


@pytest.mark.django_db
def test_the_page_shows_every_token_and_icon(county: County) -> None:
    page = browser(person(county, "maps.map.view")).get("/design").content.decode()
    for theme in design.THEMES:
        assert [name for name in design.colours(theme) if f"--sz-{name}" not in page] == []
    for pair in design.PAIRS:
        assert f"{pair.front} / {pair.back}" in page
    assert {f"level-{level}" for level in design.LEVELS} <= set(re.findall(r"level-[a-z]+", page))
