"""Every text of ours has a Chinese one, and nothing in the file of translations is left over or doubtful."""

from __future__ import annotations

import re

import polib

from shizhu.web import translations

PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]")


def entries() -> list[polib.POEntry]:
    return list(polib.pofile(str(translations.CHINESE)))


def test_every_message_has_a_chinese_text() -> None:
    assert translations.missing() == []


def test_no_text_is_empty_doubtful_or_the_english_one() -> None:
    wrong = [
        entry.msgid
        for entry in entries()
        if not (entry.msgstr or all(entry.msgstr_plural.values())) or entry.fuzzy or entry.obsolete
    ]
    assert wrong == []
    same = [entry.msgid for entry in entries() if entry.msgstr == entry.msgid]
    assert same == []


def test_no_translation_is_left_over() -> None:
    used = {text for text, _file in translations.messages()}
    assert [entry.msgid for entry in entries() if entry.msgid not in used] == []


def test_no_message_stands_twice() -> None:
    known = [entry.msgid for entry in entries()]
    assert sorted({text for text in known if known.count(text) > 1}) == []


def test_what_is_filled_in_is_the_same_in_both_languages() -> None:
    said = {e.msgid: e.msgstr or e.msgstr_plural[0] for e in entries()}
    differ = [text for text in said if sorted(PLACES.findall(text)) != sorted(PLACES.findall(said[text]))]
    assert differ == []


def test_templates_translate_whole_texts_only() -> None:
    """A variable cannot be collected; what varies is translated where it is written."""
    found = []
    for file in translations.SOURCE.rglob("*.html"):
        found += [
            f"{file.name}: {tag}" for tag in re.findall(r"{%\s*translate\s+[^\"'][^%]*%}", file.read_text("utf-8"))
        ]
    assert found == []
