"""`shizhu up`: start everything, print the address, stop all on Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
import signal
from dataclasses import replace
from pathlib import Path

from shizhu.site.config import Config, Trouble
from shizhu.site.supervisor import Supervisor, check_home, check_ports, end_leftovers


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--open", action="store_true", help="standard APIs without login (loopback only)")
    parser.add_argument("--no-demo", action="store_true", help="no simulated people, stations and readings")
    parser.add_argument("--edge", default="", metavar="FILE", help="be an edge: the file `shizhu edge add` wrote")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(options: argparse.Namespace) -> int:
    """Run until stopped."""
    if options.edge:
        os.environ["SHIZHU_EDGE"] = str(Path(options.edge).resolve())
    config = Config.from_environment()
    config = replace(config, is_open=config.is_open or options.open, has_demo=config.has_demo and not options.no_demo)
    if config.is_open and not is_loopback(config.host):
        raise Trouble(
            f"--open lets anybody read and write, so it works on loopback only, and SHIZHU_HOST is {config.host}: "
            "unset SHIZHU_HOST, or start without --open"
        )
    os.environ["SHIZHU_OPEN"] = "1" if config.is_open else "0"
    os.environ["SHIZHU_DEMO"] = "1" if config.has_demo else "0"
    check_home(config)
    end_leftovers(config)
    check_ports(config)
    return asyncio.run(_run(config))


async def _run(config: Config) -> int:
    supervisor = Supervisor(config)
    loop = asyncio.get_running_loop()
    starting = asyncio.ensure_future(supervisor.start())

    def stop() -> None:
        starting.cancel()
        supervisor.stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        password = await starting
        banner(config, password)
        await supervisor.watch()
    except asyncio.CancelledError:
        pass
    finally:
        await supervisor.stop()
    return 0


def banner(config: Config, password: str) -> None:
    """What a newcomer needs, once everything answers."""
    if config.edge:
        devices = f"MQTT {config.host}:{config.mqtt_port}   HJ 212 {config.host}:{config.hj212_port}"
        print(
            f"\n  石柱 Shizhu   边缘节点 edge {config.edge.key}\n\n  {devices}   county {config.edge.url}\n"
            f"  What devices send is kept {config.edge_days} days in {config.home}   Ctrl-C stops all\n",
            flush=True,
        )
        return
    lines = ["", f"  石柱 Shizhu   {config.address}", ""]
    if password:
        lines += [f"  管理员 admin        {password}", "  (shown once; SHIZHU_ADMIN_PASSWORD sets your own)", ""]
    if config.has_demo:
        lines += [
            f"  demo people (simulated), password {config.secrets['demo']}:",
            "  river-office 河长办  ·  chief 镇级河长  ·  inspector 核查员  ·  science 科技局  ·  leader 县领导",
            "",
        ]
    lines += [
        f"  MQTT {config.host}:{config.mqtt_port}   HJ 212 {config.host}:{config.hj212_port}   state {config.home}"
    ]
    if config.is_open:
        lines += ["  --open: standard APIs answer anybody on this machine"]
    print("\n".join([*lines, "  Ctrl-C stops all", ""]), flush=True)
