"""TaskingCapabilities (17-079r1 §8.2.1) of devices: the commands of their profiles, with parameters as a DataRecord."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import connection

from shizhu.engines.things.models import Device
from shizhu.kernel import packs
from shizhu.kernel.packs import Body

TYPES = {"number": "Quantity", "integer": "Count", "boolean": "Boolean", "string": "Text"}
MAKE = """
INSERT INTO things_taskingcapability AS t (device_id, command, name, description, parameters, is_declared)
SELECT d.id, c.command, c.name, c.description, c.parameters, TRUE FROM things_device d
CROSS JOIN unnest(%(commands)s::text[], %(names)s::text[], %(descriptions)s::text[], %(parameters)s::jsonb[])
  AS c (command, name, description, parameters)
WHERE d.profile = %(profile)s AND d.county_id = %(county)s AND (%(key)s::text IS NULL OR d.key = %(key)s)
ON CONFLICT (device_id, command) DO UPDATE SET name = excluded.name, description = excluded.description,
  parameters = excluded.parameters, is_declared = TRUE
WHERE (t.name, t.description, t.parameters, t.is_declared)
  IS DISTINCT FROM (excluded.name, excluded.description, excluded.parameters, TRUE)
"""
LOSE = """
UPDATE things_taskingcapability t SET is_declared = FALSE FROM things_device d
WHERE d.id = t.device_id AND d.profile = %(profile)s AND d.county_id = %(county)s
  AND (%(key)s::text IS NULL OR d.key = %(key)s) AND t.is_declared AND NOT t.command = ANY(%(commands)s::text[])
"""


def follow_profiles(key: str | None = None) -> None:
    """Make the capabilities of all devices, or of one, what their profiles declare now."""
    devices = Device.objects.all() if key is None else Device.objects.filter(key=key)
    for profile, county in devices.order_by().values_list("profile", "county_id").distinct():
        try:
            declared = packs.declaration("things", profile, county).get("commands", {})
        except KeyError:  # nobody declares this profile any more
            declared = {}
        columns: dict[str, Any] = {
            "commands": [*declared],
            "names": [item["title"]["zh"] for item in declared.values()],
            "descriptions": [item["title"]["en"] for item in declared.values()],
            "parameters": [orjson.dumps(record(item)).decode() for item in declared.values()],
        }
        with connection.cursor() as cursor:
            for query in (MAKE, LOSE):
                cursor.execute(query, {**columns, "profile": profile, "county": county, "key": key})


def record(command: Body) -> Body:
    """The parameters of a declared command as a DataRecord (SWE Common JSON, as 17-079r1 uses it)."""
    return {"type": "DataRecord", "field": [_field(*pair) for pair in command.get("parameters", {}).items()]}


def _field(name: str, schema: Body) -> Body:
    title = schema.get("title") or {"zh": name, "en": name}
    made: Body = {"name": name, "label": title["zh"], "description": title["en"], "type": TYPES[schema["type"]]}
    if "unit" in schema:
        made["uom"] = {"code": schema["unit"]}
    if "enum" in schema:
        is_text = schema["type"] == "string"
        made["type"] = "Category" if is_text else made["type"]
        made["constraint"] = {"type": "AllowedTokens" if is_text else "AllowedValues", "value": schema["enum"]}
    elif {"minimum", "maximum"} & {*schema}:
        made["constraint"] = {
            "type": "AllowedValues", "interval": [[schema.get("minimum", "-INF"), schema.get("maximum", "INF")]],
        }  # fmt: skip
    return made
