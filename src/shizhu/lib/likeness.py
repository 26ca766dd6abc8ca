"""Chinese names and addresses as people write them twice: what of them tells one from another, and what is alike.

Two writings are alike where nothing but form differs (full or half width, traditional or simplified characters,
punctuation, names of the places above, the legal form of a company), where they sound alike, or where one character of
three or more is another. Numbers never differ: 12号 is not 13号, 第一小学 not 第二小学. Of people only what sounds
alike counts, and the first character stays.

`facets` serves an index: what is alike has at least one of them alike. Not the other way round.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

ORGANISATION, PERSON, ADDRESS = KINDS = ("organisation", "person", "address")
PARTS = 3  # a facet leaves out every third character: where one differs, one facet stays
SHORTEST = 3  # letters of a name of which one may differ
SHORTEST_ADDRESS = 6
NUMBER = "#"  # stands in the text where a number was
TELLING = frozenset("东南西北中上下左右前后内外大小新老甲乙丙丁男女")  # one for another makes another thing
_TRADITIONAL = (
    "張张陳陈劉刘黃黄趙赵吳吴孫孙馬马羅罗鄭郑謝谢許许鄧邓馮冯蕭萧葉叶蘇苏盧卢蔣蒋賈贾鐘钟陸陆譚谭鄒邹龍龙萬万錢钱湯汤賴赖龔龚嚴严"
    "顏颜聶聂齊齐國国華华東东縣县鎮镇鄉乡區区號号業业農农場场廠厂開开發发電电機机學学醫医藥药養养產产實实貿贸責责務务園园興兴豐丰"
    "會会戶户頭头橋桥門门樓楼嶺岭溝沟灣湾壩坝連连蓮莲遠远進进運运車车軍军書书報报經经濟济設设計计飯饭飲饮館馆麵面魚鱼雞鸡鴨鸭豬猪"
    "羊羊廣广慶庆長长聯联環环衛卫節节銀银鐵铁鋼钢錦锦雲云風风鳳凤麗丽鮮鲜寶宝貴贵財财偉伟傑杰強强義义愛爱時时點点種种術术個个們们"
)
_SIMPLE = str.maketrans(dict(zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True)))
_DIGITS = {letter: number for number, letter in enumerate("零一二三四五六七八九")} | {"〇": 0}
_NUMBERS = re.compile(r"[0-9]+|(?=[百]?[〇零一二三四五六七八九十])[〇零一二三四五六七八九十百]+")
_FORM = re.compile(
    r"(?:集团)?(?:股份|控股)?有限(?:责任)?公司(?=\(|$)|(?:集团)?(?:股份)?(?<!分)公司(?=\(|$)|\(?个体工商户$"
)
_COOPERATIVE = re.compile(r"(?:农民)?专业合作社(?=\(|$)")
_UNIT = re.compile(
    r"^(.{2,}?)(?:[^\W\d_]{1,4}族)*(自治[县州区旗]|街道办事处|街道|新区|省|市|州|县|区|旗|镇|乡|社区|村)$"
)
_SHORT_UNIT = re.compile("^自治|办事处$")
Sound = Callable[[str], str]  # a character → its syllable


@dataclass(frozen=True)
class Writing:
    """A name or an address without its form: letters, `#` where a number was; the numbers; how each letter sounds."""

    kind: str
    text: str
    numbers: tuple[str, ...]
    sounds: tuple[str, ...]

    @property
    def letters(self) -> int:
        """How many letters it has, numbers left out."""
        return len(self.text) - len(self.numbers)


def simple(text: str) -> str:
    """Half width, lower case, simplified characters: compatibility forms by Unicode NFKC."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_SIMPLE)


def plain(text: str) -> str:
    """The same without punctuation and spaces."""
    return "".join(letter for letter in simple(text) if letter.isalnum())


@lru_cache(1000)
def place_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """How places are written at the head of a name, longest first: 石柱土家族自治县 is 石柱县 and 石柱 too."""
    found: set[str] = set()
    for name in map(plain, names):
        found.add(name)
        match = _UNIT.match(name)
        if match:
            short, unit = match.groups()
            found |= {short, short + unit, short + _SHORT_UNIT.sub("", unit)}
    return tuple(sorted((one for one in found if len(one) > 1), key=lambda one: (-len(one), one)))


