"""Settings by environment: the one place that reads them. No Django here, so that every command can start fast."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from shizhu.site import edges

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CLONE = Path(__file__).resolve().parents[3]


class Trouble(Exception):  # it is read by a person as a word
    """A fault of the surroundings, said in one line that ends with what to do."""


def default_home() -> Path:
    """`var/` in a clone; the XDG state folder of an installed package."""
    if (CLONE / "pyproject.toml").exists():
        return CLONE / "var"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "shizhu"


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Trouble(f"{name}={text!r} is not a port number: set it to 1–65535, or unset it for {default}")
    return int(text)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _password_length(text: str) -> int:
    if not text.isdigit() or not 8 <= int(text) <= 64:
        raise Trouble(f"SHIZHU_PASSWORD_LENGTH={text!r} is not a length: set it to 8–64, or unset it for 10")
    return int(text)


def _edge(text: str) -> edges.Town | None:
    try:
        return edges.town(Path(text).expanduser()) if text else None
    except ValueError as error:
        raise Trouble(f"SHIZHU_EDGE: {error}: take the file that `shizhu edge add` wrote at the county") from None


def _days(name: str, default: int, least: int = 2, most: int = 3660) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise Trouble(f"{name}={text!r} is no number of days: set it to {least}–{most}, or unset it for {default}")
    return int(text)


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", text.rstrip("/")):
        raise Trouble(f"SHIZHU_ADDRESS={text!r} is no address: set it to what others reach, as https://county.example")
    return text.rstrip("/")


def _map_keys(text: str) -> dict[str, str]:
    found = {}
    for part in _listed(text):
        name, sign, key = part.partition("=")
        if not sign or not re.fullmatch(r"[a-z0-9_-]+", name) or not re.fullmatch(r"[A-Za-z0-9._~-]+", key):
            raise Trouble(f"SHIZHU_MAP_KEYS holds {name!r}: list name=key with commas between, as in tianditu=0a1b2c")
        found[name] = key
    return found


def _networks(name: str) -> Iterator[Network]:
    text = os.environ.get(name, "")
    for part in _listed(text):
        try:
            yield ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise Trouble(f"{name}={text!r} holds {part!r}, which is no address: list addresses or networks") from None


@dataclass(frozen=True)
class Oidc:
    """An OpenID provider where people may log in."""

    issuer: str
    client: str
    secret: str
    name: str
    creates: bool  # whether somebody unknown becomes a person, without posts


def _oidc() -> Oidc | None:
    env = os.environ
    issuer, client = env.get("SHIZHU_OIDC_ISSUER", "").rstrip("/"), env.get("SHIZHU_OIDC_CLIENT_ID", "")
    if not issuer and not client:
        return None
    if not issuer.startswith(("https://", "http://127.0.0.1:", "http://localhost:")) or not client:
        raise Trouble("SHIZHU_OIDC_ISSUER (https://…) and SHIZHU_OIDC_CLIENT_ID go together: set both, or neither")
    name = env.get("SHIZHU_OIDC_NAME", "") or issuer.partition("://")[2].partition("/")[0]
    return Oidc(issuer, client, env.get("SHIZHU_OIDC_SECRET", ""), name, env.get("SHIZHU_OIDC_CREATE", "0") == "1")


@dataclass(frozen=True)
class Config:
    """What the environment says.

    `SHIZHU_HOME` all state · `SHIZHU_HOST`/`SHIZHU_PORT` web address · `SHIZHU_ADDRESS` what others
    reach it by · `SHIZHU_MQTT_PORT`, `SHIZHU_HJ212_PORT` device listeners · `SHIZHU_ADMIN_PASSWORD` first password ·
    `DATABASE_URL`, `NATS_URL` servers of your own ·
    `SHIZHU_TLS_CERT`/`SHIZHU_TLS_KEY` HTTPS and MQTT over TLS · `SHIZHU_OPEN` standard APIs without login ·
    `SHIZHU_PASSWORD_LENGTH` least length of passwords · `SHIZHU_SECOND_FACTOR` roles that need one ·
    `SHIZHU_OIDC_*` log in at an OpenID provider · `SHIZHU_PROXIES` whose X-Forwarded-* counts ·
    `SHIZHU_PRIVATE_NETWORKS` which addresses that are not public channels of notices may call ·
    `SHIZHU_DEMO` the simulated county (on unless `0`) · `SHIZHU_SYNC_INTERVAL` fsync of the event log ·
    `SHIZHU_EDGE_PORT` where edges connect · `SHIZHU_EDGE` this is an edge: its file ·
    `SHIZHU_EDGE_DAYS` what it keeps · `SHIZHU_HOT_DAYS` observations in the database, older ones in files ·
    `SHIZHU_PACKET_DAYS` packets as they came · `SHIZHU_MAP_KEYS` keys of map servers.
    """

    home: Path
    host: str
    port: int
    mqtt_port: int
    hj212_port: int
    admin_password: str
    database_url: str
    nats_url: str
    tls_cert: str
    tls_key: str
    is_open: bool
    has_demo: bool
    sync_interval: str
    password_length: int = 10
    second_factor_roles: frozenset[str] = frozenset()
    oidc: Oidc | None = None
    proxies: tuple[Network, ...] = ()
    private_networks: tuple[Network, ...] = ()
    hot_days: int = 30
    packet_days: int = 90
    public: str = ""
    edge_port: int = 7422
    edge: edges.Town | None = None
    edge_days: int = 30
    map_keys: Mapping[str, str] = field(default_factory=dict)
    counties: Path = CLONE / "counties"

    @classmethod
    def from_environment(cls) -> Config:
        """Read the environment; raises Trouble for a value that cannot be."""
        env = os.environ
        tls = env.get("SHIZHU_TLS_CERT", ""), env.get("SHIZHU_TLS_KEY", "")
        if bool(tls[0]) != bool(tls[1]):
            raise Trouble("SHIZHU_TLS_CERT and SHIZHU_TLS_KEY go together: set both, or neither")
        for file in filter(None, tls):
            if not os.access(file, os.R_OK):
                raise Trouble(f"the TLS file {file} cannot be read: check SHIZHU_TLS_CERT and SHIZHU_TLS_KEY")
        return cls(
            home=Path(env.get("SHIZHU_HOME") or default_home()).expanduser().resolve(),
            host=env.get("SHIZHU_HOST", "127.0.0.1"),
            port=_port("SHIZHU_PORT", 8000),
            mqtt_port=_port("SHIZHU_MQTT_PORT", 1883),
            hj212_port=_port("SHIZHU_HJ212_PORT", 7212),
            admin_password=env.get("SHIZHU_ADMIN_PASSWORD", ""),
            database_url=env.get("DATABASE_URL", ""),
            nats_url=env.get("NATS_URL", ""),
            tls_cert=tls[0],
            tls_key=tls[1],
            is_open=env.get("SHIZHU_OPEN", "0") == "1",
            has_demo=env.get("SHIZHU_DEMO", "1") != "0",
            sync_interval=env.get("SHIZHU_SYNC_INTERVAL", "2m"),
            password_length=_password_length(env.get("SHIZHU_PASSWORD_LENGTH", "10")),
            second_factor_roles=frozenset(_listed(env.get("SHIZHU_SECOND_FACTOR", ""))),
            oidc=_oidc(),
            proxies=tuple(_networks("SHIZHU_PROXIES")),
            private_networks=tuple(_networks("SHIZHU_PRIVATE_NETWORKS")),
            hot_days=_days("SHIZHU_HOT_DAYS", 30),
            packet_days=_days("SHIZHU_PACKET_DAYS", 90),
            public=_address(env.get("SHIZHU_ADDRESS", "")),
            edge_port=_port("SHIZHU_EDGE_PORT", 7422),
            edge=_edge(env.get("SHIZHU_EDGE", "")),
            edge_days=_days("SHIZHU_EDGE_DAYS", 30, 1, 366),
            map_keys=_map_keys(env.get("SHIZHU_MAP_KEYS", "")),
        )

    @property
    def address(self) -> str:
        """The web address to print."""
        return f"{'https' if self.tls_cert else 'http'}://{self.host}:{self.port}"

    @property
    def public_address(self) -> str:
        """The web address that devices and subscribers are told."""
        return self.public or self.address

    @property
    def short_name(self) -> str:
        """Eight characters that name this home, for folders outside it."""
        return hashlib.sha256(str(self.home).encode()).hexdigest()[:8]

    @property
    def state_file(self) -> Path:
        """What a running stack tells other commands: addresses and process ids."""
        return self.home / "run/state.json"

    def nats_login(self, account: str) -> tuple[str, str]:
        """User and password of one of our NATS accounts: `service`, `ingest`, `system` or that of an edge."""
        of_edge = {edge.account: edge.login for edge in self.edges.values()}
        return account, of_edge.get(account) or self.secrets[f"nats_{account}"]

    @property
    def edges(self) -> dict[str, edges.Edge]:
        """The edges of this county's broker, by key; read anew each time."""
        return edges.listed(self.home)

    def may_call(self, address: str, port: int) -> bool:
        """Whether what people declare in the browser may make this server call the address.

        Public addresses; others where SHIZHU_PRIVATE_NETWORKS lists them; of a demo its own simulated operator.
        """
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip.is_global or any(ip in network for network in self.private_networks):
            return True
        return self.has_demo and ip.is_loopback and port == self.demo.get("operator")

    @property
    def demo(self) -> dict[str, Any]:
        """What the demo keeps of itself: when it `began`, at which port its simulated `operator` listens."""
        try:
            kept: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        except (OSError, ValueError):
            return {}
        return kept

    def running(self) -> dict[str, Any]:
        """The running stack's state, empty if none runs."""
        try:
            state: dict[str, Any] = json.loads(self.state_file.read_text())
            os.kill(state["pid"], 0)
        except (OSError, ValueError, KeyError):
            return {}
        return state

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Passwords between our own parts, made once, readable by the owner alone."""
        file = self.home / "secrets.json"
        if file.exists():
            kept: dict[str, str] = json.loads(file.read_text())
            return kept
        names = ("database", "django", "nats_service", "nats_ingest", "nats_system")
        made = {name: secrets.token_urlsafe(24) for name in names}
        made["demo"] = f"shizhu-{secrets.randbelow(10**6):06}"
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(made, out)
        return made
