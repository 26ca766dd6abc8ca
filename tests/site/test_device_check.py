"""`shizhu device-check`: what a vendor recorded, against a profile, without a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docx

from shizhu.wire import hj212

SHIZHU = Path(sys.executable).parent / "shizhu"
START = datetime(2026, 7, 1, tzinfo=UTC)


def check(file: Path, *more: str, profile: str = "rivers.stage_station") -> tuple[int, list[str]]:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "NATS_URL"}}
    done = subprocess.run(
        [SHIZHU, "device-check", file, "--profile", profile, *more],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    return done.returncode, (done.stdout or done.stderr).splitlines()


def line(minute: int, values: dict[str, object], late: float = 2.0) -> str:
    at = START + timedelta(minutes=minute)
    received = at + timedelta(seconds=late)
    return json.dumps({"received": received.isoformat(), "payload": {"time": at.isoformat(), "values": values}})


def test_a_good_recording_passes_and_the_report_says_so(tmp_path: Path) -> None:
    file, report = tmp_path / "good.jsonl", tmp_path / "report.docx"
    file.write_text("\n".join(line(5 * n, {"stage": 119.5 + n / 100, "flow": 12.0}) for n in range(5)))
    code, said = check(file, "--report", str(report))
    assert (code, said) == (0, [
        "结论：通过", "报文：5 个", "读数：10 个", "校验错误：0 个", "重复：0 个（同一时间同一值，将被忽略）",
        "更正：0 个（同一时间不同值，将另存为更正）", "时钟：接收时间减监测时间的中位数 2 秒",
        "间隔 水位：300 秒，100% 符合", "间隔 流量：300 秒，100% 符合",
    ])  # fmt: skip
    table = docx.Document(str(report)).tables[0]
    assert [cell.text for cell in table.rows[0].cells] == ["结论", "通过"]


def test_what_is_wrong_is_counted_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    good = line(0, {"stage": 119.5})
    file.write_text("\n".join([good, good, line(0, {"stage": 120.0}), line(5, {"stage": 9e9, "salt": 3}), "nonsense"]))
    code, said = check(file)
    assert code == 1
    wanted = {
        "结论：不通过", "报文：5 个", "读数：4 个", "重复：1 个（同一时间同一值，将被忽略）",
        "更正：1 个（同一时间不同值，将另存为更正）", "超出可信范围 水位：1 次，范围 [-10, 5000]",
        "拒收 salt：1 次：the device's profile has no such property", "从未出现：流量",
    }  # fmt: skip
    assert wanted - set(said) == set()


def test_a_clock_ahead_fails(tmp_path: Path) -> None:
    file = tmp_path / "ahead.jsonl"
    file.write_text("\n".join(line(n, {"stage": 1.0 + n}, late=-300.0) for n in range(3)))
    assert check(file)[0] == 1


def test_hj212_frames_are_read_by_the_codec(tmp_path: Path) -> None:
    file = tmp_path / "frames.hj212"
    packet = hj212.Packet(
        qn="20260701080000000", st="21", cn="2011", pw="123456", mn="0" * 24, flag=5,
        cp=((("DataTime", "20260701080000"),), (("w01009-Rtd", "7.25"), ("w01009-Flag", "N"))),
    )  # fmt: skip
    frame = hj212.encode(packet)
    file.write_bytes(frame + frame[:-6] + b"0000\r\n")
    code, said = check(file, profile="ecology.water_station")
    assert (code, said[:4]) == (1, ["结论：不通过", "报文：2 个", "读数：1 个", "校验错误：1 个"])


def test_a_profile_that_nobody_declares(tmp_path: Path) -> None:
    code, said = check(tmp_path / "x", profile="no.such")
    assert (code, said) == (2, ["shizhu: no pack declares the profile no.such: check --profile"])
