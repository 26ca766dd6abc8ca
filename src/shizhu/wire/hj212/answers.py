"""Answers (应答) and the result codes they carry (HJ 212-2017 §6.1–6.2, Tables 6–8)."""

from enum import IntEnum, StrEnum

from shizhu.wire.hj212.packet import ANSWER_WANTED, HAS_PARTS, Edition, Packet, Pair

__all__ = [
    "DATA_ANSWER",
    "EXECUTION_ANSWER",
    "NOTIFY_ANSWER",
    "REQUEST_ANSWER",
    "DataMark",
    "ExeRtn",
    "QnRtn",
    "data_answer",
    "execution_answer",
    "notify_answer",
    "request_answer",
]

REQUEST_ANSWER, EXECUTION_ANSWER, NOTIFY_ANSWER, DATA_ANSWER = "9011", "9012", "9013", "9014"
_INTERACTION = "91"  # system code (系统编码) of every answer


class QnRtn(IntEnum):
    """What the receiver makes of a request (请求返回码, Table 7)."""

    READY = 1
    REFUSED = 2
    WRONG_PASSWORD = 3
    WRONG_MN = 4
    WRONG_ST = 5
    WRONG_FLAG = 6
    WRONG_QN = 7
    WRONG_CN = 8
    WRONG_CRC = 9
    UNKNOWN = 100


class ExeRtn(IntEnum):
    """How the execution of a request ended (执行结果, Table 6)."""

    DONE = 1
    FAILED = 2
    WRONG_CONDITION = 3
    TIMEOUT = 4
    BUSY = 5
    SYSTEM_FAULT = 6
    NO_DATA = 100


class DataMark(StrEnum):
    """State of the instrument behind a value (数据标记, Table 8)."""

    NORMAL = "N"
    STOPPED = "F"
    MAINTENANCE = "M"
    MANUAL = "S"
    FAULT = "D"
    CALIBRATING = "C"
    OVER_RANGE = "T"
    COMMUNICATION_ERROR = "B"


def request_answer(packet: Packet, result: QnRtn) -> Packet:
    """9011: accept or refuse a request (请求应答)."""
    return _answer(packet, REQUEST_ANSWER, ("QnRtn", str(int(result))))


def execution_answer(packet: Packet, result: ExeRtn) -> Packet:
    """9012: the result of a request (执行结果)."""
    return _answer(packet, EXECUTION_ANSWER, ("ExeRtn", str(int(result))))


def notify_answer(packet: Packet) -> Packet:
    """9013: a notification has arrived (通知应答)."""
    return _answer(packet, NOTIFY_ANSWER)


def data_answer(packet: Packet) -> Packet:
    """9014: an upload has arrived (数据应答); in the 2005 edition it also names the command answered."""
    return _answer(packet, DATA_ANSWER, *([("CN", packet.cn)] if packet.edition is Edition.E2005 else []))


def _answer(packet: Packet, cn: str, *pairs: Pair) -> Packet:
    # Devices of 2005 look for the request number in CP (its Annex C), later ones in the head; both are given.
    if packet.edition is Edition.E2005 and packet.qn is not None:
        pairs = (("QN", packet.qn), *pairs)
    return Packet(
        qn=packet.qn,
        st=_INTERACTION,
        cn=cn,
        pw=packet.pw,
        mn=packet.mn,
        flag=None if packet.flag is None else packet.flag & ~(ANSWER_WANTED | HAS_PARTS),
        cp=tuple((pair,) for pair in pairs),
    )
