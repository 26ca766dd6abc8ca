"""Frames a second of the one map while it is dragged, in Chromium with a software GL, with 10,000 stations that send
readings all the time. Beside the same map with that layer switched off, in the same run, and the aim of 30. Far out the
stations are clusters that the server counts; near, no more than 500 are drawn one by one. Then the milliseconds of the
layer's answer, clusters and features (median of 30), beside the login page."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator

import psycopg
from playwright.sync_api import Page, sync_playwright
from tests.browser.conftest import DESKTOP, FLAGS
from tests.stack.stack import Stack

from bench.figures import Figure
from bench.pages import demo_password, settle
from bench.stacks import Homes
from bench.web import Visitor

STATIONS, AIM = 10_000, 30.0
SEEN = {
    "clusters": "zoom=9&box=107.9,29.6;108.7,30.6",
    "features": "zoom=12.6&box=108.1,29.95;108.25,30.05",
}
LAYER = "ecology.water_stations"
SEED = (
    "INSERT INTO things_thing (name, description, county_id, organisation_id, area_id, key) SELECT 'bench ' || n, '', "
    "county_id, organisation_id, area_id, 'bench-' || n FROM things_thing, generate_series(1, %s) n "
    "WHERE key = 'WQ-LH-01'",
    "INSERT INTO things_location (name, description, encoding_type, location, box) SELECT 'bench-' || n, '', "
    "'application/geo+json', json_build_object('type', 'Point', 'coordinates', json_build_array(x, y)), "
    "box(point(x, y), point(x, y)) FROM (SELECT n, 107.99 + 0.6 * random() AS x, 29.65 + 0.85 * random() AS y "
    "FROM generate_series(1, %s) n) p",
    "INSERT INTO things_thing_locations (thing_id, location_id) SELECT t.id, l.id FROM things_thing t "
    "JOIN things_location l ON l.name = t.key WHERE t.key LIKE 'bench-%%' AND %s > 0",
    "INSERT INTO things_device (county_id, key, profile, thing_id, secret, is_enabled, is_lenient, origin) SELECT "
    "county_id, key, 'ecology.water_station', id, '', true, false, 1 FROM things_thing "
    "WHERE key LIKE 'bench-%%' AND %s > 0",
    "INSERT INTO things_datastream (name, description, thing_id, sensor_id, observed_property_id, observation_type, "
    "unit_of_measurement, key, is_watched) SELECT d.name, '', t.id, d.sensor_id, d.observed_property_id, "
    "d.observation_type, d.unit_of_measurement, d.key, false FROM things_thing t, things_datastream d "
    "JOIN things_thing o ON o.id = d.thing_id WHERE t.key LIKE 'bench-%%' AND o.key = 'WQ-LH-01' "
    "AND d.key = 'dissolved_oxygen' AND %s > 0",
)
STREAMS = (
    "SELECT d.id FROM things_datastream d JOIN things_thing t ON t.id = d.thing_id WHERE starts_with(t.key, 'bench-')"
)
COUNTING = "window.frames_ = 0; (function next() { window.frames_ += 1; requestAnimationFrame(next); })()"


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack(has_demo=True) as stack:
        settle(stack)
        seed(stack)
        streams = [row[0] for row in stack.query(STREAMS)]
        stop = threading.Event()
        sender = threading.Thread(target=send, args=(stack, streams, stop))
        sender.start()
        try:
            yield from frames(stack, seconds)
            yield from answers(stack)
        finally:
            stop.set()
            sender.join()


def seed(stack: Stack) -> None:
    """The stations, in one transaction of plain SQL: registering each would take the whole run."""
    with psycopg.connect(stack.state["DATABASE_URL"]) as connection:
        for sql in SEED:
            connection.execute(sql, [STATIONS])


def send(stack: Stack, streams: list[int], stop: threading.Event) -> None:
    """Readings of one station after another over SensorThings, as fast as they are answered."""
    login = base64.b64encode(f"admin:{stack.environment['SHIZHU_ADMIN_PASSWORD']}".encode()).decode()
    head = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    number = 0
    while not stop.is_set():
        stream = streams[number % len(streams)]
        line.request("POST", f"/v1.1/Datastreams({stream})/Observations", json.dumps({"result": number % 10}), head)
        line.getresponse().read()
        number += 1
        stop.wait(0.02)


def frames(stack: Stack, seconds: float) -> Iterator[Figure]:
    """The map dragged to and fro with the layer on and off, far out and near."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(base_url=stack.address, viewport=DESKTOP)
        page.goto("/login")
        page.locator("[name=username]").fill("leader")
        page.locator("[name=password]").fill(demo_password(stack))
        page.locator("[name=password]").press("Enter")
        page.wait_for_url("**/")
        for name, closer in (("far out", 0), ("near", 3)):
            page.goto("/map/")
            page.locator("#map[data-ready]").wait_for(state="attached")
            page.locator(f'[data-count="{LAYER}"]').filter(has_text="10007").wait_for(timeout=60_000)
            for _ in range(closer):
                page.locator(".maplibregl-ctrl-zoom-in").click()
                page.wait_for_timeout(1500)
            page.evaluate(COUNTING)
            rates: dict[bool, list[float]] = {True: [], False: []}
            for is_on in (True, False, False, True):
                page.locator(f'[data-layer="{LAYER}"]').set_checked(is_on)
                rates[is_on].append(dragged(page, seconds))
            full, empty = max(rates[True]), max(rates[False])
            yield Figure("map", f"{name}, 10,000 stations", full, "frames/s", "layer off", empty)
            yield Figure("map", f"{name}, 10,000 stations", full, "frames/s", "aim", AIM)
        browser.close()


def dragged(page: Page, seconds: float) -> float:
    """Frames a second while the map follows the pointer."""
    page.mouse.move(600, 450)
    page.mouse.down()
    began, first, number = time.monotonic(), page.evaluate("window.frames_"), 0
    while (took := time.monotonic() - began) < seconds:
        number += 1
        page.mouse.move(600 + 8 * (number % 20 - 10), 450 + 5 * (number % 14 - 7))
        page.wait_for_timeout(16)
    last = page.evaluate("window.frames_")
    page.mouse.up()
    return float(last - first) / took


def answers(stack: Stack) -> Iterator[Figure]:
    """What the server takes to say what the window shows."""
    visitor = Visitor(stack.port)
    login = visitor.median("/login")
    visitor.log_in("leader", demo_password(stack))
    for name, query in SEEN.items():
        took = visitor.median(f"/map/layers/{LAYER}.geojson?{query}")
        yield Figure("map", f"answer with {name}", took, "ms", "login page", login)
