"""Check rules against published values and against the bit-by-bit form the standard prints."""

import hypothesis.strategies as st
from hypothesis import given

from shizhu.wire.checks import hj212_crc, modbus_crc

APPENDIX_A = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register, carry = register >> 1, register & 1
            if carry:
                register ^= 0xA001
    return register


def test_hj212_appendix_a() -> None:
    assert hj212_crc(APPENDIX_A) == 0x1C80


def test_modbus_catalogue_value() -> None:
    assert modbus_crc(b"123456789") == 0x4B37  # the CRC catalogue's check value of CRC-16/MODBUS


def test_modbus_residue() -> None:
    assert modbus_crc(b"\x01\x03\x00\x00\x00\x01\x84\x0a") == 0  # a request with its own CRC, low byte first


def test_of_nothing() -> None:
    assert (hj212_crc(b""), modbus_crc(b"")) == (0xFFFF, 0xFFFF)


@given(st.binary(max_size=64))
def test_hj212_equals_the_printed_algorithm(data: bytes) -> None:
    assert hj212_crc(data) == bit_by_bit(data)
