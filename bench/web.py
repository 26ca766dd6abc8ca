"""A person at a running stack: one connection that stays open."""

from __future__ import annotations

import http.client
import re
import statistics
import time
from urllib.parse import urlencode


class Visitor:
    """Keeps its cookies; follows nothing."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        """What it shows."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def fetch(self, path: str) -> tuple[int, bytes]:
        """GET as it is sent: (status, bytes)."""
        headers = {"Cookie": self.cookie}
        self._line.request("GET", path, headers={**headers, "Accept-Encoding": "gzip"})
        answer = self._line.getresponse()
        return answer.status, answer.read()

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """GET, or POST a form: (status, body)."""
        headers = {"Cookie": self.cookie}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._line.request("GET" if form is None else "POST", path, form and urlencode(form), headers)
        answer = self._line.getresponse()
        body = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, body

    def led(self, path: str, body: bytes | None = None, media: str = "application/x-www-form-urlencoded") -> str:
        """Where GET, or POST of a body, leads; the form's token goes along in a header."""
        headers = {"Cookie": self.cookie}
        if body is not None:
            headers |= {"Content-Type": media, "X-CSRFToken": self._cookies["csrftoken"]}
        self._line.close()  # it may have idled too long; the next request opens a new one
        self._line.request("GET" if body is None else "POST", path, body, headers)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status != 302:
            raise RuntimeError(f"{path} answered {answer.status}: {said[:500]!r}")
        return str(answer.headers["Location"])

    def log_in(self, name: str, password: str) -> None:
        """As the form of the page does."""
        _, page = self.ask("/login")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        status, _ = self.ask("/login", {"csrfmiddlewaretoken": token, "username": name, "password": password})
        if status != 302:
            raise RuntimeError(f"{name} was not logged in: {status}")

    def median(self, path: str, times: int = 30) -> float:
        """Milliseconds until the whole answer is here."""
        taken = []
        for _ in range(times + 1):  # the first fills caches and does not count
            began = time.perf_counter()
            status, _ = self.fetch(path)
            taken.append((time.perf_counter() - began) * 1000)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
        return statistics.median(taken[1:])
