"""Check rules (校验) of the device protocols, in one place because several look alike and are not.

HJ 212 and Modbus share the polynomial A001 and the start value FFFF, but fold each byte in differently, so that the
same bytes give different results.
"""

__all__ = ["hj212_crc", "modbus_crc"]


def _shifted(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value


_TABLE = tuple(_shifted(value) for value in range(256))


def hj212_crc(data: bytes) -> int:
    """CRC16 of HJ 212-2017 Appendix A over the data segment, 0..65535; printed as four hex digits, high byte first."""
    register = 0xFFFF
    for byte in data:
        register = _TABLE[(register >> 8) ^ byte]
    return register


def modbus_crc(data: bytes) -> int:
    """CRC-16 of Modbus over serial line V1.02 §6.2.2, 0..65535; Modbus RTU sends the low byte first."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ _TABLE[(register ^ byte) & 0xFF]
    return register
