"""The entities of OGC 18-088 §8 as one table: properties to SQL, navigation to joins, who sees what.

In every piece of SQL `{e}` is the alias of the entity's own row, `{id}` the id of the entity one comes from, and
`{visible}` the access predicate over a Thing with the alias `t`. In a condition `{probe}` is what keeps PostgreSQL from
making a join of it. The session's time zone must be UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from shizhu.engines.things.store import CURRENT, PAST

COMPLEX = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_ComplexObservation"


class Kind(Enum):
    """What a property's value is compared as."""

    NUMBER = "a number"
    TEXT = "text"
    BOOLEAN = "true or false"
    TIME = "a time"
    SPAN = "a time or an interval of time"
    DATE = "a date"
    CLOCK = "a time of day"
    DURATION = "a duration"
    JSON = "JSON"
    RESULT = "a result"  # a number, or any JSON
    NULL = "null"


class Rule(Enum):
    """What a given value must be."""

    TEXT = "must be text"
    FILLED = "must be text that is not empty"
    OBJECT = "must be a JSON object"
    ANY = "must be given"
    GEOMETRY = "must be GeoJSON of WGS 84 (encodingType application/geo+json), or JSON of another encodingType"
    TIME = "must be an ISO 8601 time with zone"
    SPAN = "must be an ISO 8601 time with zone, or two with / between"
    OBJECTS = "must be a list of JSON objects"
    TEXTS = "must be a list of texts that are not empty"
    COMPLEX = f"must be {COMPLEX}"


@dataclass(frozen=True)
class Property:
    """One property: `value` is compared and ordered by, `json` is its JSON text (NULL: left out).

    `end` is the other end of a SPAN; `column` is where a given value goes (empty: computed, ignored when given).
    """

    name: str
    kind: Kind
    value: str
    json: str
    rule: Rule = Rule.ANY
    column: str = ""
    end: str = ""
    order: tuple[tuple[str, str], ...] = ()  # (SQL, type) to sort by, where it is not the value
    is_required: bool = False
    is_nullable: bool = True
    box: str = ""  # SQL of the box of a geometry


@dataclass(frozen=True)
class Navigation:
    """A link to another entity: to one by `value` (SQL of its id), to many by `where` (over its alias)."""

    name: str
    target: str
    inverse: str
    value: str = ""
    where: str = ""
    column: str = ""  # foreign key of the own row
    through: tuple[str, str, str] = ("", "", "")  # table of links, own column, column of the target
    is_required: bool = False
    is_inherited: bool = False  # whoever sees this entity sees the target
    exists: str = "TRUE"  # SQL, over the own row: whether the link is there
    order: tuple[tuple[str, str], ...] = ()  # (SQL, type) that say the order of the targets

    @property
    def is_many(self) -> bool:
        """Whether it leads to a collection."""
        return bool(self.where)


@dataclass(frozen=True)
class Seen:
    """Which rows the predicate over Things gives: `visible` if one of their Things fits, `owned` if all do."""

    visible: str
    owned: str


@dataclass(frozen=True)
class EntitySet:
    """One entity: its name alone and in numbers, table, properties, navigation."""

    name: str
    entity: str
    table: str
    noun: str  # in the verb: things.<noun>.create
    seen: Seen
    properties: Mapping[str, Property]
    navigation: Mapping[str, Navigation]
    condition: str = ""
    outside: str = ""  # the rows that do not meet the condition, found without asking every row
    order: tuple[tuple[str, str], ...] = (("{e}.id", "bigint"),)  # (SQL, type), unique, never NULL
    one_of: tuple[str, ...] = ()  # navigation of which a new entity has exactly one
    is_fixed: bool = False  # declared or made elsewhere: not written as other entities are


def instant(value: str) -> str:
    """JSON text of a timestamptz."""
    return f"replace(to_json({value})::text, '+00:00', 'Z')"


def interval(begin: str, end: str) -> str:
    """JSON text of a SensorThings interval."""
    return (
        f"replace(concat(rtrim(to_json({begin})::text, '\"'), '/', ltrim(to_json({end})::text, '\"')), '+00:00', 'Z')"
    )


