"""National holidays of China and the weekend days worked in exchange (调休), one notice of the State Council a year.

Sources: 国务院办公厅关于部分节假日安排的通知, 国办发明电〔2023〕7号 (2024), 〔2024〕12号 (2025), 〔2025〕7号 (2026).
"""

from datetime import date, timedelta

HOLIDAYS: tuple[tuple[str, int], ...] = (  # first day, how many days
    ("2024-01-01", 1), ("2024-02-10", 8), ("2024-04-04", 3), ("2024-05-01", 5), ("2024-06-10", 1), ("2024-09-15", 3),
    ("2024-10-01", 7),
    ("2025-01-01", 1), ("2025-01-28", 8), ("2025-04-04", 3), ("2025-05-01", 5), ("2025-05-31", 3), ("2025-10-01", 8),
    ("2026-01-01", 3), ("2026-02-15", 9), ("2026-04-04", 3), ("2026-05-01", 5), ("2026-06-19", 3), ("2026-09-25", 3),
    ("2026-10-01", 7),
)  # fmt: skip
IN_EXCHANGE: tuple[str, ...] = (
    "2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14", "2024-09-29", "2024-10-12",
    "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11",
    "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
)  # fmt: skip
YEARS = range(2024, 2027)
FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}  # days off by the calendar of the sun
FREE = frozenset(
    date.fromisoformat(first) + timedelta(days=number) for first, days in HOLIDAYS for number in range(days)
)
WORKED = frozenset(map(date.fromisoformat, IN_EXCHANGE))


def is_workday(day: date) -> bool:
    """Whether offices work on a day.

    Of a year whose notice is not known, Monday to Friday are taken but for the days that are off in every year
    (全国年节及纪念日放假办法, State Council order 795 of 2024, article 2); those of the moon are not.
    """
    return day in WORKED or (day.weekday() < 5 and not is_holiday(day))


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday, as far as is known."""
    return day in FREE or (day.year not in YEARS and (day.month, day.day) in FIXED)
