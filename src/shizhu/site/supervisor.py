"""Start every process, keep it running, stop all cleanly. One log stream. No Django here: it stays small."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import queue
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import psutil
import psycopg

from shizhu.site import servers
from shizhu.site.config import Config, Trouble

FIRST_WAIT, LONGEST_WAIT, STEADY_AFTER = 0.3, 10.0, 20.0
START_LIMIT = 60.0
STOP_LIMIT = 8.0
DAILY = re.compile(  # a reading that is there already is daily life too: `things.store` tries first, and looks then
    r"\[INF\]|\bLOG: |database system is (starting up|shutting down)|Plaintext passwords"
    r'|ERROR:  duplicate key value violates unique constraint "things_observation_pkey"'
    r"|DETAIL:  Key \(datastream_id, phenomenon_time, sequence\)|(CONTEXT|STATEMENT):  COPY things_observation"
)
LONGEST_LINE = 1 << 20
MOST_UNSHOWN = 10_000  # lines that wait for a terminal that is paused; what comes then is in the file alone
SMALLEST_FREE = 64 * 1024 * 1024
FORK_SERVER = "forkserver"
ROLES = {  # one process each; roles that wait most of the time share one
    "web": ["web"],
    "gateway": ["gateway"],
    "ingest": ["ingest"],
    "worker": ["relay", "consumers", "deadlines", "jobs"],
    "demo": ["demo"],
}
ENVIRONMENT = {  # of the roles
    "PYTHONUNBUFFERED": "1",
    # What a thread frees goes back to the system: else each that once hashed a password keeps its 16 MB (glibc).
    "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
    "OPENBLAS_NUM_THREADS": "1",  # numpy would begin threads with its import, and what forks must have none
}  # fmt: skip
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
UNKNOWN = 255  # the code of a process that somebody else waited for, as asyncio has it


class Forked:
    """A process that the fork server made, as one of asyncio's: ours to hear, to signal and to wait for."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid, self.stdout = pid, stdout
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self._code = os.waitstatus_to_exitcode(status) if pid else None
            except ChildProcessError:  # it died before we knew it
                self._code = UNKNOWN
        return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing if it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int | None:
        """Until it has ended."""
        await gone(self.pid)
        return self.returncode


Process = asyncio.subprocess.Process | Forked