def _text(name: str, column: str, rule: Rule = Rule.FILLED) -> Property:
    """Mandatory text. 18-088 §8.2: names are labels, encodingType and observationType codes, definition is a URI."""
    value = f"{{e}}.{column}"
    return Property(
        name, Kind.TEXT, value, f"to_json({value})::text", rule, column, is_required=True, is_nullable=False
    )  # fmt: skip


def _json(name: str, column: str, rule: Rule = Rule.OBJECT, *, is_required: bool = False, box: str = "") -> Property:
    value = f"{{e}}.{column}"
    return Property(
        name, Kind.JSON, value, f"{value}::text", rule, column, order=((f"{value}::text", "text"),),
        is_required=is_required, box=box,
    )  # fmt: skip


def _extra(name: str, sql: str, rule: Rule) -> Property:
    return Property(name, Kind.JSON, sql, f"({sql})::text", rule, order=((f"({sql})::text", "text"),), column="extra")


NAME, DESCRIPTION = _text("name", "name"), _text("description", "description", Rule.TEXT)
PROPERTIES = _json("properties", "properties")
ENCODING = _text("encodingType", "encoding_type")
LATEST = "(SELECT {sql} FROM things_latest l WHERE l.datastream_id = {{e}}.id)"
LAST_END = "coalesce({e}.phenomenon_end, {e}.phenomenon_time)"

# What must be known of a reading is said in fields of the standard: a verdict that is not good is added to
# resultQuality, an origin that is not measured to parameters.
QUALITY = """CASE WHEN {e}.verdict = 0 THEN {e}.extra -> 'resultQuality'
 WHEN coalesce(jsonb_typeof({e}.extra -> 'resultQuality'), 'object') = 'object'
 THEN coalesce({e}.extra -> 'resultQuality', '{}')
   || jsonb_build_object('verdict', (ARRAY['good','suspect','bad'])[{e}.verdict + 1]) || coalesce({e}.reason, '{}')
 ELSE ({e}.extra -> 'resultQuality') || jsonb_build_array(
   jsonb_build_object('verdict', (ARRAY['good','suspect','bad'])[{e}.verdict + 1]) || coalesce({e}.reason, '{}')) END"""
PARAMETERS = """CASE WHEN {e}.origin = 0 THEN {e}.extra -> 'parameters'
 WHEN {e}.extra IS NULL THEN (ARRAY[NULL, '{"origin": "simulated"}', '{"origin": "replayed"}']::jsonb[])[{e}.origin + 1]
 ELSE coalesce({e}.extra -> 'parameters', '{}')
 || jsonb_build_object('origin', (ARRAY['measured','simulated','replayed'])[{e}.origin + 1]) END"""
VALID = "nullif({e}.extra ->> 'validTime', '')"

THINGS = "SELECT t.id FROM things_thing t WHERE {visible}"
STREAMS = "SELECT d.id FROM things_datastream d JOIN things_thing t ON t.id = d.thing_id WHERE {visible}"


def _hung(condition: str) -> Seen:
    """What hangs on one Thing."""
    return Seen(condition, condition)


OF_THING = _hung(f"{{e}}.thing_id = ANY(ARRAY({THINGS}))")


def _shared(links: str, *paths: str) -> Seen:
    """Seen by whoever sees one of the Things it is linked to, and by all while it is linked to none."""
    seen = " OR ".join(f"EXISTS ({path} AND {{visible}})" for path in paths)
    owned = " AND ".join(f"NOT EXISTS ({path} AND NOT {{visible}})" for path in paths)
    return Seen(f"({seen} OR NOT ({links}))", owned)


