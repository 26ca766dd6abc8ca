"""Tables of readings: what a mapping makes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shizhu.engines.things.logic.readings import Sample
from shizhu.engines.things.logic.tables import Row, TableRefused, read

MAPPING: dict[str, Any] = {
    "station": {"column": "站"},
    "time": {"column": "时间", "format": "%d-%m-%Y %H:%M"},
    "blank": ["", "--"],
    "columns": {"水位": "stage", "流量": "flow"},
}
NINE = datetime(2026, 7, 1, 1, tzinfo=UTC)  # 09:00 in China


def rows(*lines: str) -> list[Row]:
    return list(read(lines, MAPPING))


def test_a_row_is_a_station_a_time_and_its_values() -> None:
    (row,) = rows("\ufeff站,水系,时间,水位,流量", "甲,江,01-07-2026 09:00,169.28,20600")
    assert row == Row(
        2,
        "甲",
        "甲,江,01-07-2026 09:00,169.28,20600",
        (Sample("stage", NINE, 169.28), Sample("flow", NINE, 20600.0)),
        (),
    )


def test_blanks_are_no_values_and_no_faults() -> None:
    (row,) = rows("站,时间,水位,流量", "甲,01-07-2026 09:00,--,")
    assert (row.samples, row.rejects) == ((), ())


@pytest.mark.parametrize(
    ("line", "reject"),
    [
        (
            "甲,01-07-2026 09:00,坏了,1",
            ("水位", "坏了", "a value must be a number, or one of the blanks of the mapping"),
        ),
        ("甲,2026/07/01,1,1", ("时间", "2026/07/01", "a time must look like %d-%m-%Y %H:%M")),
        (",01-07-2026 09:00,1,1", ("站", "", "a row must name its station")),
        ("甲,01-07-2026 09:00", ("row 2", "2", "a row must have 4 cells")),
    ],
)
def test_what_cannot_be_read_names_column_value_and_rule(line: str, reject: tuple[str, str, str]) -> None:
    (row,) = rows("站,时间,水位,流量", line)
    assert row.rejects == (reject,)


def test_a_good_value_beside_a_bad_one_is_kept() -> None:
    (row,) = rows("站,时间,水位,流量", "甲,01-07-2026 09:00,坏了,3")
    assert row.samples == (Sample("flow", NINE, 3.0),)


def test_a_table_without_a_column_is_refused_by_name() -> None:
    with pytest.raises(TableRefused, match="lacks the column.s. 流量"):
        rows("站,时间,水位", "甲,01-07-2026 09:00,1")
