"""Measured values in uploads (HJ 212-2017 §6.3.3 Table 4, §6.6)."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shizhu.wire.hj212.errors import Code, Remark
from shizhu.wire.hj212.packet import Group, Packet
from shizhu.wire.hj212.times import parse_time

__all__ = ["Extracted", "Value", "values"]

_PERIODS = {"2011": None, "2051": None, "2061": timedelta(hours=1), "2031": timedelta(days=1)}
_MINUTE_DATA = "2051"
_PLAIN = ("Rtd", "Min", "Avg", "Max", "Cou")
_CONVERTED = tuple(f"Zs{name}" for name in _PLAIN)  # ZsCou is not in Table 4 but seen in the field
_STATISTICS = (*_PLAIN, *_CONVERTED, "Data", "DayData", "NightData")
_DESCRIPTIONS = frozenset({"Flag", "EFlag", "SampleTime", "Info", "SN"})
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")  # float() alone takes "nan" and "1_0"


@dataclass(frozen=True, slots=True)
class Value:
    """One number of one factor.

    code: the factor as sent (因子编码). mark: the data mark (数据标记) as sent, None if not sent.
    statistic: Rtd, Min, Avg, Max, Cou (total), their Zs forms (converted, 折算), or Data, DayData, NightData (noise).
    time: UTC, the sampling instant of real-time data, the START of the period of all others.
    period: None for real-time data and where it is not known.
    """

    code: str
    statistic: str
    number: float
    mark: str | None
    time: datetime
    period: timedelta | None


@dataclass(frozen=True, slots=True)
class Extracted:
    """The values of an upload, and what could not be read as one."""

    values: tuple[Value, ...]
    problems: tuple[Remark, ...]


def values(packet: Packet, minute_interval: timedelta | None = None) -> Extracted:
    """The values of a real-time (2011), minute (2051), hour (2061) or day (2031) upload.

    Minute data do not say how long their period is: the device's setting (MinInterval) is passed as `minute_interval`.
    One bad item spoils only itself; a bad DataTime or another command gives no values and one problem.
    """
    if packet.cn not in _PERIODS:
        return _nothing("CN", packet.cn, f"an upload of values: {', '.join(_PERIODS)}")
    text = packet.value("DataTime") or ""
    try:
        time = parse_time(text)
    except ValueError:
        return _nothing("DataTime", text, "14 digits YYYYMMDDhhmmss, a real time")
    period = minute_interval if packet.cn == _MINUTE_DATA else _PERIODS[packet.cn]
    found = [item for group in packet.cp for item in _read(group, time, period)]
    return Extracted(
        tuple(item for item in found if isinstance(item, Value)),
        tuple(item for item in found if isinstance(item, Remark)),
    )


def _nothing(field: str, value: str, rule: str) -> Extracted:
    return Extracted((), (Remark(Code.VALUE, field, value, rule),))


def _read(group: Group, time: datetime, period: timedelta | None) -> Iterator[Value | Remark]:
    sent = dict(group)
    for key, text in group:
        code, _, suffix = key.partition("-")
        if key == "DataTime" or suffix in _DESCRIPTIONS:
            continue
        if suffix not in _STATISTICS:
            yield Remark(Code.KEY, key, text, f"a factor and one of {', '.join(_STATISTICS)}")
        elif not _NUMBER.fullmatch(text) or math.isinf(float(text)):
            yield Remark(Code.VALUE, key, text, "a number")
        else:
            yield Value(code, suffix, float(text), sent.get(f"{code}-Flag") or None, time, period)