SENSOR_SEEN = _shared(
    "EXISTS (SELECT FROM things_datastream d WHERE d.sensor_id = {e}.id)",
    "SELECT FROM things_datastream d JOIN things_thing t ON t.id = d.thing_id WHERE d.sensor_id = {e}.id",
)
PROPERTY_SEEN = _shared(
    "EXISTS (SELECT FROM things_datastream d WHERE d.observed_property_id = {e}.id)"
    " OR EXISTS (SELECT FROM things_datastream_observed_properties m WHERE m.observedproperty_id = {e}.id)",
    "SELECT FROM things_datastream d JOIN things_thing t ON t.id = d.thing_id WHERE d.observed_property_id = {e}.id",
    "SELECT FROM things_datastream_observed_properties m JOIN things_datastream d ON d.id = m.datastream_id"
    " JOIN things_thing t ON t.id = d.thing_id WHERE m.observedproperty_id = {e}.id",
)
LOCATION_SEEN = _shared(
    "EXISTS (SELECT FROM things_thing_locations m WHERE m.location_id = {e}.id)"
    " OR EXISTS (SELECT FROM things_historicallocation_locations m WHERE m.location_id = {e}.id)",
    "SELECT FROM things_thing_locations m JOIN things_thing t ON t.id = m.thing_id WHERE m.location_id = {e}.id",
    "SELECT FROM things_historicallocation_locations m JOIN things_historicallocation h"
    " ON h.id = m.historicallocation_id JOIN things_thing t ON t.id = h.thing_id WHERE m.location_id = {e}.id",
)
# Observations without a feature of their own have their Datastream's.
FEATURE_OF = "coalesce({e}.feature_id, (SELECT d.feature_id FROM things_datastream d WHERE d.id = {e}.datastream_id))"
FEATURE_SEEN = _shared(
    "EXISTS (SELECT FROM things_datastream d WHERE d.feature_id = {e}.id)"
    " OR EXISTS (SELECT FROM things_observation o WHERE o.feature_id = {e}.id)"
    " OR EXISTS (SELECT FROM things_archivedfeature a WHERE a.feature_id = {e}.id)",
    "SELECT FROM things_datastream d JOIN things_thing t ON t.id = d.thing_id WHERE d.feature_id = {e}.id",
    "SELECT FROM things_observation o JOIN things_datastream d ON d.id = o.datastream_id"
    " JOIN things_thing t ON t.id = d.thing_id WHERE o.feature_id = {e}.id",
    "SELECT FROM things_archivedfeature a JOIN things_datastream d ON d.id = a.datastream_id"
    " JOIN things_thing t ON t.id = d.thing_id WHERE a.feature_id = {e}.id",
)
OBSERVED = (  # the streams first, so that the primary key finds them in order
    "{e}.datastream_id = ANY(ARRAY(SELECT d.id FROM things_datastream d WHERE d.feature_id = {id} UNION"
    f" SELECT o.datastream_id FROM things_observation o WHERE o.feature_id = {{id}})) AND {FEATURE_OF} = {{id}}"
)
AT = ("things_thing_locations", "thing_id", "location_id")
WAS_AT = ("things_historicallocation_locations", "historicallocation_id", "location_id")
OBSERVES = ("things_datastream_observed_properties", "datastream_id", "observedproperty_id")
# Datastreams and MultiDatastreams are one table.
SINGLE, MULTI = "{e}.data_types IS NULL", "{e}.data_types IS NOT NULL"
OF_MULTI = (  # a result that is a number cannot be of a MultiDatastream: nothing need be looked up
    "{e}.result IS NULL AND EXISTS (SELECT FROM things_datastream d"
    " WHERE d.id = {e}.datastream_id AND d.data_types IS NOT NULL)"
)


def _linked(table: str, own: str, other: str) -> str:
    return f"{{e}}.id IN (SELECT m.{other} FROM {table} m WHERE m.{own} = {{id}})"


def _one(
    name: str, target: str, inverse: str, column: str, *, is_required: bool = True, exists: str = "TRUE"
) -> Navigation:
    value = f"{{e}}.{column}"
    return Navigation(
        name, target, inverse, value, column=column, is_required=is_required, is_inherited=True, exists=exists
    )


def _set(
    name: str, entity: str, table: str, noun: str, seen: Seen,
    properties: tuple[Property, ...], navigation: tuple[Navigation, ...], condition: str = "",
    order: tuple[tuple[str, str], ...] = (("{e}.id", "bigint"),), one_of: tuple[str, ...] = (), outside: str = "",
) -> EntitySet:  # fmt: skip
    return EntitySet(
        name, entity, table, noun, seen, {p.name: p for p in properties}, {n.name: n for n in navigation}, condition,
        outside, order, one_of,
    )  # fmt: skip


def _hanging(inverse: str, where: str, *, is_inherited: bool = False) -> tuple[Navigation, ...]:
    """Both kinds of Datastream that hang on an entity."""
    names = ("Datastreams", "MultiDatastreams")
    return tuple(Navigation(name, name, inverse, where=where, is_inherited=is_inherited) for name in names)


