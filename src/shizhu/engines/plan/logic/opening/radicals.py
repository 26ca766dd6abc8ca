"""Radicals (部首) that PDF files hold in the place of the characters that look like them: ⾏ for 行, ⻓ for 长.

Fonts draw both with one glyph, and many programs write down the wrong one. Unicode folds the Kangxi radicals; which
characters the supplement looks like is told in its `EquivalentUnifiedIdeograph.txt`.
"""

from __future__ import annotations

import unicodedata

_KANGXI = range(0x2F00, 0x2FD6)
_SUPPLEMENT = dict(
    zip(
        "⺁⺄⺅⺆⺋⺌⺏⺒⺓⺔⺕⺖⺗⺘⺙⺛⺝⺞⺟⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩⺪⺫⺬⺭⺮⺯⺰⺲⺶⺷⺹⺺⺻⺼⺽⺾⻁⻂⻃⻄⻅⻆⻈⻉⻋⻌⻏⻐⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
        "厂乙亻冂㔾小尣巳幺彑彐忄㣺扌攵旡月歺母民氵氺灬爫爫丬牛犭王疋罒示礻𥫗糹纟罒羊羊耂肀聿肉臼艹虎衤覀西见角讠贝车辶阝钅長镸长门阝雨青韦页风飞食飠饣首马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
        strict=True,
    )
)
_SIMPLIFIED = {"⼾": "户", "⺎": "兀", "⺉": "刂", "⺐": "尢", "㬵": "胶"}  # as fonts of mainland China draw them
_FOLDED = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in _KANGXI}
_UNIFIED = str.maketrans(_SUPPLEMENT | _FOLDED | _SIMPLIFIED)


def unified(text: str) -> str:
    """Return the text with the characters that are meant, sign for sign."""
    return text.translate(_UNIFIED)
