"""What every pack must show. A pack's tests/test_pack.py needs no more than `class TestRivers(PackTests): ...`.

The checks run on a made-up county with this one pack. What only an engine can know it says in a module `testing` of
its own: rows to try a declaration on (`sample`), what must hold of it then (`proof`), the page it is seen at (`door`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import shapely
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, County, Declaration, EnabledPack, Organisation, Pack, Person, Post, Role
from shizhu.kernel.packs import Body, LoadedPack

CODE = "990001"
UNCOUNTED = {"kernel_session"}  # looking in makes one


def made_up_county(code: str = CODE) -> County:
    """甲县: a square with a town in each half, and a government."""
    county = County.objects.create(code=code, name="甲县", name_en="Jia")
    root = _area(county, code, "甲县", "county", None, shapely.box(100, 30, 101, 31))
    _area(county, f"{code}101", "东镇", "town", root, shapely.box(100.5, 30, 101, 31))
    _area(county, f"{code}102", "西镇", "town", root, shapely.box(100, 30, 100.5, 31))
    Organisation.objects.create(county=county, code=code, name="县政府", kind="county", path=f"{code}/", area=root)
    return county


def _area(county: County, code: str, name: str, level: str, parent: Area | None, shape: shapely.Polygon) -> Area:
    place = {"path": f"{parent.path if parent else ''}{code}/", "geometry": shape, "box": shape.bounds}
    return Area.objects.create(county=county, code=code, name=name, level=level, parent=parent, **place)


@dataclass(frozen=True)
class Trial:
    """A made-up county in which one pack is on."""

    pack: LoadedPack
    county: County

    @property
    def town(self) -> Area:
        """The town where things happen; it has a shape."""
        return Area.objects.get(county=self.county, code=f"{self.county.pk}101")

    def organisation(self, code: str = "") -> Organisation:
        """The government, or a department, made if it is not there."""
        top = Organisation.objects.get(county=self.county, code=self.county.pk)
        if not code:
            return top
        own = {"name": code, "kind": "department", "parent": top, "path": f"{top.path}{code}/", "area": top.area}
        return Organisation.objects.get_or_create(county=self.county, code=code, defaults=own)[0]

    def person(self, role: str = "") -> Person:
        """The holder of a role for the whole county; without a role a person who has no right at all."""
        username = role or "stranger"
        person = Person.objects.filter(username=username).first()
        if person is None:
            person = Person.objects.create_person(username=username, password=None, name=username, county=self.county)
            if role:
                top = self.organisation()
                starts = timezone.localdate()
                Post.objects.create(person=person, role_id=role, organisation=top, area=top.area, starts=starts)
        return person

    @cached_property
    def root(self) -> Person:
        """Somebody who may do everything."""
        Role.objects.get_or_create(pk="trial.root", defaults={"name": {"zh": "全权", "en": "All"}, "verbs": ["*"]})
        return self.person("trial.root")

    @cached_property
    def stranger(self) -> Person:
        """Somebody of the county without any role."""
        return self.person()

    @property
    def roles(self) -> list[str]:
        """Keys of the roles that the pack declares."""
        return [f"{self.pack.id}.{name}" for name in self.pack.body.get("roles", {})]

    def declared(self, kind: str) -> Mapping[str, Body]:
        """key → body of the pack's declarations of a kind."""
        return {item.key: item.body for item in self.pack.declared if item.kind == kind}

    def status(self, who: Person, address: str) -> int:
        """How a page answers somebody."""
        client = Client()
        client.force_login(who)
        return client.get(address).status_code


Sample = Callable[[Trial, str, Body], None]  # (trial, key, body)
Proof = Callable[[Trial, str, Body], Iterable[str]]  # → what does not hold, one line each


@dataclass(frozen=True)
class Door:
    """The page where a declared thing is seen ("" for none), and whether an actor may open it."""

    address: Callable[[str], str]
    opens: Callable[[Actor, str], bool]


T = TypeVar("T", bound=Callable[..., object])
_samples: dict[str, Sample] = {}
_proofs: dict[str, Proof] = {}
_doors: dict[str, Door] = {}


def sample(kind: str, make: Sample) -> None:
    """Let an engine put made-up rows of a declaration into the trial county."""
    _samples[kind] = make


def proof(kind: str, check: Proof) -> None:
    """Let an engine say what must hold of a declaration once every kind has its samples."""
    _proofs[kind] = check


def door(kind: str, opened: Door) -> None:
    """Let an engine say where a declaration is seen."""
    _doors[kind] = opened


def in_order(offered: Mapping[str, T]) -> list[tuple[str, T]]:
    """What engines offered, a lower engine before a higher one, whoever imported them first."""
    order = [config.name for config in apps.get_app_configs()]
    return sorted(offered.items(), key=lambda item: order.index(item[1].__module__.rpartition(".")[0]))


