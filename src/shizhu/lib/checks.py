"""Check digits of national identifiers."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z: GB 32100-2015 §4
_VALUES = {letter: value for value, letter in enumerate(CREDIT_CODE_ALPHABET)}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_CREDIT_CODE = re.compile(rf"[{CREDIT_CODE_ALPHABET}]{{2}}[0-9]{{6}}[{CREDIT_CODE_ALPHABET}]{{10}}")


def credit_code_digit(body: str) -> str:
    """The 18th character of a unified social credit code (统一社会信用代码) from its first 17.

    GB 32100-2015 §4: 31 minus the sum of value times 3^place, modulo 31. ValueError unless `body` is 17 characters of
    the alphabet.
    """
    if len(body) != 17 or not _VALUES.keys() >= set(body):
        raise ValueError(f"{body!r}: 17 characters of {CREDIT_CODE_ALPHABET} are needed")
    total = sum(_VALUES[letter] * weight for letter, weight in zip(body, _WEIGHTS, strict=True))
    return CREDIT_CODE_ALPHABET[-total % 31]


def is_credit_code(code: str) -> bool:
    """Whether the text is a unified social credit code with the right check digit (GB 32100-2015)."""
    return bool(_CREDIT_CODE.fullmatch(code)) and credit_code_digit(code[:17]) == code[17]


_RESIDENT = re.compile(r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[0-9]{4}[0-9]{3}[0-9X]")
_RESIDENT_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))


def resident_digit(body: str) -> str:
    """The 18th character of a resident identity number (公民身份号码) from its first 17 digits.

    GB 11643-1999 §4, by ISO 7064 MOD 11-2: 1 minus the sum of digit times 2^(17 - place), modulo 11, where X is ten.
    ValueError unless `body` is 17 digits.
    """
    if not re.fullmatch("[0-9]{17}", body):
        raise ValueError(f"{body!r}: 17 digits are needed")
    total = sum(int(digit) * weight for digit, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
    return "0123456789X"[(1 - total) % 11]


def is_resident_number(number: str) -> bool:
    """Whether the text is a resident identity number with a day of birth that exists and the right check digit."""
    if not _RESIDENT.fullmatch(number) or resident_digit(number[:17]) != number[17]:
        return False
    try:
        return date.fromisoformat(number[6:14]) <= date.today()  # noqa: DTZ011  # a day, wherever one is
    except ValueError:
        return False


_LOOKALIKES = str.maketrans("OISZ", "0152")  # letters that GB 32100 leaves out, as they are misread


def credit_code_of(text: str) -> str:
    """A unified social credit code from how it was written; nothing where its check digit is wrong.

    Full width, small letters, spaces and hyphens are form; O, I, S and Z, which no code has, are 0, 1, 5 and 2.
    """
    written = "".join(letter for letter in unicodedata.normalize("NFKC", text).upper() if letter.isalnum())
    code = written.translate(_LOOKALIKES)
    return code if is_credit_code(code) else ""


def resident_number_of(text: str) -> str:
    """A resident identity number of 18 characters from how it was written; nothing where its check digit is wrong.

    One of 15 digits (issued before 1999) has two digits of the year, of the 20th century, and no check digit:
    GB 11643-1999 §4 and its transition from GB 11643-1989.
    """
    number = "".join(letter for letter in unicodedata.normalize("NFKC", text).upper() if letter.isalnum())
    if re.fullmatch("[0-9]{15}", number):
        body = f"{number[:6]}19{number[6:]}"
        number = body + resident_digit(body)
    return number if is_resident_number(number) else ""
