"""Fixture: lanes and patches as registers with layers of their own. Test modules name it in `pytest_plugins`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.maps.ground import BOTH, DITCH, declare

from shizhu.kernel import packs
from shizhu.kernel.models import County


@pytest.fixture
def ground(county: County) -> None:
    """The registers and their layers, declared for this county alone."""
    for key, geometry, is_network in BOTH:
        name = {"zh": key, "en": key}
        text = {"type": "string", "title": name}
        body: dict[str, Any] = {
            "title": name, "properties": {"code": text, "name": text}, "required": ["code", "name"],
            "x-shizhu": {"key": "code", "title": "name", "list": ["code"], "geometry": geometry},
        }  # fmt: skip
        if key == DITCH:
            body["properties"] |= {"above": text, "below": text}
            body["x-shizhu"]["flow"] = {"from": "above", "to": "below"}
        declare(county, "registers", key, body)
        layer = {"title": name, "source": "records", "of": key, "icon": "map", "colour": "#123456"}
        declare(county, "layers", key, {**layer, "network": is_network})
    packs.forget()
