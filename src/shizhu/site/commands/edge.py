"""`shizhu edge add|list|remove`: town machines that keep readings while the county is away."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from shizhu.site import edges, servers
from shizhu.site.config import Config, Trouble

WEB = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
READERS = ("nats", "gateway", "ingest")  # what reads the list at its start; the supervisor starts it again


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="add|list|remove")
    add = parts.add_parser("add", help="let an edge connect; writes the file its machine needs")
    add.add_argument("key", help="small letters and digits, such as town1")
    add.add_argument("--area", required=True, help="code of a town: the edge lets in the devices there")
    add.add_argument("--address", default="", metavar="HOST[:PORT]", help="of this machine, as the town reaches it")
    add.add_argument("--web", default="", metavar="URL", help="of that machine, where its devices download firmware")
    add.add_argument("--file", default="", help="default: KEY.edge in the current folder")
    parts.add_parser("list", help="every edge")
    remove = parts.add_parser("remove", help="refuse an edge from now on; what it sent stays")
    remove.add_argument("key")
    parser.add_argument("--county", default="", help="county code (default: that of the area)")


def main(options: argparse.Namespace) -> int:
    """Do it."""
    config = Config.from_environment()
    known = config.edges
    if options.part == "list":
        for edge in known.values():
            print(f"{edge.key} {edge.county} {edge.area}")
    elif options.part == "add":
        add(config, known, options)
    else:
        if options.key not in known:
            raise Trouble(f"there is no edge {options.key}: `shizhu edge list` shows all")
        del known[options.key]
        follow(config, known)
    return 0


def add(config: Config, known: dict[str, edges.Edge], options: argparse.Namespace) -> None:
    """Make an edge, or a new file with new passwords for one that is there."""
    if not edges.KEY.fullmatch(options.key):
        raise Trouble(f"{options.key!r} is no name: {edges.RULE}")
    web = options.web.rstrip("/")
    if web and not WEB.fullmatch(web):
        raise Trouble(f"--web {options.web}: is where devices of the town reach its machine, as http://10.1.2.3:8000")
    county = _county(config, options.area, options.county)
    edge = edges.new(options.key, county, options.area, web)
    host, _, port = (options.address or config.host).partition(":")
    scheme = "tls" if config.tls_cert else "nats-leaf"
    file = Path(options.file or f"{edge.key}.edge")
    edges.write(file, edges.told(edge, f"{scheme}://{host}:{port or config.edge_port}"))
    follow(config, {**known, edge.key: edge})
    print(f"{file}: take it to the machine in the town and start `shizhu up --edge {file.name}` there")


def _county(config: Config, area: str, county: str) -> str:
    url = config.database_url or config.running().get("DATABASE_URL")
    if not url:
        raise Trouble("nothing runs: start it with `make up` first")
    query = "SELECT county_id FROM kernel_area WHERE code = %s AND %s IN ('', county_id)"
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(query, (area, county)).fetchone()
    if row is None:
        raise Trouble(f"there is no area {area}: check --area and --county")
    return str(row[0])


def follow(config: Config, known: dict[str, edges.Edge]) -> None:
    """Keep the list, and let what runs follow it: broker, gateway and ingest start again, which loses nothing."""
    edges.keep(config.home, known)
    state: dict[str, Any] = config.running()
    if state and not config.nats_url:
        servers.embedded_nats(config, urlsplit(state["NATS_URL"]).port or 4222)
    elif config.nats_url:
        print("load what `shizhu nats-config` prints into your NATS server")
    for name in READERS:
        child = state.get("children", {}).get(name)
        if child and psutil.pid_exists(child["pid"]):
            os.kill(child["pid"], 15)