def everything_kept() -> dict[str, int]:
    """Rows of every table: a refused person must leave them as they were."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - UNCOUNTED)
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in tables))
        return dict(cursor.fetchall())


def one_language(value: Any, place: str) -> Iterator[str]:
    """Names that lack one of their two languages."""
    if isinstance(value, Mapping):
        if {"zh", "en"} & value.keys():
            for language in ("zh", "en"):
                if not str(value.get(language) or "").strip():
                    yield f"{place}: has no text in {language}"
        for name, part in value.items():
            yield from one_language(part, f"{place}.{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from one_language(part, f"{place}[{number}]")


class PackTests:
    """The checks of one pack: of the folder above its tests, or of `folder`."""

    folder: Path | None = None

    @cached_property
    def pack(self) -> LoadedPack:
        """The pack as it is on disk."""
        autodiscover_modules("testing")
        return packs.read(self.folder or Path(inspect.getfile(type(self))).parents[1])

    def trial(self) -> Trial:
        """A county with the pack, and the pack alone."""
        packs.forget()
        packs.sync([self.pack])
        county = made_up_county()
        EnabledPack.objects.create(county=county, pack_id=self.pack.id)
        packs.forget()
        return Trial(self.pack, county)

    def with_samples(self) -> Trial:
        """A county with the pack and made-up rows of what it declares, in the order of the engines."""
        trial = self.trial()
        for kind, make in in_order(_samples):
            for key, body in trial.declared(kind).items():
                make(trial, key, body)
        return trial

    def doors(self, trial: Trial) -> Iterator[tuple[str, str, Door]]:
        """(key, address, door) of every declared thing that has a page."""
        for kind, opened in _doors.items():
            for key in trial.declared(kind):
                address = opened.address(key)
                if address:
                    yield key, address, opened

    def test_its_files_are_right(self) -> None:
        """Schemas, units, references, examples of rules and indicators, flows that can run."""
        _none(packs.problems(self.pack, {self.pack.id: self.pack}))

    def test_its_names_are_in_two_languages(self) -> None:
        """Every name somebody reads."""
        files = [("pack.yaml", self.pack.body), *((item.file, item.body) for item in self.pack.declared)]
        _none(line for file, body in files for line in one_language(body, f"{self.pack.id}/{file}"))

    def test_synced_twice_nothing_changes(self, db: None) -> None:  # the name of pytest's fixture
        """The second sync finds everything as it is."""
        models: list[Any] = [Pack, Declaration, Role]
        first, before = packs.sync([self.pack]), [list(model.objects.order_by("pk").values()) for model in models]
        second, after = packs.sync([self.pack]), [list(model.objects.order_by("pk").values()) for model in models]
        if not first or second or after != before:
            raise AssertionError(f"{self.pack.id}: {first} rows changed, then {second}")

    def test_what_it_declares_works(self, db: None) -> None:  # the name of pytest's fixture
        """Rules raise alarms, flows come to their end, layers have features, indicators count."""
        trial = self.with_samples()
        _none(
            f"{key}: {line}"
            for kind, check in in_order(_proofs)
            for key, body in trial.declared(kind).items()
            for line in check(trial, key, body)
        )

    def test_right_roles_get_in_and_others_do_not(self, db: None) -> None:  # the name of pytest's fixture
        """Each role opens what it has a right to and nothing else; who is refused changes nothing."""
        trial = self.with_samples()
        people = [trial.root, trial.stranger, *map(trial.person, trial.roles)]
        before, found = everything_kept(), []
        for person in people:
            who = access.actor(person)
            for key, address, opened in self.doors(trial):
                expected, status = (200 if opened.opens(who, key) else 403), trial.status(person, address)
                if status != expected:
                    found.append(f"{key}: {address} answers {person.username} with {status}, expected {expected}")
        if everything_kept() != before:
            found.append(f"{self.pack.id}: looking in changed rows")
        if any(access.actor(trial.stranger).scopes):
            found.append(f"{self.pack.id}: a person without a role has rights")
        _none(found)

    def test_switched_off_nothing_of_it_is_seen(self, db: None) -> None:  # the name of pytest's fixture
        """No declaration, no page, no line of the menu, even for somebody who may do everything."""
        trial = self.with_samples()
        EnabledPack.objects.filter(county=trial.county).delete()
        packs.forget()
        left = [key for kind in packs.kinds() for key in packs.declarations(kind, trial.county.pk)]
        found = [f"{key}: is still declared for the county" for key in left]
        for key, address, _door in self.doors(trial):
            status = trial.status(trial.root, address)
            if status != 404:
                found.append(f"{key}: {address} answers with {status}, expected 404")
        client = Client()
        client.force_login(trial.root)
        home = client.get("/").content.decode()
        for item in self.pack.body.get("menu", []):
            if item["name"]["zh"] in home:
                found.append(f"{self.pack.id}: the menu still shows {item['name']['zh']}")
        _none(found)


def _none(lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        raise AssertionError("\n".join(found))
