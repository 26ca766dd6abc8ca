"""What a field may point at (x-shizhu-ref): rows of another register, areas, organisations, posts, and more to come.

A higher engine adds its own kind by `add`; until then such a field is kept as text and shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Replace
from django.db.models.lookups import Contains
from django.utils import timezone
from django.utils.translation import gettext_noop

from shizhu.engines.records import searching
from shizhu.engines.records.catalogue import UnknownRegister, register_of
from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.columns import columns
from shizhu.engines.records.logic.cql2_sql import compiled
from shizhu.engines.records.logic.register import COMPARABLE, Body, Field, Names, Register
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.spatial import true
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, File, Organisation, Post
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole

TABLE = "records_record"
FAULTS = {  # of a field that points at something, in words, as authors of packs and administrators read them
    "unknown": gettext_noop("the field “%(title)s” points at the register %(value)s, which nobody declares"),
    "no_text": gettext_noop("the field “%(title)s” points at something, which is kept as text and not as %(value)s"),
    "alone": gettext_noop("the field “%(title)s” points at nothing, so there is nothing to narrow"),
    "narrowed": gettext_noop("the field “%(title)s” cannot be narrowed by %(value)s, but by %(known)s"),
    "depends": gettext_noop(
        "the field “%(title)s” goes by %(value)s, which must be a field beside it that everybody may see"
    ),
}
KNOWN = {"kernel.area", "kernel.organisation", "kernel.post", "things.device", "cases.emergency"}


def fault(name: str, title: object, value: object = "", known: str = "") -> str:
    """One of FAULTS of a field."""
    return FAULTS[name] % {"title": label(title), "value": value, "known": known}


@dataclass(frozen=True)
class Choice:
    """One thing a field may point at: the value that is kept, and its title."""

    value: str
    title: str


@dataclass(frozen=True)
class Reference:
    """A kind of thing: its name, titles of values in a county, and a search for what somebody may choose.

    `narrow` makes the same of those alone whose properties have given values; a kind without it cannot be narrowed by
    `x-shizhu-where` and `x-shizhu-depends`. `properties` are those it may be narrowed by.
    """

    name: Names
    titles: Callable[[str, Collection[str]], Mapping[str, str]]
    search: Callable[[Actor, str, str, int], Sequence[Choice]]
    narrow: Callable[[Mapping[str, str]], Reference] | None = None
    properties: frozenset[str] = frozenset()

    def of(self, item: Field, beside: Body) -> Reference:
        """The same of what a field may name beside these values; what it depends on and is not there does not count."""
        wanted = {**item.where, **{name: str(beside[n]) for name, n in item.depends.items() if beside.get(n)}}
        return self.narrow(wanted) if wanted and self.narrow else self


_added: dict[str, Reference] = {}


def properties(of: Register | str) -> frozenset[str]:
    """What references of a declared register or of another kind of thing may be narrowed by."""
    if isinstance(of, Register):
        return frozenset(name for name, item in of.fields.items() if item.kind in COMPARABLE and not item.privacy)
    return _added[of].properties if of in _added else frozenset()


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
    return _of_register(declared, {})


def seen(who: Actor, county: str, key: str, values: Collection[str]) -> Mapping[str, str]:
    """Titles of those things that `who` may see; of kinds that are no registers everybody sees the names."""
    kind = find(key, county)
    if kind is None or not values:
        return {}
    if key in _added:
        return kind.titles(county, values)
    rows = Record.objects.filter(county_id=county, register=key, key__in=values)
    return dict(access.rows(rows, who, f"records.{key}.view").values_list("key", "title"))


def _of_register(declared: Register, wanted: Mapping[str, str]) -> Reference:
    def rows(county: str) -> QuerySet[Record]:
        found = Record.objects.filter(county_id=county, register=declared.key)
        known = columns(declared, TABLE, with_private=False)
        for name, value in wanted.items():
            same = cql2.Comparison(cql2.Property(name), "=", cql2.literal_of(known[name].kind, value))
            found = found.filter(true(*compiled(same, known)))
        return found

    def titles(county: str, values: Collection[str]) -> Mapping[str, str]:
        return dict(rows(county).filter(key__in=values).values_list("key", "title"))

    def search(who: Actor, county: str, text: str, most: int) -> Sequence[Choice]:
        found = rows(county).exclude(state=WITHDRAWN).filter(searching.matching(text, [declared.key]))
        visible = access.rows(found, who, declared.verb("view"))
        return [Choice(*pair) for pair in visible.order_by("sort_key", "id").values_list("key", "title")[:most]]

    return Reference(
        declared.title, titles, search, lambda more: _of_register(declared, {**wanted, **more}),
        properties(declared),
    )  # fmt: skip


def matching(text: str) -> Q:
    """Rows whose key, title or pinyin (written with spaces or without) has the text."""
    pinyin = Contains(Replace("sort_key", Value(" "), Value("")), text.lower().replace(" ", ""))
    return Q(title__icontains=text) | Q(key__icontains=text) | Q(pinyin) if text else Q()


Rows = QuerySet[Any]


def _named(name: Names, rows: Callable[[str], Rows], lookups: Mapping[str, str], **fixed: str) -> Reference:
    """Areas or organisations; `lookups` says how each property is looked up."""

    def found(county: str) -> Rows:
        return rows(county).filter(**fixed)

    def search(_who: Actor, county: str, text: str, most: int) -> Sequence[Choice]:
        wanted = Q(name__icontains=text) | Q(code__startswith=text) | Q(sort_key__contains=text.lower())
        return [
            Choice(*pair) for pair in found(county).filter(wanted).order_by("path").values_list("code", "name")[:most]
        ]

    return Reference(
        name,
        lambda county, values: dict(found(county).filter(code__in=values).values_list("code", "name")),
        search,
        lambda more: _named(name, rows, lookups, **fixed, **{lookups[key]: value for key, value in more.items()}),
        frozenset(lookups),
    )


def _post_title(post: Post) -> str:
    return f"{post.organisation.name} {label(post.role.name)} {post.person.name}（{post.area.name}）"


_POSTS = {"role": "role_id", "organisation": "organisation__code", "area": "area__code"}


def _posts(**fixed: str) -> Reference:
    def found(county: str) -> QuerySet[Post]:
        held = Post.objects.current(timezone.localdate()).filter(area__county_id=county, **fixed)
        return held.select_related("organisation", "role", "person", "area")

    def titles(county: str, values: Collection[str]) -> Mapping[str, str]:
        numbers = [number for value in values if (number := whole(value))]
        return {str(post.pk): _post_title(post) for post in found(county).filter(pk__in=numbers)}

    def search(_who: Actor, county: str, text: str, most: int) -> Sequence[Choice]:
        wanted = (
            Q(person__name__icontains=text) | Q(organisation__name__icontains=text) | Q(role__name__zh__contains=text)
        )
        rows = found(county).filter(wanted).order_by("organisation__path", "role", "person__sort_key")
        return [Choice(str(post.pk), _post_title(post)) for post in rows[:most]]

    return Reference(
        {"zh": "岗位", "en": "posts"}, titles, search,
        lambda more: _posts(**fixed, **{_POSTS[key]: value for key, value in more.items()}), frozenset(_POSTS),
    )  # fmt: skip


add(
    "kernel.area",
    _named(
        {"zh": "行政区划", "en": "areas"},
        lambda county: Area.objects.filter(county_id=county),
        {"level": "level", "parent": "parent__code"},
    ),
)
add(
    "kernel.organisation",
    _named(
        {"zh": "组织机构", "en": "organisations"},
        lambda county: Organisation.objects.filter(county_id=county),
        {"kind": "kind", "parent": "parent__code"},
    ),
)
add("kernel.post", _posts())
add(
    "kernel.file",  # what a field of attachments names; nobody chooses one from a list
    Reference(
        {"zh": "附件", "en": "attachments"},
        lambda county, values: {
            str(pk): name for pk, name in File.objects.filter(county=county, pk__in=values).values_list("pk", "name")
        },
        lambda _who, _county, _text, _most: [],
    ),
)
