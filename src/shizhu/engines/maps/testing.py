"""What a pack's layers must show: something for whoever may see it, in few questions, and nothing for others."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.test.utils import CaptureQueriesContext

from shizhu.engines.maps import api
from shizhu.kernel import access, testing
from shizhu.kernel.packs import Body
from shizhu.kernel.testing import Trial

MOST_QUESTIONS = 12  # to the database, for a layer


def check(trial: Trial, key: str, body: Body) -> Iterator[str]:
    """The layer has features where the pack has samples."""
    layer = next(found for found in api.layers(trial.county.pk) if found.key == key)
    who = access.actor(trial.root)
    with CaptureQueriesContext(connection) as asked:
        features = api.features(who, trial.county.pk, layer)
    if not features:
        yield "shows nothing of the samples that the pack's declarations made"
    if len(asked) > MOST_QUESTIONS:
        yield f"asks the database {len(asked)} times, at most {MOST_QUESTIONS}"
    if api.features(access.actor(trial.stranger), trial.county.pk, layer):
        yield "shows something to a person without a role"


testing.proof("layers", check)
testing.door(
    "layers", testing.Door(lambda key: f"/map/layers/{key}.geojson", lambda who, _key: who.has("maps.map.view"))
)
