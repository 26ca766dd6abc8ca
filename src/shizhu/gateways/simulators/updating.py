"""What a simulated device does with a firmware: download in parts over a line that breaks, verify, install or fail."""

from __future__ import annotations

import base64
import hashlib
import random
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from shizhu.gateways.simulators.hj212 import Faults

CONFIGURE = "apply_configuration"
PARTS = 8  # in so many it downloads
TRIES = 6  # of each
WAIT_SECONDS = 0.5  # between two parts, at most
Said = Mapping[str, Any]


def _part(url: str, credential: tuple[str, str], first: int, last: int) -> bytes:
    shown = base64.b64encode(":".join(credential).encode()).decode()
    headers = {"Authorization": f"Basic {shown}", "Range": f"bytes={first}-{last}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:  # noqa: S310
        data: bytes = answer.read()
    return data


def steps(
    asked: Mapping[str, Any], credential: tuple[str, str], faults: Faults, chance: random.Random
) -> Iterator[Said]:
    """What it says on the way, and last how it ended."""
    size, data = asked["size"], b""
    length = -(-size // PARTS)
    while len(data) < size:
        for _ in range(TRIES):
            time.sleep(chance.random() * WAIT_SECONDS)
            if chance.random() < faults.lose:
                continue
            try:
                data += _part(asked["url"], credential, len(data), min(len(data) + length, size) - 1)
                break
            except OSError:
                continue
        else:
            yield {"state": "failed", "result": {"reason": "下载多次中断"}}
            return
        yield {"state": "acknowledged", "stage": "downloading", "percent": 100 * len(data) // size}
    if len(data) != size or hashlib.sha256(data).hexdigest() != asked["sha256"]:
        yield {"state": "failed", "result": {"reason": "文件长度或 SHA-256 不符"}}
        return
    yield {"state": "acknowledged", "stage": "verified"}
    time.sleep(chance.random() * WAIT_SECONDS)
    yield {"state": "acknowledged", "stage": "installing"}
    time.sleep(chance.random() * WAIT_SECONDS)
    if chance.random() < faults.fail:
        yield {"state": "failed", "result": {"reason": "安装后自检未通过，已恢复原版本"}}
    else:
        yield {"state": "done", "result": {"version": asked["version"]}}
