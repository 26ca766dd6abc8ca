"""`shizhu device add|off|on|list`: register devices from the command line."""

from __future__ import annotations

import argparse
import importlib
import os
from typing import Any

import django

from shizhu.site.config import Config, Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parts = parser.add_subparsers(dest="part", required=True, metavar="add|off|on|list")
    add = parts.add_parser("add", help="register a device; prints its password once")
    add.add_argument("key", help="user name over MQTT, MN over HJ 212")
    add.add_argument("--profile", required=True, help="device profile, such as ecology.water_station")
    add.add_argument("--name", required=True)
    add.add_argument("--organisation", default="", help="code (default: the county government)")
    add.add_argument("--area", default="", help="code of a town (default: the county)")
    add.add_argument("--point", default="", help="longitude,latitude in WGS 84")
    add.add_argument("--password", default="", help="default: one is made up; HJ 212 needs six digits")
    add.add_argument("--property", action="append", default=[], metavar="NAME=VALUE", help="such as target_class=III")
    add.add_argument("--lenient", action="store_true", help="accept deviations from the codec's standard")
    for name, meaning in (("off", "refuse the device from now on"), ("on", "let it in again")):
        parts.add_parser(name, help=meaning).add_argument("key")
    parts.add_parser("list", help="every device")
    parser.add_argument("--county", default="", help="county code (default: the only one)")


def main(options: argparse.Namespace) -> int:
    """Do it in the running stack."""
    if not Config.from_environment().running() and not os.environ.get("DATABASE_URL"):
        raise Trouble("nothing runs: start it with `make up` first")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
    django.setup(set_prefix=False)
    things = importlib.import_module("shizhu.engines.things.api")
    if options.part == "add":
        return add(options, things)
    if options.part == "list":
        for line in things.device_list():
            print(line)
        return 0
    if not things.switch_device(options.key, is_enabled=options.part == "on"):
        raise Trouble(f"there is no device {options.key}: `shizhu device list` shows all")
    return 0


def add(options: argparse.Namespace, things: Any) -> int:
    """Register one device."""
    models = importlib.import_module("shizhu.kernel.models")
    county = models.County.objects.filter(**({"pk": options.county} if options.county else {})).order_by("pk").first()
    if county is None:
        raise Trouble(f"there is no county {options.county}: check --county")
    organisation = models.Organisation.objects.filter(county=county, code=options.organisation or county.pk).first()
    area = models.Area.objects.filter(county=county, code=options.area or county.pk).first()
    for name, found in (("organisation", organisation), ("area", area)):
        if found is None:
            given, which = (
                getattr(options, name),
                f"another county is named by `shizhu device --county CODE {options.part}`",
            )
            raise Trouble(f"--{name} {given}: {county.name} ({county.pk}) has none of this code; {which}")
    try:
        longitude, latitude = (float(part) for part in options.point.split(",")) if options.point else (None, None)
        properties = dict(item.split("=", 1) for item in options.property)
    except ValueError:
        raise Trouble("--point is longitude,latitude and --property is NAME=VALUE: check them") from None
    point = None if longitude is None or latitude is None else (longitude, latitude)
    wanted = things.Registration(
        options.key, options.profile, options.name, organisation, area, point, properties=properties,
        is_lenient=options.lenient,
    )  # fmt: skip
    try:
        _, password = things.register(wanted, options.password or None)
    except things.DeviceRefused as error:
        raise Trouble(f"the device is refused ({error}): mend it and call again") from error
    print(f"{options.key} {password}" if password else f"{options.key} (keeps its password)")
    return 0