# Around the features that Observations name and, where some name none, that of the Datastream.
AREA = """(SELECT bound_box(coalesce(a.own, a.home), coalesce(a.home, a.own)) FROM things_latest l CROSS JOIN LATERAL (
 SELECT l.area AS own, (SELECT things_box(f.feature) FROM things_featureofinterest f
   WHERE l.is_home AND f.id = {e}.feature_id) AS home) a WHERE l.datastream_id = {e}.id)"""
OBSERVED_AREA = f"coalesce(things_geojson({AREA}), {{e}}.observed_area)"
# Tasking (17-079r1): Actuators are devices, TaskingCapabilities commands of their profiles, Tasks commands asked for.
DEVICES = "SELECT d.id FROM things_device d JOIN things_thing t ON t.id = d.thing_id WHERE {visible}"
OF_DEVICE = _hung(f"{{e}}.device_id = ANY(ARRAY({DEVICES}))")
CAPABILITIES_OF_THING = Navigation(
    "TaskingCapabilities", "TaskingCapabilities", "Thing", is_inherited=True,
    where="{e}.device_id IN (SELECT d.id FROM things_device d WHERE d.thing_id = {id})",
)  # fmt: skip
ANSWERED = """jsonb_strip_nulls(jsonb_build_object('expires', {e}.expires, 'sent', {e}.sent_at, 'acknowledged',
 {e}.acknowledged_at, 'ended', {e}.ended_at, 'answer', {e}.answer))"""


def _told(name: str, kind: Kind, value: str, json: str) -> Property:
    """A property that is only read."""
    return Property(name, kind, value, json, order=((f"({value})::text", "text"),) if kind is Kind.JSON else ())


def _words(name: str, value: str) -> Property:
    return _told(name, Kind.TEXT, value, f"to_json(({value})::text)::text")


