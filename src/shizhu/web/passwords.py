"""Rules for passwords whose words Django has in English only, or with names of its own columns."""

from __future__ import annotations

from django.contrib.auth import password_validation
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
