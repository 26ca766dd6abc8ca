"""HJ 212 (污染物在线监控数据传输): pollutant monitors to the platform, editions 2005, 2017 and 2025.

Bytes in, packets out, and back: `Framer` cuts the stream, `decode` reads a frame, `Reassembler` joins parts, `values`
takes the numbers out, the `*_answer` functions build what must be sent back, `encode` writes it. Everything is pure.

The 2025 edition is read by the rules of 2017 under its own Flag; that is not checked against the text of 2025.
"""

from shizhu.wire.hj212.answers import (
    DATA_ANSWER,
    EXECUTION_ANSWER,
    NOTIFY_ANSWER,
    REQUEST_ANSWER,
    DataMark,
    ExeRtn,
    QnRtn,
    data_answer,
    execution_answer,
    notify_answer,
    request_answer,
)
from shizhu.wire.hj212.codes import FACTORS, Factor, find_factor
from shizhu.wire.hj212.errors import LENIENT, STRICT, Code, FrameError, Profile, Remark
from shizhu.wire.hj212.frame import Decoded, decode, encode
from shizhu.wire.hj212.framer import Framer, Garbage
from shizhu.wire.hj212.packet import ANSWER_WANTED, HAS_PARTS, Edition, Group, Packet, Pair, flag_of
from shizhu.wire.hj212.parts import Assembly, Reassembler, split
from shizhu.wire.hj212.times import format_qn, format_time, parse_qn, parse_time
from shizhu.wire.hj212.values import Extracted, Value, values

__all__ = [
    "ANSWER_WANTED",
    "DATA_ANSWER",
    "EXECUTION_ANSWER",
    "FACTORS",
    "HAS_PARTS",
    "LENIENT",
    "NOTIFY_ANSWER",
    "REQUEST_ANSWER",
    "STRICT",
    "Assembly",
    "Code",
    "DataMark",
    "Decoded",
    "Edition",
    "ExeRtn",
    "Extracted",
    "Factor",
    "FrameError",
    "Framer",
    "Garbage",
    "Group",
    "Packet",
    "Pair",
    "Profile",
    "QnRtn",
    "Reassembler",
    "Remark",
    "Value",
    "data_answer",
    "decode",
    "encode",
    "execution_answer",
    "find_factor",
    "flag_of",
    "format_qn",
    "format_time",
    "notify_answer",
    "parse_qn",
    "parse_time",
    "request_answer",
    "split",
    "values",
]
