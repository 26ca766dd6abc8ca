"""Numbers in addresses and fields of forms."""

LONGEST = 15  # digits: longer than any number of ours, and exact everywhere


def whole(text: str, otherwise: int = 0, *, digits: int = LONGEST) -> int:
    """The whole number that a text is; another for none and for one of more digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else otherwise
