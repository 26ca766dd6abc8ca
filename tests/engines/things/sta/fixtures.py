"""Fixtures of the SensorThings service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from tests.engines.things.sta.service import Service, World, running, world

from shizhu.kernel.models import County
from shizhu.web import authentication


@pytest.fixture
def closed(transactional_db: None) -> Iterator[Service]:
    """The service as it is by default: one must log in."""
    authentication.forget()
    with running() as service:
        yield service


@pytest.fixture
def service(closed: Service, monkeypatch: Any) -> Service:
    """The service with --open."""
    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, is_open=True))
    return closed


@pytest.fixture
def towns(county: County) -> World:
    """Two towns with a station each."""
    return world(county)