def read(kind: str, text: str, places: Sequence[str], sound: Sound) -> Writing | None:
    """A writing without its form; None where nothing is left that tells. `places` as `place_names` says them."""
    bare = simple(text)
    if kind != PERSON:
        bare = _without(bare, places)
    numbers: list[str] = []

    def keep(match: re.Match[str]) -> str:
        numbers.append(str(_number(match[0])))
        return NUMBER

    if kind == ORGANISATION:
        bare = _formless(bare)
    if kind != PERSON:
        bare = _NUMBERS.sub(keep, bare.replace(NUMBER, ""))
    letters = "".join(letter for letter in bare if letter.isalnum() or (letter == NUMBER and kind != PERSON))
    if len(letters) - len(numbers) < (2 if kind != ADDRESS else 1):
        return None
    return Writing(
        kind, letters, tuple(numbers), tuple(letter if letter == NUMBER else sound(letter) for letter in letters)
    )


def _without(text: str, places: Sequence[str]) -> str:
    """Without the places at its head, also where punctuation stands between them, and without (石柱) inside."""
    for place in places:
        text = text.replace(f"({place})", "")
    rest = text
    while True:
        rest = rest.lstrip("".join({letter for letter in rest[:4] if not letter.isalnum()}) or " ")
        place = next((one for one in places if rest.startswith(one)), "")
        if not place or sum(letter.isalnum() for letter in rest) - len(place) < 2:
            return rest
        rest = rest[len(place) :]


def _formless(text: str) -> str:
    """A name of an organisation without its legal form; a co-operative stays one."""
    whole = "".join(text.split()).rstrip("().,、。·-")
    made = _COOPERATIVE.sub("合作社", _FORM.sub("", whole))
    return made if sum(letter.isalnum() for letter in made) > 1 else whole


def _number(written: str) -> int:
    """A number in digits, 二三 digit by digit, or 二十三."""
    if written.isdecimal():
        return int(written)
    if "十" not in written and "百" not in written:
        return int("".join(str(_DIGITS[letter]) for letter in written))
    total, digit = 0, None
    for letter in written:
        if letter in _DIGITS:
            digit = _DIGITS[letter]
        else:
            total += (10 if letter == "十" else 100) * (1 if digit is None else digit)
            digit = None
    return total + (digit or 0)


def facets(of: Writing) -> frozenset[str]:
    """Texts of which what is alike has at least one alike."""
    numbers = ",".join(of.numbers)
    if of.kind == PERSON:
        return frozenset({f"{of.text[0]}|{' '.join(of.sounds)}"})
    found = {f"s|{numbers}|{' '.join(of.sounds)}"}
    if of.letters >= _shortest(of):
        for part in range(PARTS):
            rest = "".join(letter for place, letter in enumerate(of.text) if place % PARTS != part)
            found.add(f"{part}|{numbers}|{len(of.text)}|{rest}")
    return frozenset(found)


def alike(one: Writing, other: Writing) -> bool:
    """Whether both may be one thing."""
    if one.kind != other.kind or one.numbers != other.numbers or len(one.text) != len(other.text):
        return False
    if one.kind == PERSON:
        return one.text == other.text or (
            len(one.text) >= SHORTEST and one.text[0] == other.text[0] and one.sounds == other.sounds
        )
    if one.text == other.text or (one.letters >= SHORTEST and one.sounds == other.sounds):
        return True
    differing = [pair for pair in zip(one.text, other.text, strict=True) if pair[0] != pair[1]]
    if len(differing) != 1 or one.letters < _shortest(one):
        return False
    return NUMBER not in differing[0] and not TELLING.issuperset(differing[0])


def _shortest(of: Writing) -> int:
    return SHORTEST_ADDRESS if of.kind == ADDRESS else SHORTEST


def same_text(text: str) -> str:
    """A text of a field that must be the same: without its form; a mobile number without the code of the country."""
    made = plain(text)
    mobile = re.fullmatch(r"(?:00)?86(1[0-9]{10})", made)
    return mobile[1] if mobile else made
