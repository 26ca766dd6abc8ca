"""Registers as a dataset: `from: records`, `of` a register."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shizhu.engines.records import references
from shizhu.engines.records.catalogue import KIND, UnknownRegister, register_of, registers
from shizhu.engines.records.logic.columns import columns
from shizhu.engines.records.logic.register import Field, Register
from shizhu.engines.records.models import WITHDRAWN
from shizhu.engines.records.tabulate import Said, Subject, offered, problems, tabulate
from shizhu.kernel import datasets, packs
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Offer, Result
from shizhu.kernel.packs import Body, LoadedPacks

OWN = {
    "_key": Said({"zh": "编号", "en": "Key"}), "_title": Said({"zh": "名称", "en": "Name"}),
    "_source": Said({"zh": "来源", "en": "Source"}), "_simulated": Said({"zh": "模拟", "en": "Simulated"}),
    "_created": Said({"zh": "录入时间", "en": "Entered"}), "_updated": Said({"zh": "更新时间", "en": "Updated"}),
    "_area": Said({"zh": "区划", "en": "Area"}),
}  # fmt: skip


def subject(register: Register, county: str) -> Subject:
    """A register's rows; private fields are no columns, so nothing follows from them."""
    said = {path: _said(item, county) for path, item in register.everything}
    said |= OWN | {"_state": Said({"zh": "状态", "en": "State"}, labels=register.states)}
    said["_organisation"] = Said({"zh": "部门", "en": "Department"}, titles=_titles("kernel.organisation", county))
    own = Predicate("t.county_id = %s AND t.register = %s AND t.state <> %s", (county, register.key, WITHDRAWN))
    return Subject(
        table="records_record",
        columns=columns(register, "t", with_private=False),
        said=said,
        fixed=own,
        verb=register.verb("view"),
        source={language: f"{name}" for language, name in register.title.items()},
        page=f"/records/{register.key}/",
        title="t.title",
        href=f"'/records/{register.key}/' || t.id || '/'",
        newest="t.updated",
        simulated="t.is_simulated",
        moments={"_created": "t.created", "_updated": "t.updated"},
    )


def _said(item: Field, county: str) -> Said:
    titles = _titles(item.reference, county) if item.reference else None
    return Said(item.title, item.unit, item.choices, titles)


def _titles(reference: str, county: str) -> Any:
    def look_up(values: Iterable[Any]) -> dict[Any, Any]:
        found = references.find(reference, county)
        return dict(found.titles(county, [str(value) for value in values])) if found else {}

    return look_up


def subject_of(register: str, county: str) -> Subject:
    """The rows of a register by its key. Raises ValueError for one that is not there."""
    try:
        return subject(register_of(register, county), county)
    except UnknownRegister as error:
        raise ValueError(str(error)) from None


def give(asked: Asked) -> Result:
    """The answer."""
    return tabulate(subject_of(asked.body["of"], asked.county), asked)


def check(body: Body, everything: LoadedPacks) -> Iterable[str]:
    """The register and the columns exist."""
    declared = packs.find(everything, KIND, body.get("of", ""))
    if declared is None:
        return [f"of: {body.get('of')}: nobody declares this register"]
    return problems(subject(Register(body["of"], declared), ""), body)


def offers(county: str) -> Iterable[Offer]:
    """Every register."""
    for key, register in registers(county).items():
        yield Offer({"from": "records", "of": key}, register.title, offered(subject(register, county)))


def register() -> None:
    """Called once by the application."""
    datasets.add(datasets.Dataset("records", give, lambda body: f"records.{body['of']}.view", check, offers))
