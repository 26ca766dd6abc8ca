"""One-time passwords against the tables of the RFCs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib import totp

SECRET = b"12345678901234567890"
HOTP = [  # RFC 4226, appendix D
    "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
]  # fmt: skip
TOTP = [  # RFC 6238, appendix B, SHA-1, eight digits
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
]  # fmt: skip


def test_codes_of_rfc_4226() -> None:
    assert [totp.code(SECRET, step) for step in range(10)] == HOTP


@pytest.mark.parametrize(("moment", "code"), TOTP)
def test_codes_of_rfc_6238(moment: int, code: str) -> None:
    assert totp.code(SECRET, moment // totp.STEP_SECONDS, 8) == code
    assert totp.step_of(SECRET, code[2:], moment) == moment // totp.STEP_SECONDS


@given(st.binary(min_size=20, max_size=20), st.integers(min_value=100, max_value=4_000_000_000))
def test_a_code_is_good_one_step_around_and_no_more(secret: bytes, moment: int) -> None:
    step = moment // totp.STEP_SECONDS
    code = totp.code(secret, step)
    assert totp.step_of(secret, code, moment + totp.STEP_SECONDS) is not None
    if code not in {totp.code(secret, step + more) for more in (1, 2, 3)}:
        assert totp.step_of(secret, code, moment + 2 * totp.STEP_SECONDS) is None


def test_the_address_that_an_app_reads() -> None:
    assert totp.base32(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.address(SECRET, "石柱 a.test", "chief") == (
        "otpauth://totp/%E7%9F%B3%E6%9F%B1%20a.test:chief"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=%E7%9F%B3%E6%9F%B1%20a.test"
    )
