"""What a field may point at (x-shizhu-ref): rows of another register, areas, organisations, posts, and more to come.

A higher engine adds its own kind by `add`; until then such a field is kept as text and shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Replace
from django.db.models.lookups import Contains
from django.utils import timezone

from shizhu.engines.records.catalogue import UnknownRegister, register_of
from shizhu.engines.records.logic.register import Names
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Post
from shizhu.kernel.text import label

KNOWN = {"kernel.area", "kernel.organisation", "kernel.post", "things.device"}


@dataclass(frozen=True)
class Choice:
    """One thing a field may point at: the value that is kept, and its title."""

    value: str
    title: str


@dataclass(frozen=True)
class Reference:
    """A kind of thing: its name, titles of values in a county, and a search for what somebody may choose."""

    name: Names
    titles: Callable[[str, Collection[str]], Mapping[str, str]]
    search: Callable[[Actor, str, str, int], Sequence[Choice]]


_added: dict[str, Reference] = {}


def add(key: str, reference: Reference) -> None:
    """Let fields point at a kind of thing of another engine; call it from `AppConfig.ready`."""
    _added[key] = reference


def find(key: str, county: str) -> Reference | None:
    """The kind of thing; None if nobody can resolve it yet, or its pack is off in this county."""
    if key in _added:
        return _added[key]
    try:
        declared = register_of(key, county)
    except UnknownRegister:
        return None
    return Reference(declared.title, lambda *asked: _record_titles(key, *asked), lambda *a: _record_search(key, *a))


def _record_titles(register: str, county: str, values: Collection[str]) -> Mapping[str, str]:
    rows = Record.objects.filter(county_id=county, register=register, key__in=values)
    return dict(rows.values_list("key", "title"))


def _record_search(register: str, who: Actor, county: str, text: str, most: int) -> Sequence[Choice]:
    rows = Record.objects.filter(county_id=county, register=register).exclude(state=WITHDRAWN)
    visible = access.rows(rows.filter(matching(text)), who, f"records.{register}.view")
    return [Choice(*pair) for pair in visible.order_by("sort_key", "id").values_list("key", "title")[:most]]


def matching(text: str) -> Q:
    """Rows whose key, title or pinyin (written with spaces or without) has the text."""
    pinyin = Contains(Replace("sort_key", Value(" "), Value("")), text.lower().replace(" ", ""))
    return Q(title__icontains=text) | Q(key__icontains=text) | Q(pinyin) if text else Q()


def _areas(county: str) -> QuerySet[Area]:
    return Area.objects.filter(county_id=county)


def _organisations(county: str) -> QuerySet[Organisation]:
    return Organisation.objects.filter(county_id=county)


def _named(rows: QuerySet[Area] | QuerySet[Organisation], text: str, most: int) -> Sequence[Choice]:
    found = rows.filter(Q(name__icontains=text) | Q(code__startswith=text) | Q(sort_key__contains=text.lower()))
    return [Choice(*pair) for pair in found.order_by("path").values_list("code", "name")[:most]]


def _posts(county: str) -> QuerySet[Post]:
    held = Post.objects.current(timezone.localdate()).filter(area__county_id=county)
    return held.select_related("organisation", "role", "person", "area")


def _post_title(post: Post) -> str:
    return f"{post.organisation.name} {label(post.role.name)} {post.person.name}（{post.area.name}）"


def _post_titles(county: str, values: Collection[str]) -> Mapping[str, str]:
    numbers = [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 19]
    return {str(post.pk): _post_title(post) for post in _posts(county).filter(pk__in=numbers)}


def _post_search(_who: Actor, county: str, text: str, most: int) -> Sequence[Choice]:
    wanted = Q(person__name__icontains=text) | Q(organisation__name__icontains=text) | Q(role__name__zh__contains=text)
    found = _posts(county).filter(wanted).order_by("organisation__path", "role", "person__sort_key")
    return [Choice(str(post.pk), _post_title(post)) for post in found[:most]]


add(
    "kernel.area",
    Reference(
        {"zh": "行政区划", "en": "areas"},
        lambda county, values: dict(_areas(county).filter(code__in=values).values_list("code", "name")),
        lambda _who, county, text, most: _named(_areas(county), text, most),
    ),
)
add(
    "kernel.organisation",
    Reference(
        {"zh": "组织机构", "en": "organisations"},
        lambda county, values: dict(_organisations(county).filter(code__in=values).values_list("code", "name")),
        lambda _who, county, text, most: _named(_organisations(county), text, most),
    ),
)
add("kernel.post", Reference({"zh": "岗位", "en": "posts"}, _post_titles, _post_search))
