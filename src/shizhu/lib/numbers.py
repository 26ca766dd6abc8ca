"""Numbers in addresses and fields of forms."""


def whole(text: str) -> int:
    """The whole number that a text is, 0 for none and for one longer than any of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
