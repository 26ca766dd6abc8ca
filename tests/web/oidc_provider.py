"""A small real OpenID provider for tests: discovery, authorization with PKCE, tokens signed with RS256, keys.

Somebody is logged in at it already: `subject` and `claims` say who. `spoil` changes an ID token before it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey


class Provider:
    """Runs in a thread on a free port until `stop`."""

    def __init__(self, client: str, secret: str) -> None:
        self.client, self.secret = client, secret
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signing = self.key
        self.subject, self.claims = "u-1", dict[str, Any]()
        self.spoil: Callable[[dict[str, Any]], None] = lambda _: None
        self.given: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.moved = ""  # where it says that its metadata lie now
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict[str, Any]:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in places.items()}}

    def keys(self) -> dict[str, Any]:
        return dict(KeySet([self.key]).as_dict(private=False))

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (
            self.client,
            "code",
            "S256",
        )
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.given[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code; a code is good once, for its client, its address and its verifier."""
        asked = self.given.pop(form.get("code", ""), None)
        if asked is None or (form.get("client_id"), form.get("client_secret")) != (self.client, self.secret):
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        now = int(time.time())
        body = {
            "iss": self.issuer, "sub": self.subject, "aud": self.client, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], **self.claims,
        }  # fmt: skip
        self.spoil(body)
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, body, self.signing)
        return {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer", "id_token": signed}


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _say(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:  # the name that http.server calls
            place = urlparse(self.path)
            provider.asked.append(place.path)
            if place.path == "/.well-known/openid-configuration" and provider.moved:
                self.send_response(302)
                self.send_header("Location", provider.moved)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif place.path == "/.well-known/openid-configuration":
                self._say(200, provider.metadata())
            elif place.path == "/keys":
                self._say(200, provider.keys())
            elif place.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize({k: v[0] for k, v in parse_qs(place.query).items()}))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._say(404, {})

        def do_POST(self) -> None:  # the name that http.server calls
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told = provider.token({name: values[0] for name, values in parse_qs(body).items()})
            self._say(200 if told else 400, told or {"error": "invalid_grant"})

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    return Handler
