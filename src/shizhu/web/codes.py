"""QR codes, as pages and sheets show them."""

from __future__ import annotations


def qr(text: str) -> str:
    """The QR code (ISO/IEC 18004) of a text, as SVG that takes the size of what is around it."""
    import segno  # noqa: PLC0415  # few people draw a QR code

    return str(segno.make(text, error="m").svg_inline(omitsize=True, border=2, dark="#000", light="#fff"))
