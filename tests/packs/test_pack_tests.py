"""The checks that packs get for free hold for the toy pack, and each fails for a pack that is broken in its way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures import TOY

from shizhu.kernel import packs, testing
from shizhu.kernel.testing import PackTests

Slip = tuple[str, str, str]  # file, text in it, text instead
Broken = Callable[..., PackTests]


class TestLemonade(PackTests):
    folder = TOY


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """The checks of a copy of the toy pack with slips."""

    def make(*slips: Slip) -> PackTests:
        folder = tmp_path / "lemonade"
        shutil.copytree(TOY, folder)
        for name, old, new in slips:
            text = (folder / name).read_text(encoding="utf-8")
            assert old in text
            (folder / name).write_text(text.replace(old, new), encoding="utf-8")
        checks = PackTests()
        checks.folder = folder
        return checks

    return make


FOLLOWS = {  # what another file has to say of a slip
    "lemonade.grower": [
        "lemonade/indexes/growers.yaml: groups.all.items.shaded.indicator: lemonade.stall.grower: names no row of "
        "lemonade.grower"
    ]
}


def told(check: Callable[..., None], *given: None) -> list[str]:
    """The lines of a check that fails."""
    with pytest.raises(AssertionError) as caught:
        check(*given)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("pack.yaml", "version: 0.1.0", "version: one", "pack.yaml: $.version: 'one' does not match"),
        ("pack.yaml", ", en: Lemonade stand", "", "pack.yaml: $.name: 'en' is a required property"),
        ("things/jug.yaml", "unit: cm", "unit: 厘米", "things/jug.yaml: properties.level.unit: 厘米: is no UCUM code"),
        ("things/jug.yaml", "[0, 40]", "[40, 0]", "things/jug.yaml: properties.level.range: [40, 0]: the lowest must"),
        ("things/jug.yaml", "shown: [temp", "shown: [colour, temp", "things/jug.yaml: shown: colour: is none of"),
        ("registers/stall.yaml", "lemonade.grower", "lemonade.farmer", "registers/stall.yaml: grower: the field"),
        ("rules/too_warm.yaml", "lemonade.jug", "lemonade.mug", "rules/too_warm.yaml: when.profile: lemonade.mug: no"),
        (
            "rules/nearly_empty.yaml",
            "lemonade.order",
            "lemonade.cup",
            "rules/nearly_empty.yaml: starts: lemonade.cup: no",
        ),
        (
            "rules/too_warm.yaml",
            "31 x 9min",
            "31 x 19min",
            "rules/too_warm.yaml: example 'a short peak': expected none",
        ),
        (
            "flows/order.bpmn",
            'maker" camunda:formKey',
            'mixer" camunda:formKey',
            "flows/order.bpmn: make: lemonade.mixer: the pack decl",
        ),
        (
            "flows/bulk.bpmn",
            '"lemonade.offer"',
            '"lemonade.gift"',
            "flows/bulk.bpmn: price: lemonade.gift: no pack declare",
        ),
        ("decisions/offer.dmn", '"FIRST"', '"BEST"', "decisions/offer.dmn: 优惠: 'BEST' is no hit policy"),
        ("flows/order.bpmn", 'sourceRef="taste"', 'sourceRef="spit"', "flows/order.bpmn: f3"),
        ("layers/jugs.yaml", "lemonade.jug", "lemonade.mug", "layers/jugs.yaml: of: lemonade.mug: the pack declares"),
        ("layers/jugs.yaml", "source: things", "source: magic", "layers/jugs.yaml: source: magic: known are"),
        (
            "indicators/shaded_stalls.yaml",
            "expect: 25",
            "expect: 26",
            "indicators/shaded_stalls.yaml: example: expected 26, but",
        ),
        (
            "indicators/shaded_stalls.yaml",
            "count: records, of: lemonade.stall, where: is_shaded = TRUE",
            "count: indicators, of: lemonade.shaded_stalls",
            "indicators/shaded_stalls.yaml: inputs: the indicators take each other in, in a circle",
        ),
    ],
)
def test_a_wrong_file_is_named(broken: Broken, file: str, old: str, new: str, line: str) -> None:
    (first, *rest) = told(broken((file, old, new)).test_its_files_are_right)
    assert first[: len(line) + 9] == f"lemonade/{line}"
    assert [other for other in rest if not other.startswith(f"lemonade/{file}: ")] == FOLLOWS.get(old, [])


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("forms/taste.yaml", "en: Is it good", "en: ''", "forms/taste.yaml.properties.good.x-title: has no text in en"),
        ("rules/too_warm.yaml", "zh: 加冰。, ", "", "rules/too_warm.yaml.advice: has no text in zh"),
    ],
)
def test_a_name_in_one_language_is_named(broken: Broken, file: str, old: str, new: str, line: str) -> None:
    assert told(broken((file, old, new)).test_its_names_are_in_two_languages) == [f"lemonade/{line}"]


SLIPS = [
    ("registers/grower.yaml", "title: { zh: 名称, en: Name }", "title: 名称"),
    ("registers/stall.yaml", "cart: { zh: 推车, en: Cart }, ", ""),
    ("flows/order.bpmn", 'value="Taste"', 'value="品尝"'),
    ("forms/make.yaml", "some: { zh: 微糖, en: some }", "much: { zh: 多糖, en: much }"),
    ("indicators/shaded_stalls.yaml", "is_shaded = TRUE", "is_shady = TRUE"),
    ("layers/orders.yaml", "of: lemonade.order", "of: lemonade.make"),
]


def test_all_that_does_not_work_is_named(broken: Broken, db: None) -> None:
    lines = told(broken(*SLIPS).test_what_it_declares_works, None)
    assert [line.partition("; there are")[0] for line in lines] == [
        "lemonade.grower: name: must have a name in zh and en",
        "lemonade.stall: kind.cart: must have a name in zh and en",
        "lemonade.orders: shows nothing of the samples that the pack's declarations made",
        "lemonade.order: taste: must have a name, and an English one as its property `en`",
        "lemonade.make: sugar: x-choices: much, some: must name what enum has, and nothing else",
        "lemonade.shaded_stalls: inputs.shaded: is_shady: there is no such property",
    ]


@pytest.mark.parametrize(
    ("slip", "line"),
    [
        (
            ("registers/grower.yaml", ", examples: [G001]", ""),
            "lemonade.grower: a row of made-up values is refused (code: 样: has the wrong form);"
            " give `examples` for what a pattern or check wants",
        ),
        (
            ("flows/order.bpmn", "answers.taste.good = true", "answers.taste.good = false"),
            "lemonade.order: is not closed after 20 tasks, each answered with yes and the first choice",
        ),
        (
            ("flows/order.bpmn", "answers.taste.good = true", "answers.taste.sweet"),
            "lemonade.order: yes: 'answers.taste.sweet' must be true or false, it is null",
        ),
    ],
)
def test_what_cannot_go_on_is_named(broken: Broken, slip: Slip, line: str, db: None) -> None:
    assert told(broken(slip).test_what_it_declares_works, None) == [line]


@pytest.fixture
def ajar(monkeypatch: pytest.MonkeyPatch) -> PackTests:
    """The checks of the toy pack, with rules that are said to be shut but are seen by everybody on the home page."""
    checks = TestLemonade()
    checks.pack  # noqa: B018  # engines have named their doors
    shut = testing.Door(lambda key: f"/?{key}", lambda _who, key: key != "lemonade.too_warm")
    monkeypatch.setattr(testing, "_doors", {"rules": shut})
    return checks


def test_a_door_that_stands_ajar_is_named(ajar: PackTests, db: None) -> None:
    assert told(ajar.test_right_roles_get_in_and_others_do_not, None) == [
        f"lemonade.too_warm: /?lemonade.too_warm answers {name} with 200, expected 403"
        for name in ("trial.root", "stranger", "lemonade.maker", "lemonade.taster")
    ]


def test_what_is_seen_of_a_pack_that_is_off_is_named(ajar: PackTests, db: None) -> None:
    assert told(ajar.test_switched_off_nothing_of_it_is_seen, None) == [
        "lemonade.nearly_empty: /?lemonade.nearly_empty answers with 200, expected 404",
        "lemonade.too_warm: /?lemonade.too_warm answers with 200, expected 404",
    ]


def test_a_sync_that_finds_changes_again_is_named(db: None) -> None:
    checks = TestLemonade()
    packs.sync([checks.pack])
    assert told(checks.test_synced_twice_nothing_changes, None) == ["lemonade: 0 rows changed, then 0"]
