"""`shizhu device-check FILE --profile P`: a vendor's recorded packets against a profile, without a database."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from shizhu.site.config import Trouble

FAILED = 1


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="HJ 212 frames as they came, or a line of telemetry JSON per message")
    parser.add_argument("--profile", required=True, help="device profile, such as ecology.water_station")
    parser.add_argument("--report", type=Path, help="write the report there (.docx)")


def main(options: argparse.Namespace) -> int:
    """Print the report; 0 if the device passes, 1 if it does not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    packs = importlib.import_module("shizhu.kernel.packs")
    things = importlib.import_module("shizhu.engines.things.api")
    profile = packs.find(packs.read_all(), "things", options.profile)
    if profile is None:
        raise Trouble(f"no pack declares the profile {options.profile}: check --profile")
    try:
        data = options.file.read_bytes()
    except OSError as error:
        raise Trouble(f"{options.file} cannot be read ({error.strerror}): check the path") from None
    bench = things.Bench(profile)
    if data.lstrip().startswith(b"##"):
        _frames(bench, data, things)
    else:
        _telemetry(bench, data)
    rows = list(report(bench, profile))
    for name, told in rows:
        print(f"{name}：{told}")
    if options.report:
        official = importlib.import_module("shizhu.kernel.official")
        title = f"设备接入检测报告：{profile['title']['zh']}"
        parts = [f"被测文件：{options.file.name}", official.Table(rows, widths=(4.5, 11.5))]
        options.report.write_bytes(official.filed(title, parts, source="shizhu device-check"))
    return 0 if bench.is_passed else FAILED


def _frames(bench: Any, data: bytes, things: Any) -> None:
    hj212, gateway = (importlib.import_module(f"shizhu.{name}.hj212") for name in ("wire", "gateways"))
    now = datetime.now(UTC)
    for piece in hj212.Framer().feed(data):
        if isinstance(piece, hj212.Garbage):
            bench.refuse("frame", gateway.NO_FRAME)
            continue
        try:
            decoded = hj212.decode(piece)
        except hj212.FrameError as error:
            bench.refuse(error.field, error.rule)
            continue
        if decoded.packet.cn not in gateway.UPLOADS:
            continue
        bench.samples(*gateway.read(decoded.packet), now)


def _telemetry(bench: Any, data: bytes) -> None:
    """Lines of telemetry; `{"received": "…", "payload": …}` says too when each was received."""
    for line in filter(bytes.strip, data.splitlines()):
        received, payload, is_known = datetime.now(UTC), line, False
        try:
            said = json.loads(line)
            if isinstance(said, dict) and "payload" in said:
                received, is_known = datetime.fromisoformat(said["received"]), True
                payload = json.dumps(said["payload"]).encode()
        except (ValueError, KeyError, TypeError):
            pass  # the decoder says what is wrong with it
        bench.telemetry(payload, received, is_received_known=is_known)


def report(bench: Any, profile: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The report, line by line (the vendors read Chinese)."""
    titles = {name: item["title"]["zh"] for name, item in profile["properties"].items()}
    yield "结论", "通过" if bench.is_passed else "不通过"
    yield "报文", f"{bench.packets} 个"
    yield "读数", f"{bench.readings} 个"
    yield "校验错误", f"{sum(n for (name, _), n in bench.refused.items() if name == 'CRC')} 个"
    for (name, rule), number in sorted(bench.refused.items()):
        yield f"拒收 {name}", f"{number} 次：{rule}"
    for name, number in bench.out_of_range.items():
        yield f"超出可信范围 {titles[name]}", f"{number} 次，范围 {profile['properties'][name]['range']}"
    for name, number in bench.doubted.items():
        yield f"设备自标存疑 {titles[name]}", f"{number} 次"
    yield "重复", f"{bench.duplicates} 个（同一时间同一值，将被忽略）"
    yield "更正", f"{bench.corrections} 个（同一时间不同值，将另存为更正）"
    if bench.delay is None:
        yield "时钟", "文件未记录接收时间，无法判断"
    else:
        yield "时钟", f"接收时间减监测时间的中位数 {bench.delay.total_seconds():g} 秒"
    for name, one in bench.intervals().items():
        yield f"间隔 {titles[name]}", f"{one.median.total_seconds():g} 秒，{one.regular:.0%} 符合"
    if bench.silent:
        yield "从未出现", "、".join(titles[name] for name in bench.silent)
