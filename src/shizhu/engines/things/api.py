"""The door of the things engine."""

from __future__ import annotations

from shizhu.engines.things.catalogue import Registry
from shizhu.engines.things.devices import DeviceRefused, Grant, Registration, login, register
from shizhu.engines.things.ingest import ingest, prepare_source
from shizhu.engines.things.logic.readings import KnownDevice, Origin, Sample, Submission, Verdict

__all__ = [
    "DeviceRefused", "Grant", "KnownDevice", "Origin", "Registration", "Registry", "Sample", "Submission", "Verdict",
    "ingest", "login", "prepare_source", "register",
]  # fmt: skip