TASKING = (
    EntitySet(
        "Actuators", "Actuator", "things_device", "device", OF_THING,
        {one.name: one for one in (
            _words("name", "{e}.key"), _words("description", "{e}.profile"), _words("encodingType", "'text/plain'"),
            _words("metadata", "{e}.profile"),
        )},
        {"TaskingCapabilities": Navigation("TaskingCapabilities", "TaskingCapabilities", "Actuator",
                                           where="{e}.device_id = {id}", is_inherited=True)},
        "EXISTS (SELECT FROM things_taskingcapability c WHERE c.device_id = {e}.id AND c.is_declared)", is_fixed=True,
    ),
    EntitySet(
        "TaskingCapabilities", "TaskingCapability", "things_taskingcapability", "device", OF_DEVICE,
        {one.name: one for one in (
            _words("name", "{e}.name"), _words("description", "{e}.description"),
            _told("taskingParameters", Kind.JSON, "{e}.parameters", "{e}.parameters::text"),
        )},
        {one.name: one for one in (
            Navigation("Thing", "Things", "TaskingCapabilities", is_inherited=True,
                       value="(SELECT d.thing_id FROM things_device d WHERE d.id = {e}.device_id)"),
            Navigation("Actuator", "Actuators", "TaskingCapabilities", value="{e}.device_id", is_inherited=True),
            Navigation("Tasks", "Tasks", "TaskingCapability", is_inherited=True,
                       where="({e}.device_id, {e}.name) ="
                             " (SELECT c.device_id, c.command FROM things_taskingcapability c WHERE c.id = {id})"),
        )},
        "{e}.is_declared", is_fixed=True,
    ),
    EntitySet(
        "Tasks", "Task", "things_command", "command", OF_DEVICE,
        {one.name: one for one in (
            _told("creationTime", Kind.TIME, "{e}.asked_at", instant("{e}.asked_at")),
            _told("taskingParameters", Kind.JSON, "{e}.parameters", "{e}.parameters::text"),
            _words("status", "{e}.state"),
            _told("properties", Kind.JSON, ANSWERED, f"({ANSWERED})::text"),
        )},
        {"TaskingCapability": Navigation(
            "TaskingCapability", "TaskingCapabilities", "Tasks", is_inherited=True,
            value="(SELECT c.id FROM things_taskingcapability c WHERE c.device_id = {e}.device_id"
                  " AND c.command = {e}.name)")},
        is_fixed=True,
    ),
)  # fmt: skip
RESULT_TIME = interval("l.result_first", "l.result_last")
STREAM_TIMES = (
    Property("observedArea", Kind.JSON, OBSERVED_AREA, f"{OBSERVED_AREA}::text", Rule.OBJECT, "observed_area",
             order=((f"{OBSERVED_AREA}::text", "text"),), box=f"coalesce({AREA}, things_box({{e}}.observed_area))"),
    Property("phenomenonTime", Kind.SPAN, LATEST.format(sql="l.first_time"),
             LATEST.format(sql=interval("l.first_time", "l.last_end")), end=LATEST.format(sql="l.last_end")),
    Property("resultTime", Kind.SPAN, LATEST.format(sql="l.result_first"),
             LATEST.format(sql=f"CASE WHEN l.result_first IS NOT NULL THEN {RESULT_TIME} END"),
             end=LATEST.format(sql="l.result_last")),
    PROPERTIES,
)  # fmt: skip
SETS = {
    made.name: made
    for made in (
        _set(
            "Things", "Thing", "things_thing", "thing", _hung(f"{{e}}.id = ANY(ARRAY({THINGS}))"),
            (NAME, DESCRIPTION, PROPERTIES),
            (
                Navigation("Locations", "Locations", "Things", where=_linked(*AT), through=AT, is_inherited=True),
                Navigation("HistoricalLocations", "HistoricalLocations", "Thing", where="{e}.thing_id = {id}",
                           is_inherited=True),
                CAPABILITIES_OF_THING,
                *_hanging("Thing", "{e}.thing_id = {id}", is_inherited=True),
            ),
        ),
        _set(
            "Locations", "Location", "things_location", "location", LOCATION_SEEN,
            (
                NAME, DESCRIPTION, ENCODING,
                _json("location", "location", Rule.GEOMETRY, is_required=True, box="{e}.box"), PROPERTIES,
            ),
            (
                Navigation("Things", "Things", "Locations", where=_linked(AT[0], AT[2], AT[1]),
                           through=(AT[0], AT[2], AT[1])),
                Navigation("HistoricalLocations", "HistoricalLocations", "Locations",
                           where=_linked(WAS_AT[0], WAS_AT[2], WAS_AT[1]), through=(WAS_AT[0], WAS_AT[2], WAS_AT[1])),
            ),
        ),
        _set(
            "HistoricalLocations", "HistoricalLocation", "things_historicallocation", "location", OF_THING,
            (
                Property("time", Kind.TIME, "{e}.time", instant("{e}.time"), Rule.TIME, "time", is_required=True,
                         is_nullable=False),
            ),
            (
                _one("Thing", "Things", "HistoricalLocations", "thing_id"),
                Navigation("Locations", "Locations", "HistoricalLocations", where=_linked(*WAS_AT), through=WAS_AT,
                           is_required=True, is_inherited=True),
            ),
        ),
        _set(
            "Datastreams", "Datastream", "things_datastream", "datastream", OF_THING,
            (
                NAME, DESCRIPTION, _text("observationType", "observation_type"),
                _json("unitOfMeasurement", "unit_of_measurement", is_required=True),
                *STREAM_TIMES,
            ),
            (
                _one("Thing", "Things", "Datastreams", "thing_id"),
                _one("Sensor", "Sensors", "Datastreams", "sensor_id"),
                _one("ObservedProperty", "ObservedProperties", "Datastreams", "observed_property_id"),
                Navigation("Observations", "Observations", "Datastream", where="{e}.datastream_id = {id}",
                           is_inherited=True),
            ),
            SINGLE,
        ),
        _set(
            "MultiDatastreams", "MultiDatastream", "things_datastream", "datastream", OF_THING,
            (
                NAME, DESCRIPTION,
                Property("observationType", Kind.TEXT, f"'{COMPLEX}'", f"""'"{COMPLEX}"'""", Rule.COMPLEX,
                         is_nullable=False),
                _json("multiObservationDataTypes", "data_types", Rule.TEXTS, is_required=True),
                _json("unitOfMeasurements", "unit_of_measurement", Rule.OBJECTS, is_required=True),
                *STREAM_TIMES,
            ),
            (
                _one("Thing", "Things", "MultiDatastreams", "thing_id"),
                _one("Sensor", "Sensors", "MultiDatastreams", "sensor_id"),
                Navigation("ObservedProperties", "ObservedProperties", "MultiDatastreams", where=_linked(*OBSERVES),
                           through=OBSERVES, is_required=True, is_inherited=True,
                           order=((f"(SELECT m.id FROM {OBSERVES[0]} m WHERE m.{OBSERVES[1]} = {{id}}"
                                   f" AND m.{OBSERVES[2]} = {{e}}.id)", "bigint"),)),
                Navigation("Observations", "Observations", "MultiDatastream", where="{e}.datastream_id = {id}",
                           is_inherited=True),
            ),
            MULTI,
        ),
        _set(
            "Sensors", "Sensor", "things_sensor", "sensor", SENSOR_SEEN,
            (NAME, DESCRIPTION, ENCODING, _json("metadata", "metadata", Rule.ANY, is_required=True), PROPERTIES),
            _hanging("Sensor", "{e}.sensor_id = {id}"),
        ),
        _set(
            "ObservedProperties", "ObservedProperty", "things_observedproperty", "property",
            PROPERTY_SEEN, (NAME, _text("definition", "definition"), DESCRIPTION, PROPERTIES),
            (
                Navigation("Datastreams", "Datastreams", "ObservedProperty", where="{e}.observed_property_id = {id}"),
                Navigation("MultiDatastreams", "MultiDatastreams", "ObservedProperties",
                           where=_linked(OBSERVES[0], OBSERVES[2], OBSERVES[1]),
                           through=(OBSERVES[0], OBSERVES[2], OBSERVES[1])),
            ),
        ),
        _set(
            "Observations", "Observation", "things_observation", "observation",
            _hung(f"{{e}}.datastream_id = ANY(ARRAY({STREAMS}))"),
            (
                Property("phenomenonTime", Kind.SPAN, "{e}.phenomenon_time",
                         f"CASE WHEN {{e}}.phenomenon_end IS NULL THEN {instant('{e}.phenomenon_time')}"
                         f" ELSE {interval('{e}.phenomenon_time', '{e}.phenomenon_end')} END",
                         Rule.SPAN, "phenomenon_time", end=LAST_END, is_nullable=False),
                Property("resultTime", Kind.TIME, "{e}.result_time",
                         f"coalesce({instant('{e}.result_time')}, 'null')", Rule.TIME, "result_time"),
                Property("result", Kind.RESULT, "{e}.result",
                         "coalesce({e}.result::text, {e}.result_json::text, 'null')", Rule.ANY, "result",
                         is_required=True,
                         order=(("{e}.result", "double precision"), ("{e}.result_json::text", "text"))),
                _extra("resultQuality", QUALITY, Rule.ANY),
                Property("validTime", Kind.SPAN, f"split_part({VALID}, '/', 1)::timestamptz",
                         "({e}.extra -> 'validTime')::text", Rule.SPAN, "extra",
                         end=f"nullif(split_part({VALID} || '/' || {VALID}, '/', 2), '')::timestamptz"),
                _extra("parameters", PARAMETERS, Rule.OBJECT),
            ),
            (
                _one("Datastream", "Datastreams", "Observations", "datastream_id", is_required=False,
                     exists=f"NOT ({OF_MULTI})"),
                _one("MultiDatastream", "MultiDatastreams", "Observations", "datastream_id", is_required=False,
                     exists=OF_MULTI),
                Navigation("FeatureOfInterest", "FeaturesOfInterest", "Observations", FEATURE_OF, column="feature_id",
                           is_inherited=True),
            ),
            CURRENT,
            (("{e}.datastream_id", "bigint"), ("{e}.phenomenon_time", "timestamptz")),
            ("Datastream", "MultiDatastream"),
            PAST,
        ),
        _set(
            "FeaturesOfInterest", "FeatureOfInterest", "things_featureofinterest", "feature", FEATURE_SEEN,
            (
                NAME, DESCRIPTION, ENCODING,
                _json("feature", "feature", Rule.GEOMETRY, is_required=True, box="things_box({e}.feature)"), PROPERTIES,
            ),
            (Navigation("Observations", "Observations", "FeatureOfInterest", where=OBSERVED),),
        ),
    )
}  # fmt: skip
SETS |= {made.name: made for made in TASKING}
