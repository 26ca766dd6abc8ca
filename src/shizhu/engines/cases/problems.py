"""What is wrong with an answer, in the words of whoever gave it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from jsonschema import ValidationError

RULES = {  # rule of JSON Schema: what to say; %s is the rule's own value
    "required": gettext_noop("This must be answered."),
    "enum": gettext_noop("Choose one of the list."),
    "minLength": gettext_noop("Write at least %s characters."),
    "maxLength": gettext_noop("Write at most %s characters."),
    "minimum": gettext_noop("It must not be below %s."),
    "maximum": gettext_noop("It must not be above %s."),
    "minItems": gettext_noop("At least %s are needed."),
    "maxItems": gettext_noop("At most %s may be sent."),
}
TYPES = {
    "boolean": gettext_noop("Choose yes or no."),
    "integer": gettext_noop("It must be a whole number."),
    "number": gettext_noop("It must be a number."),
}
OTHER = gettext_noop("It has the wrong form.")


def in_words(error: ValidationError) -> str:
    """A broken rule of a form, in the language in force."""
    rule, wanted = str(error.validator), error.validator_value
    text = _(TYPES.get(str(wanted), OTHER) if rule == "type" else RULES.get(rule, OTHER))
    return text % wanted if "%s" in text else text
