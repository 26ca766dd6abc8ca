"""Under which licence data are given out: what the pack declares whose data they are, else what the county does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shizhu.engines.records.logic.register import Names
from shizhu.kernel.models import County, Pack
from shizhu.kernel.packs import Body


@dataclass(frozen=True)
class Licence:
    """Its name, where it is written, and its SPDX identifier where it has one."""

    name: Names
    url: str
    spdx: str = "other"


@dataclass(frozen=True)
class Licences:
    """All that count in a county."""

    county: Licence | None
    packs: Mapping[str, Licence]

    def of(self, pack: str) -> Licence | None:
        """That of the data of a pack; nothing where neither declares one."""
        return self.packs.get(pack) or self.county


def licences(county: str) -> Licences:
    """Those of a county."""
    own = County.objects.values_list("settings", flat=True).get(pk=county).get("licence")
    packs = Pack.objects.filter(enabledpack__county=county).values_list("pk", "body__licence")
    return Licences(_licence(own) if own else None, {pack: _licence(body) for pack, body in packs if body})


def _licence(body: Body) -> Licence:
    return Licence(body["name"], body["url"], body.get("spdx", "other"))
