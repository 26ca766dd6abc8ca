"""The door of the things engine."""

from __future__ import annotations

from shizhu.engines.things import archive, files, replay, spark
from shizhu.engines.things.aggregate import AggregateFault, interval
from shizhu.engines.things.asking import hear as hear_tasks
from shizhu.engines.things.capabilities import follow_profiles
from shizhu.engines.things.catalogue import Registry
from shizhu.engines.things.commanding import ENDED_EVENT as COMMAND_ENDED
from shizhu.engines.things.commanding import CommandRefused, Outgoing, ask_for, send_command
from shizhu.engines.things.commanding import answered as command_answered
from shizhu.engines.things.commanding import due as due_commands
from shizhu.engines.things.commanding import news as command_news
from shizhu.engines.things.devices import MARK, DeviceRefused, Grant, Registration, grant, register
from shizhu.engines.things.dossier import things_of
from shizhu.engines.things.downloading import Part as FilePart
from shizhu.engines.things.downloading import Wanted as WantedPart
from shizhu.engines.things.downloading import ask as ask_part
from shizhu.engines.things.downloading import headers as file_headers
from shizhu.engines.things.downloading import span as file_span
from shizhu.engines.things.edges import STREAMS as EDGE_STREAMS
from shizhu.engines.things.edges import (
    KeptRegistry,
    answer_edge,
    answers_of_edge,
    follow_county,
    ingest_edge,
    is_reached,
    registry,
    revocations,
)
from shizhu.engines.things.features import spot_of_stream, station_of_stream
from shizhu.engines.things.http.sta.app import SensorThings
from shizhu.engines.things.http.sta.app import application as sensorthings
from shizhu.engines.things.ingest import ANSWERING, ANSWERS, LIVE, ingest, prepare_source
from shizhu.engines.things.lines import BACK, LineInfo, edge_of_thing, hands_on, lost_edge
from shizhu.engines.things.lines import look as look_at_lines
from shizhu.engines.things.logic.bench import Bench
from shizhu.engines.things.logic.readings import DRILL, KnownDevice, Origin, Sample, Submission, Verdict
from shizhu.engines.things.logic.tables import TableRefused
from shizhu.engines.things.publication import granted, publish
from shizhu.engines.things.queries import (
    Known,
    Packet,
    Point,
    StreamInfo,
    add_levels,
    add_limits,
    describe,
    device_keys,
    device_list,
    hanging_on,
    heard,
    latest,
    maintained,
    packet,
    parent_of,
    readable,
    readings,
    readings_of,
    series,
    streams_at,
    streams_of,
    switch_device,
    watch,
)
from shizhu.engines.things.rolling import Rolled, rolled
from shizhu.engines.things.rollouts import Halted
from shizhu.engines.things.rollouts import halted as rollout_halted
from shizhu.engines.things.rollouts import simulated as releases_simulated

__all__ = [
    "ANSWERING",
    "ANSWERS",
    "BACK",
    "COMMAND_ENDED",
    "DRILL",
    "EDGE_STREAMS",
    "LIVE",
    "MARK",
    "AggregateFault",
    "Bench",
    "CommandRefused",
    "DeviceRefused",
    "FilePart",
    "Grant",
    "Halted",
    "KeptRegistry",
    "Known",
    "KnownDevice",
    "LineInfo",
    "Origin",
    "Outgoing",
    "Packet",
    "Point",
    "Registration",
    "Registry",
    "Rolled",
    "Sample",
    "SensorThings",
    "StreamInfo",
    "Submission",
    "TableRefused",
    "Verdict",
    "WantedPart",
    "add_levels",
    "add_limits",
    "answer_edge",
    "answers_of_edge",
    "archive",
    "ask_for",
    "ask_part",
    "command_answered",
    "command_news",
    "describe",
    "device_keys",
    "device_list",
    "due_commands",
    "edge_of_thing",
    "file_headers",
    "file_span",
    "files",
    "follow_county",
    "follow_profiles",
    "grant",
    "granted",
    "hands_on",
    "hanging_on",
    "hear_tasks",
    "heard",
    "ingest",
    "ingest_edge",
    "interval",
    "is_reached",
    "latest",
    "look_at_lines",
    "lost_edge",
    "maintained",
    "packet",
    "parent_of",
    "prepare_source",
    "publish",
    "readable",
    "readings",
    "readings_of",
    "register",
    "registry",
    "releases_simulated",
    "replay",
    "revocations",
    "rolled",
    "rollout_halted",
    "send_command",
    "sensorthings",
    "series",
    "spark",
    "spot_of_stream",
    "station_of_stream",
    "streams_at",
    "streams_of",
    "switch_device",
    "things_of",
    "watch",
]  # fmt: skip
