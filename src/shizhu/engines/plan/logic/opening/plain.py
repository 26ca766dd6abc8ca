"""Plain text in the encodings it comes in here: UTF-8, UTF-16, GB 18030."""

from __future__ import annotations

import codecs
import re

from shizhu.engines.plan.logic.opening.opened import LARGEST, FileUnreadable, Opened

_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffe\uffff]")
LOST = "\ufffd"  # stands for a character that could not be decoded
_COMMON = re.compile("[的年和大中不一人在有展到產業建設發達]")  # signs of a plan in Big5 that GB 18030 has elsewhere
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def open_plain(name: str, content: bytes) -> Opened:
    """Decode a text; a file that is none is refused, a few broken characters are not."""
    if len(content) > LARGEST:
        raise FileUnreadable(name, "size")
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "gb18030" and _is_big5(text, content):
            raise FileUnreadable(name, "big5")
        if not _NO_TEXT.search(text):
            return Opened(text, "txt")
    mended = min((content.decode(encoding, "replace") for encoding in ("utf-8", "gb18030")), key=_lost)
    if _NO_TEXT.search(mended) or _lost(mended) > max(min(3, len(mended) // 10), len(mended) // 1000):
        raise FileUnreadable(name, "unknown")
    return Opened(mended, "txt")


def _lost(text: str) -> int:
    """How many characters could not be decoded."""
    return text.count(LOST)


def _is_big5(text: str, content: bytes) -> bool:
    """Whether what also decodes as GB 18030 is Big5: signs of a plan are many in the one and few in the other."""
    try:
        other = content.decode("big5")
    except UnicodeDecodeError:
        return False
    return len(_COMMON.findall(other)) > 2 * len(_COMMON.findall(text))


def _encodings(content: bytes) -> tuple[str, ...]:
    """The encodings to try: the one a mark names, else UTF-16 where every other byte is low, else the usual two."""
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    if marked:
        return (marked,)
    start = content[:4000]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even or odd:
        return ("utf-16-le", "utf-16-be") if odd > even else ("utf-16-be", "utf-16-le")
    return ("utf-8", "gb18030")
