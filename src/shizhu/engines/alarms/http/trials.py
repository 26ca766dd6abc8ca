"""Where a dry run would have raised alarms, drawn."""

from __future__ import annotations

from collections import Counter

from django.utils.translation import gettext as _

from shizhu.engines.alarms.http import pictures
from shizhu.engines.alarms.http.pictures import Spots
from shizhu.engines.alarms.trying import Trial


def judged(trial: Trial) -> str:
    """How much a dry run looked at."""
    said = _(
        "Judged %(sources)s sources and %(readings)s readings, as they are known now. "
        "Nothing was written, nobody was told."
    )
    return said % {"sources": trial.sources, "readings": trial.readings}


def spots(trial: Trial, county: str) -> Spots | None:
    """How often it would have been where; None where no place is known."""
    streams = {one.stream.id: one.stream for one in trial.firings}
    counted = Counter(one.stream.id for one in trial.firings).most_common()
    return pictures.spots(county, [(streams[id_], count, "") for id_, count in counted])
