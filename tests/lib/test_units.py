"""Units of declarations are UCUM codes."""

from __future__ import annotations

import pytest

from shizhu.lib.units import is_known

KNOWN = (
    "mg/L", "Cel", "[pH]", "uS/cm", "{NTU}", "m", "m3/s", "km2", "/mo", "{person}", "10*4.[CNY]", "%", "kW.h", "ug/m3",
    "10*3/uL", "mm[Hg]", "dB", "m/s2", "1", "kg/(m2.s)", "L{dry}/min", "{times}/a", "MiBy", "s-1",
)  # fmt: skip
UNKNOWN = (
    "",
    "mg/l.",
    "/",
    "个",
    "mg/升",
    "[USD]",
    "ppm",
    "kph",
    "celsius",
    "m^3",
    "3m",
    "{a b}",
    "{亩}",
    "mmin",
    "m//s",
)


@pytest.mark.parametrize("code", KNOWN)
def test_a_ucum_code_is_known(code: str) -> None:
    assert is_known(code) is True


@pytest.mark.parametrize("code", UNKNOWN)
def test_anything_else_is_not(code: str) -> None:
    assert is_known(code) is False
