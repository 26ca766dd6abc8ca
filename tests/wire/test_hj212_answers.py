"""HJ 212 answers, checked against the forms of HJ 212-2017 Annex C (C.1, C.4) and of the 2005 edition."""

from dataclasses import replace

import pytest

from shizhu.wire.hj212 import (
    DataMark,
    ExeRtn,
    Packet,
    QnRtn,
    data_answer,
    decode,
    encode,
    execution_answer,
    notify_answer,
    request_answer,
)

MN = "010000A8900016F000169DC0"
REQUEST = Packet(
    qn="20160801085857223",
    st="32",
    cn="1000",
    pw="123456",
    mn=MN,
    flag=5,
    cp=((("OverTime", "5"),), (("ReCount", "3"),)),
)
UPLOAD = replace(REQUEST, cn="2011", cp=((("DataTime", "20160801085857"),),))


def segment(packet: Packet) -> str:
    return encode(packet)[6:-6].decode()


def answer(cn: str, cp: str) -> str:
    return f"QN=20160801085857223;ST=91;CN={cn};PW=123456;MN={MN};Flag=4;CP=&&{cp}&&"


def test_request_answer() -> None:
    assert segment(request_answer(REQUEST, QnRtn.READY)) == answer("9011", "QnRtn=1")
    assert segment(request_answer(REQUEST, QnRtn.WRONG_PASSWORD)) == answer("9011", "QnRtn=3")


def test_execution_answer() -> None:
    assert segment(execution_answer(REQUEST, ExeRtn.DONE)) == answer("9012", "ExeRtn=1")
    assert segment(execution_answer(REQUEST, ExeRtn.NO_DATA)) == answer("9012", "ExeRtn=100")


def test_notify_answer() -> None:
    assert segment(notify_answer(REQUEST)) == answer("9013", "")


def test_data_answer() -> None:
    assert segment(data_answer(UPLOAD)) == answer("9014", "")


@pytest.mark.parametrize(("flag", "expected"), [(4, 4), (5, 4), (6, 4), (7, 4), (9, 8), (11, 8)])
def test_answer_wants_no_answer_and_has_no_parts(flag: int, expected: int) -> None:
    split = {"pnum": 2, "pno": 1} if flag & 2 else {}
    packet = data_answer(replace(UPLOAD, flag=flag, **split))
    assert (packet.flag, packet.pnum, packet.pno) == (expected, None, None)
    assert decode(encode(packet)).packet == packet


def test_2005_answers_also_name_the_request_in_cp() -> None:
    old = replace(UPLOAD, mn="88888880000001", flag=1)
    assert data_answer(old).cp == ((("QN", "20160801085857223"),), (("CN", "2011"),))
    assert request_answer(old, QnRtn.READY).cp == ((("QN", "20160801085857223"),), (("QnRtn", "1"),))
    assert (data_answer(old).qn, data_answer(old).flag) == ("20160801085857223", 0)


def test_2005_upload_without_qn_and_flag() -> None:
    packet = data_answer(replace(UPLOAD, mn="88888880000001", qn=None, flag=None))
    assert (packet.qn, packet.flag, packet.cp) == (None, None, ((("CN", "2011"),),))


def test_codes_of_the_standard() -> None:
    assert [int(code) for code in QnRtn] == [*range(1, 10), 100]
    assert [int(code) for code in ExeRtn] == [*range(1, 7), 100]
    assert "".join(DataMark) == "NFMSDCTB"