async def gone(pid: int) -> None:
    """Until the process has ended, whoever waits for it."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(watched, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(watched)
        os.close(watched)


@dataclass
class Child:
    """One process that is kept running: restarted with back-off until it is stopped."""

    name: str
    begin: Callable[[], Awaitable[Process]]
    log: Log
    stop_signal: signal.Signals = signal.SIGTERM
    process: Process | None = None
    restarts: int = 0
    is_stopping: bool = False
    _keeper: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Start the process and the task that keeps it alive."""
        self.process = await self.begin()
        self._keeper = asyncio.create_task(self._keep(self.process))

    async def _keep(self, process: Process) -> None:
        wait, why = FIRST_WAIT, ""
        while True:
            began = time.monotonic()
            if not why:
                why = f"ended ({await self._follow(process)})"
            if self.is_stopping:
                return
            wait = FIRST_WAIT if time.monotonic() - began > STEADY_AFTER else min(wait * 2, LONGEST_WAIT)
            self.log.write("up", f"{self.name} {why}; starting it again in {wait:.1f} s")
            await asyncio.sleep(wait)
            try:
                self.process = process = await self.begin()
                self.restarts, why = self.restarts + 1, ""
            except OSError as error:
                why = f"did not start ({error})"

    async def _follow(self, process: Process) -> int | None:
        """Log what it says until it ends; how it did."""
        assert process.stdout
        sweeping = asyncio.create_task(self._sweep(process.pid))
        async for line in process.stdout:
            self.log.write(self.name, line.decode(errors="replace").rstrip())
        await sweeping
        return await process.wait()

    async def _sweep(self, pid: int) -> None:
        """End what an ended process leaves behind: it holds the pipe that is read to its end."""
        await gone(pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Ask the process to end; end it after the limit."""
        self.is_stopping = True
        if not self.process:
            return
        if self.process.returncode is not None and self._keeper:  # it is between two starts
            self._keeper.cancel()
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.stop_signal)
        if self._keeper:
            done, _ = await asyncio.wait([self._keeper], timeout=STOP_LIMIT)
            if not done:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self._keeper.cancel()


async def execute(
    command: list[str], environment: dict[str, str], *, user: str | None = None, stdin: Any = asyncio.subprocess.DEVNULL
) -> Process:
    """A program in a session of its own."""
    return await asyncio.create_subprocess_exec(
        *command, env=environment, user=user, start_new_session=True, cwd="/",
        stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, limit=LONGEST_LINE,
    )  # fmt: skip


class Log:
    """One stream for all processes, to the terminal and to a rotated file.

    The terminal has a thread of its own: one that is paused, or a pipe that nobody reads, must not stop the county.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = RotatingFileHandler(folder / "shizhu.log", maxBytes=20_000_000, backupCount=3, encoding="utf-8")
        self._shown: queue.Queue[str] = queue.Queue(MOST_UNSHOWN)
        threading.Thread(target=self._show, name="terminal", daemon=True).start()

    def write(self, name: str, text: str) -> None:
        """One line: time, process, text. What the servers say of their daily life goes to the file alone."""
        line = f"{time.strftime('%H:%M:%S')} {name:<8} {text}"
        if not (name in {"nats", "postgres"} and DAILY.search(text)):
            with contextlib.suppress(queue.Full):
                self._shown.put_nowait(line)
        with contextlib.suppress(OSError):
            self._file.emit(LogRecord(name, 20, "", 0, line, None, None))

    def _show(self) -> None:
        while True:
            line = f"{self._shown.get()}\n".encode()
            with contextlib.suppress(OSError):  # a closed terminal must not end the county
                os.write(1, line)  # without the lock of sys.stdout, which a paused one would hold at the end


def check_home(config: Config) -> None:
    """The home can be made, written to, and has room."""
    try:
        for folder in ("run", "log", "files"):
            (config.home / folder).mkdir(parents=True, exist_ok=True)
        probe = config.home / "run/probe"
        with probe.open("wb") as out:
            out.write(b"\0" * (1 << 20))
            out.flush()
            os.fsync(out.fileno())
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            (config.home / "run/probe").unlink(missing_ok=True)
        raise Trouble(
            f"SHIZHU_HOME={config.home} cannot be written ({error.strerror}): free space or change its owner, "
            "or set SHIZHU_HOME to another folder"
        ) from error
    if shutil.disk_usage(config.home).free < SMALLEST_FREE:
        raise Trouble(
            f"the disk of SHIZHU_HOME={config.home} is full (less than {SMALLEST_FREE >> 20} MB free): "
            "free some space, or set SHIZHU_HOME to another disk"
        )


def check_ports(config: Config) -> None:
    """Nobody else listens where we shall."""
    wanted = {"SHIZHU_PORT": config.port, "SHIZHU_MQTT_PORT": config.mqtt_port, "SHIZHU_HJ212_PORT": config.hj212_port}
    if config.nats_url:
        del wanted["SHIZHU_MQTT_PORT"]
    elif config.edges:
        wanted["SHIZHU_EDGE_PORT"] = config.edge_port
    if config.edge and not config.edge.web:
        del wanted["SHIZHU_PORT"]
    for name, port in wanted.items():
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((config.host, port))
            except OSError as error:
                raise Trouble(
                    f"port {port} at {config.host} cannot be used ({error.strerror}): stop the program that has it, "
                    f"or set {name} to another port"
                ) from error


def free_port() -> int:
    """A loopback port nobody has now."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def end_leftovers(config: Config) -> None:
    """End what a killed supervisor left running: known by process id and start time."""
    try:
        state = json.loads(config.state_file.read_text())
    except (OSError, ValueError):
        return
    try:
        if psutil.Process(state["pid"]).create_time() == state["began"]:
            raise Trouble(
                f"already running here (process {state['pid']}, {state['address']}): stop it with Ctrl-C first"
            )
    except psutil.NoSuchProcess:
        pass
    for child in state.get("children", {}).values():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            left = psutil.Process(child["pid"])
            if left.create_time() == child["began"]:
                left.send_signal(signal.SIGINT if child["name"] == "postgres" else signal.SIGTERM)
                if not _ends(left):
                    left.kill()
                    _ends(left)


def _ends(process: psutil.Process) -> bool:
    """Wait until somebody else's child is over, for STOP_LIMIT at most; one whose parent has not asked yet is."""
    until = time.monotonic() + STOP_LIMIT
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


class Supervisor:
    """The running stack."""

    def __init__(self, config: Config, *, roles: list[str] | None = None) -> None:
        self.config = config
        here = ["gateway"] if config.edge else roles or ROLES
        self.roles = [r for r in here if r != "demo" or config.has_demo]
        self.log = Log(config.home / "log")
        self.children: dict[str, Child] = {}
        self.environment = {**ENVIRONMENT, **os.environ}
        self.began = psutil.Process().create_time()
        self.stopped = asyncio.Event()
        self._asking: socket.socket | None = None  # of the fork server

    async def start(self) -> str:
        """Start servers, prepare, start roles; returns the first password if one was made."""
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)  # a parent of what the fork server makes
        await self.start_servers()
        await self._start(FORK_SERVER, self._fork_server)
        self._write_state()
        password = "" if self.config.edge else await self._prepare()
        await self._start_roles()
        return password

    async def start_servers(self) -> None:
        """Start PostgreSQL and NATS, or check those of your own."""
        config = self.config
        self.environment["SHIZHU_HOME"] = str(config.home)
        if config.edge:
            pass  # readings go to the county's database
        elif config.database_url:
            servers.check_database(config.database_url)
        else:
            await self._start_postgres()
        if not config.nats_url:
            port = free_port()
            launch = await asyncio.to_thread(servers.embedded_nats, config, port)
            self.environment["NATS_URL"] = launch.url
            await self._start("nats", self._executing(launch), signal.SIGINT)
            await self._until("NATS", lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        self._write_state()

    async def _start_roles(self) -> None:
        for role in self.roles:
            if role == "demo":  # devices come when somebody answers them
                await self._until("the device gateway", lambda: self._connect(self.config.hj212_port))
            await self._start(role, partial(self._fork, role, "run", *ROLES[role]))
        self._write_state()
        if "web" in self.roles:
            await self._until("the web server", lambda: self._connect(self.config.port))
        if self.config.edge:
            await self._until("the device gateway", lambda: self._connect(self.config.hj212_port))

    def _connect(self, port: int) -> None:
        host = self.config.host if self.config.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104  # compared
        socket.create_connection((host, port), 1).close()

    async def _start_postgres(self) -> None:
        launch = await asyncio.to_thread(servers.embedded_postgres, self.config)
        self.environment["DATABASE_URL"] = launch.url
        await self._start("postgres", self._executing(launch), signal.SIGINT)
        await self._until(
            "PostgreSQL", lambda: servers.make_database(launch.url), (psycopg.OperationalError, psycopg.InterfaceError)
        )

    async def _start(
        self, name: str, begin: Callable[[], Awaitable[Process]], stop: signal.Signals = signal.SIGTERM
    ) -> None:
        self.children[name] = child = Child(name, begin, self.log, stop)
        await child.start()

    def _executing(self, launch: servers.Launch) -> Callable[[], Awaitable[Process]]:
        return partial(execute, launch.command, {**launch.environment, **os.environ}, user=launch.user)

    async def _fork_server(self) -> Process:
        """It imports for seconds; what is asked meanwhile waits in its socket."""
        if self._asking:
            self._asking.close()
        self._asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asking.setblocking(False)
        with asked:
            return await execute([sys.executable, "-m", "shizhu.site.forkserver"], self.environment, stdin=asked)

    async def _fork(self, name: str, *words: str) -> Process:
        """A process that runs a command of `shizhu`; OSError if there is no fork server."""
        assert self._asking
        hearing, saying = os.pipe()
        stdout = asyncio.StreamReader(limit=LONGEST_LINE)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(hearing, "rb")
        )
        try:
            socket.send_fds(self._asking, [json.dumps([name, *words]).encode()], [saying])
        finally:
            os.close(saying)
        if not (pid := await stdout.readline()):
            raise ConnectionResetError("the fork server ended")
        return Forked(int(pid), stdout)

    async def _until(self, what: str, tried: Any, faults: tuple[type[Exception], ...] = (OSError,)) -> None:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                return await asyncio.to_thread(tried)
            except faults as error:
                if time.monotonic() > deadline:
                    raise Trouble(
                        f"{what} did not answer in {START_LIMIT:.0f} s ({error}): see {self.config.home}/log"
                    ) from error
                await asyncio.sleep(0.05)

    async def _prepare(self) -> str:
        try:
            process = await self._fork("prepare", "prepare")
        except OSError as error:
            raise Trouble(f"{error}: the lines above say why; log in {self.config.home}/log") from error
        password = ""
        assert process.stdout
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            if line.startswith("first-password "):
                password = line.removeprefix("first-password ")
            else:
                self.log.write("prepare", line)
        if await process.wait():
            raise Trouble(f"preparing the database failed: the lines above say why; log in {self.config.home}/log")
        return password

    def _write_state(self) -> None:
        children = {}
        for name, child in self.children.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.process:
                    process = psutil.Process(child.process.pid)
                    children[name] = {
                        "name": name, "pid": process.pid, "began": process.create_time(), "restarts": child.restarts,
                    }  # fmt: skip
        state = {
            "pid": os.getpid(), "began": self.began, "address": self.config.address, "children": children,
            "DATABASE_URL": self.environment.get("DATABASE_URL", ""), "NATS_URL": self.environment.get("NATS_URL", ""),
            "edge": self.config.edge.key if self.config.edge else "",
        }  # fmt: skip
        file = self.config.state_file.with_suffix(".new")
        file.touch(mode=0o600)
        file.write_text(json.dumps(state))
        file.replace(self.config.state_file)

    async def watch(self) -> None:
        """Until asked to stop; the state file follows restarts."""
        seen = -1
        while not self.stopped.is_set():
            self._bury()
            restarts = sum(child.restarts for child in self.children.values())
            if restarts != seen:
                seen = restarts
                self._write_state()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), 0.5)

    def _bury(self) -> None:
        """Wait for the dead that others left to us."""
        ours = {child.process.pid for child in self.children.values() if child.process}
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid not in ours:
                os.waitpid(dead.si_pid, 0)

    async def stop(self) -> None:
        """Roles first, then the servers they need."""
        servers_last = [c for n, c in self.children.items() if n in {"postgres", "nats"}]
        roles = [c for c in self.children.values() if c not in servers_last]
        await asyncio.gather(*(child.stop() for child in roles))
        kept = {child.process.pid for child in servers_last if child.process}
        for begun in psutil.Process().children():  # what was being started
            if begun.pid not in kept:
                begun.kill()
        await asyncio.gather(*(child.stop() for child in servers_last))
        self.config.state_file.unlink(missing_ok=True)
