"""Credit codes of enterprises that do not exist."""

from __future__ import annotations


def credit_code(letter: str) -> str:
    """A made-up credit code with its check digit (GB 32100-2015)."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91990001MA00000{letter}0"
    body = body[:17].ljust(17, "0")
    total = sum(signs.index(sign) * (3**place % 31) for place, sign in enumerate(body))
    return body + signs[(31 - total % 31) % 31]
