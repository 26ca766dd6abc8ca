"""Backup and restore of database, event log and files, as one tar file.

The log is taken first, the database second: what the log has and the database has not is committed after a restore,
and what both have is recognised as a redelivery by its position. Files are written once and never changed, so they
come last. Those of the archive are held against the hashes that were kept when they were written, when they are taken
and when they are brought back.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import uuid
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from natsrpy import Nats

from shizhu import __version__
from shizhu.site import servers
from shizhu.site.config import Config, Trouble

ACCOUNTS = ("service", "ingest")
KEPT_STREAMS = ("READINGS", "EVENTS", "$MQTT_msgs", "$MQTT_sess", "$MQTT_rmsgs")
API = "$JS.API.STREAM"
CHUNK = 128 * 1024
FOLDERS = ("files", "history")  # what is in them is written once and never changed
ARCHIVE = "archive.json"  # SHA-256 of the archive's files, by name
HOME_FILES = ("secrets.json", "nats-account.seed", "edges.json", "demo.json", "demo-progress.json")


@asynccontextmanager
async def _connected(config: Config, url: str, account: str) -> AsyncIterator[Nats]:
    nats = Nats([url], user_and_pass=config.nats_login(account), request_timeout=30.0)
    await nats.startup()
    try:
        yield nats
    finally:
        await nats.shutdown()


async def _asked(nats: Nats, subject: str, body: Any = None) -> dict[str, Any]:
    answer = await nats.request(subject, json.dumps(body).encode() if body is not None else b"")
    told: dict[str, Any] = json.loads(answer.payload)
    if "error" in told:
        raise Trouble(
            f"the event log refused {subject} ({told['error'].get('description')}): see the log and try again"
        )
    return told


async def snapshot(nats: Nats, stream: str) -> tuple[dict[str, Any], bytes]:
    """(config and state, content) of a stream with its consumers, by JetStream's own snapshot."""
    inbox, parts = f"_INBOX.{uuid.uuid4().hex}", []
    async with nats.subscribe(inbox) as arriving:  # in order, which callbacks are not
        told = await _asked(nats, f"{API}.SNAPSHOT.{stream}", {"deliver_subject": inbox, "chunk_size": CHUNK})
        while (part := await asyncio.wait_for(anext(arriving), 60)).payload:
            parts.append(bytes(part.payload))
            if part.reply:
                await nats.publish(part.reply, b"")
    return {"config": told["config"], "state": told["state"]}, b"".join(parts)


async def put_back(nats: Nats, stream: str, about: dict[str, Any], content: bytes) -> None:
    """Restore a stream from its snapshot."""
    told = await _asked(nats, f"{API}.RESTORE.{stream}", about)
    for start in range(0, len(content), CHUNK):
        await nats.request(told["deliver_subject"], content[start : start + CHUNK])
    last = json.loads((await nats.request(told["deliver_subject"], b"")).payload)
    if "error" in last:
        raise Trouble(f"the event log refused the stream {stream} ({last['error'].get('description')})")


def _program(config: Config, name: str) -> Path:
    programs, _ = servers.postgres_folders(config, None)
    return programs / "bin" / name


def _run(command: list[str | Path], what: str) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"{what} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(datetime.now(UTC).timestamp())
    tar.addfile(entry, io.BytesIO(content))


def faults(folder: Path, hashes: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the archive's files in `folder`: each file that is, and what to do."""
    for name, wanted in hashes.items():
        if not (folder / name).exists():
            what = "is missing"
        elif not wanted or _digest(folder / name) != wanted:
            what = "does not hold what was written into it"
        else:
            continue
        yield f"history/{name} {what}: that day's readings cannot be read; take it out of an older backup into {folder}"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def backup(config: Config, target: Path, state: dict[str, Any], hashes: Mapping[str, str]) -> dict[str, int]:
    """Write the backup of a running stack; returns how much of what. `hashes`: SHA-256 of the archive's files."""
    counts = {"streams": 0, "messages": 0, "files": 0}
    part = target.with_name(f"{target.name}.part")
    part.touch(mode=0o600)
    with tarfile.open(part, "w:gz", compresslevel=3) as tar:
        _add(tar, "manifest.json", json.dumps({"version": __version__, "at": datetime.now(UTC).isoformat()}).encode())
        for account in ACCOUNTS:
            async with _connected(config, state["NATS_URL"], account) as nats:
                names = (await _asked(nats, f"{API}.NAMES")).get("streams") or []
                for stream in [name for name in names if name in KEPT_STREAMS]:
                    about, content = await snapshot(nats, stream)
                    _add(tar, f"log/{account}/{stream}.json", json.dumps(about).encode())
                    _add(tar, f"log/{account}/{stream}.snapshot", content)
                    counts["streams"] += 1
                    counts["messages"] += about["state"]["messages"]
        with tempfile.TemporaryDirectory(dir=target.parent) as made:
            dump = Path(made) / "database.dump"
            _run([_program(config, "pg_dump"), "--format=custom", f"--file={dump}", state["DATABASE_URL"]], "pg_dump")
            tar.add(dump, "database.dump")
        for folder in FOLDERS:
            for file in sorted((config.home / folder).rglob("*")):
                with contextlib.suppress(FileNotFoundError):  # swept meanwhile: a newer one counts
                    if file.is_file():
                        tar.add(file, str(file.relative_to(config.home)))
                        counts["files"] += 1
        _add(tar, ARCHIVE, json.dumps(hashes).encode())
        for name in HOME_FILES:
            if (config.home / name).exists():
                tar.add(config.home / name, name)
    part.replace(target)
    return counts


def unpack(config: Config, source: Path) -> Path:
    """Unpack files and secrets into the home, what is there set aside; returns where dump and log lie.

    Trouble if it is no whole backup: then nothing has changed.
    """
    folder = config.home / "restore"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with tarfile.open(source, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Trouble(f"{source} cannot be unpacked ({error}): nothing was changed; take another backup") from error
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    _, data = servers.postgres_folders(config, servers.database_user())
    for old in (data, *(config.home / name for name in ("nats", *FOLDERS, *HOME_FILES))):
        if old.exists():
            old.rename(old.with_name(f"{old.name}.before-{stamp}"))
    for name in (*FOLDERS, *HOME_FILES):
        if (folder / name).exists():
            (folder / name).rename(config.home / name)
    (config.home / "files").mkdir(exist_ok=True)
    return folder


def lost(config: Config, folder: Path) -> list[str]:
    """What is wrong with the archive's files that were brought back."""
    kept = folder / ARCHIVE
    return [*faults(config.home / "history", json.loads(kept.read_text()))] if kept.exists() else []


async def restore(config: Config, folder: Path, database_url: str, nats_url: str) -> dict[str, int]:
    """Fill a fresh database and a fresh log."""
    counts = {"streams": 0, "messages": 0}
    command: list[str | Path] = ["--no-owner", "--exit-on-error", f"--dbname={database_url}", folder / "database.dump"]
    _run([_program(config, "pg_restore"), *command], "pg_restore")
    for account in ACCOUNTS:
        async with _connected(config, nats_url, account) as nats:
            for about_file in sorted((folder / "log" / account).glob("*.json")):
                about = json.loads(about_file.read_text())
                await put_back(nats, about_file.stem, about, about_file.with_suffix(".snapshot").read_bytes())
                counts["streams"] += 1
                counts["messages"] += about["state"]["messages"]
    return counts
