"""HJ 212 values: codes, statistics, marks and times out of uploads."""

from datetime import UTC, datetime, timedelta

import pytest

from shizhu.wire.hj212 import (
    FACTORS,
    Code,
    Group,
    Packet,
    Remark,
    Value,
    find_factor,
    format_qn,
    format_time,
    parse_qn,
    parse_time,
    values,
)

TIME = datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)  # 08:58:57 in China


def upload(*groups: Group, cn: str = "2011", time: str = "20160801085857") -> Packet:
    return Packet(st="32", cn=cn, pw="123456", mn="010000A8900016F000169DC0", cp=((("DataTime", time),), *groups))


def test_real_time() -> None:
    found = values(upload((("w01018-Rtd", "63.0"), ("w01018-Flag", "N")), (("w01001-Rtd", "-7.1"),)))
    assert found.values == (
        Value("w01018", "Rtd", 63.0, "N", TIME, None),
        Value("w01001", "Rtd", -7.1, None, TIME, None),
    )
    assert found.problems == ()


def test_hour_has_all_statistics_of_a_factor() -> None:
    names = ("Cou", "Min", "Avg", "Max", "ZsAvg")
    group = (*((f"a21026-{name}", f"{number}.5") for number, name in enumerate(names)), ("a21026-Flag", "T"))
    found = values(upload(group, cn="2061"))
    assert [(value.statistic, value.number, value.mark) for value in found.values] == [
        ("Cou", 0.5, "T"),
        ("Min", 1.5, "T"),
        ("Avg", 2.5, "T"),
        ("Max", 3.5, "T"),
        ("ZsAvg", 4.5, "T"),
    ]


@pytest.mark.parametrize(
    ("cn", "period"),
    [("2011", None), ("2051", timedelta(minutes=10)), ("2061", timedelta(hours=1)), ("2031", timedelta(days=1))],
)
def test_periods(cn: str, period: timedelta | None) -> None:
    [value] = values(upload((("w01018-Avg", "1"),), cn=cn), minute_interval=timedelta(minutes=10)).values
    assert (value.time, value.period) == (TIME, period)


def test_minute_period_is_unknown_unless_given() -> None:
    assert values(upload((("w01018-Avg", "1"),), cn="2051")).values[0].period is None


def test_day_starts_at_midnight_in_china() -> None:
    [value] = values(upload((("LA-DayData", "56.2"),), cn="2031", time="20160801000000")).values
    assert value == Value("LA", "DayData", 56.2, None, datetime(2016, 7, 31, 16, tzinfo=UTC), timedelta(days=1))


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1_0", "1,5", "0x1", "1e999", "--1", " 1"])
def test_bad_number_spoils_only_itself(text: str) -> None:
    found = values(upload((("w01018-Rtd", text), ("w01018-Flag", "N")), (("w21003-Rtd", "1.2"),)))
    assert found.values == (Value("w21003", "Rtd", 1.2, None, TIME, None),)
    assert found.problems == (Remark(Code.VALUE, "w01018-Rtd", text, "a number"),)


@pytest.mark.parametrize(("text", "number"), [("1", 1.0), ("+1.50", 1.5), (".5", 0.5), ("5.", 5.0), ("1e-3", 0.001)])
def test_numbers(text: str, number: float) -> None:
    assert values(upload((("w01018-Rtd", text),))).values[0].number == number


def test_unknown_keys_are_problems_and_descriptions_are_not() -> None:
    group = (("w01018-SampleTime", "20160801080000"), ("w01018-EFlag", "1"), ("w01018-Foo", "1"), ("PolId", "w01018"))
    found = values(upload(group))
    assert found.values == ()
    assert [(problem.code, problem.field) for problem in found.problems] == [
        (Code.KEY, "w01018-Foo"),
        (Code.KEY, "PolId"),
    ]


@pytest.mark.parametrize("time", ["", "2016080108585", "20161301085857", "201608010858571"])
def test_bad_time_gives_one_problem(time: str) -> None:
    found = values(upload((("w01018-Rtd", "1"),), time=time))
    assert (found.values, [(problem.field, problem.value) for problem in found.problems]) == ((), [("DataTime", time)])


def test_no_time() -> None:
    packet = Packet(st="32", cn="2011", pw="123456", mn="1", cp=((("w01018-Rtd", "1"),),))
    assert [problem.field for problem in values(packet).problems] == ["DataTime"]


def test_other_commands_have_no_values() -> None:
    [problem] = values(upload((("w01018-Rtd", "1"),), cn="3020")).problems
    assert (problem.field, problem.value) == ("CN", "3020")


def test_times_and_request_numbers_are_china_time() -> None:
    assert (format_time(TIME), parse_time("20160801085857")) == ("20160801085857", TIME)
    moment = TIME + timedelta(milliseconds=223)
    assert (format_qn(moment), parse_qn("20160801085857223")) == ("20160801085857223", moment)


def test_factors_are_found_by_both_codes() -> None:
    assert [find_factor(code).en for code in ("w01018", "011")] == ["chemical oxygen demand"] * 2
    assert find_factor("z99999") is None


def test_every_code_is_used_once() -> None:
    codes = [code for factor in FACTORS for code in (factor.code, factor.older) if code]
    assert len(codes) == len(set(codes))
