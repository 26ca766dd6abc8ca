"""An operator for texts, calls and loudspeakers that is not real: it takes, loses, delays and repeats as real ones do.

Which of them is decided by chance from a seed, so that a run can be repeated. What it tells goes to `report`, or to the
path below it that came with the message: signed status reports, as `{"reports": [{"token", "status": "DELIVRD" |
"UNDELIV" | "READ", "why", "answer"}]}`; READ is that somebody pressed a key or answered, and `answer`
which; nobody has the numbers `empty` (空号), and strangers at those of `strangers` press 2. It is a group robot of
WeCom too, which answers as that does and reports nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import random
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Operator:
    """How badly it works, as shares of what it takes; `sent` is all that it has taken."""

    account: str
    secret: str
    report: str = ""
    loses: float = 0.05
    refuses: float = 0.02
    repeats: float = 0.1
    delay: float = 2.0  # seconds, at most
    answers: float = 0.0  # of what arrives: somebody presses a key or writes back; a loudspeaker never
    empty: frozenset[str] = frozenset()
    strangers: frozenset[str] = frozenset()
    seed: int = 1
    port: int = 0  # 0: any that is free
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311  # nothing secret
        operator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(operator.take(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_given: Any) -> None:
                """It keeps no log."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # several call at once

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"http://127.0.0.1:{self.server.server_port}/send"

    def take(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Its answer to one message."""
        if "msgtype" in asked:
            return self._to_group(asked)
        sign = hashlib.sha256(f"{asked['account']}{self.secret}{asked['timestamp']}".encode()).hexdigest()
        if asked["account"] != self.account or sign != asked["sign"]:
            return {"code": 401, "message": "sign"}
        if self._chance.random() < self.refuses:
            return {"code": 503, "message": "busy"}
        self.sent.append(asked)
        if self._chance.random() >= self.loses:
            times = 2 if self._chance.random() < self.repeats else 1
            wait = self._chance.random() * self.delay
            may_answer = self.answers and asked["kind"] != "speaker"
            has_answered = may_answer and self._chance.random() < self.answers
            told = {"status": "READ", "answer": "1"} if has_answered else {"status": "DELIVRD"}
            if asked["mobile"] in self.empty:
                told = {"status": "UNDELIV", "why": "EMPTY"}
            elif asked["mobile"] in self.strangers:
                told = {"status": "READ", "answer": "2"}
            timer = threading.Timer(wait, self._tell, (asked, told, times))
            timer.daemon = True
            timer.start()
        return {"code": 0, "msgid": f"{len(self.sent)}"}

    def _to_group(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._chance.random() < self.refuses:
            return {"errcode": 45009, "errmsg": "api freq out of limit"}
        text = asked["text"]
        if len(text["content"].encode()) > 2048:
            return {"errcode": 40058, "errmsg": "content size out of limit"}
        mentioned = ",".join(text["mentioned_mobile_list"])
        self.sent.append({"kind": "wecom", "mobile": mentioned, "content": text["content"]})
        return {"errcode": 0, "errmsg": "ok"}

    def _tell(self, asked: dict[str, Any], told: dict[str, str], times: int) -> None:
        if not self.report:
            return
        where = self.report if "/" in self.report.partition("://")[2] else self.report + asked["report"]
        for _ in range(times):
            body = json.dumps({"reports": [{"token": asked["extend"], **told}]}).encode()
            now = str(int(time.time()))
            sign = hmac.new(self.secret.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers = {"X-Shizhu-Timestamp": now, "X-Shizhu-Signature": f"sha256={sign}"}
            sent = urllib.request.Request(where, body, {"Content-Type": "application/json", **headers})  # noqa: S310
            with contextlib.suppress(OSError):  # a report that nobody takes is lost
                urllib.request.urlopen(sent, timeout=10).close()  # noqa: S310

    def stop(self) -> None:
        """It takes nothing any more."""
        self.server.shutdown()
        self.server.server_close()
