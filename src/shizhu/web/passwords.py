"""Rules for passwords whose words Django has in English only, or with names of its own columns."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class LongEnough(password_validation.MinimumLengthValidator):
    """At least `min_length` characters."""

    def get_error_message(self) -> str:
        """What is wrong with it."""
        return _("The password is too short: at least %s characters.") % self.min_length


class NotLikeThePerson(password_validation.UserAttributeSimilarityValidator):
    """Not the person's names."""

    def __init__(self) -> None:
        super().__init__(("username", "name"))

    def get_error_message(self) -> str:
        """What is wrong with it."""
        return _("The password is too much like the user name or the name.")


class NotEasy:
    """Not what people in China choose most, nor a run of keys, nor one of these with a number behind or before.

    The list is our own, from what published studies of leaked Chinese passwords agree on: pinyin of love and luck,
    numbers that sound like them, names, keyboard runs.
    """

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for an easy one."""
        lowered = password.lower()
        core = lowered.strip(_EDGES)
        cores = {lowered, core, core.translate(_LEET)}
        own = {part for part in (getattr(user, "username", ""), _pinyin(user)) if len(part) >= 3}
        is_easy = (
            len(set(lowered)) < 5
            or any(core in _easy() or _is_run(core) for core in cores)
            or any(_made_of(core, _easy() | own) for core in cores)
        )
        if is_easy:
            raise ValidationError(_("The password is easy to guess: a word, name or number that many people use."))

    def get_help_text(self) -> str:
        """For forms."""
        return ""


_EDGES = "0123456789!@#$%^&*()_+-=.,?~ "
_LEET = str.maketrans("013457@$!", "oieastasi")
_RUNS = (
    "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "qazwsxedcrfvtgbyhnujm",
    "abcdefghijklmnopqrstuvwxyz", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "a1b2c3d4e5f6", "147258369",
    "!@#$%^&*()",
)  # fmt: skip


def _pinyin(user: object) -> str:
    from shizhu.kernel.text import sort_key  # noqa: PLC0415  # pypinyin is heavy, passwords are set seldom

    return re.sub(r"[^a-z]", "", sort_key(str(getattr(user, "name", ""))).lower())


@cache
def _easy() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "easy_passwords.txt").read_text(encoding="utf-8").split())


def _is_run(text: str) -> bool:
    return len(text) >= 4 and any(text in run or text in run[::-1] for run in _RUNS)


def _made_of(text: str, words: AbstractSet[str]) -> bool:
    """Whether it is nothing but such words and numbers, one after the other."""
    reached = {0}
    for at in range(len(text)):
        if at in reached:
            if not text[at].isalpha():
                reached.add(at + 1)
            reached |= {at + len(word) for word in words if text.startswith(word, at)}
    return bool(text) and len(text) in reached
