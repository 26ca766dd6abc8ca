"""The counties that come with the product can be brought in: each town's point lies in the outline."""

from __future__ import annotations

from shizhu.lib.geometry import cells
from shizhu.site import preparation


def test_every_town_has_a_cell() -> None:
    for folder in preparation.county_folders():
        points = [(float(row["longitude"]), float(row["latitude"])) for row in folder.rows("towns")]
        assert len(cells(points, folder.outline)) == len(points)
