"""The service root (18-088 §9.2.1): what sets there are, and which requirements of the edition asked for are met."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from shizhu.engines.things.http.sta.entities import SETS

SENSING = "http://www.opengis.net/spec/iot_sensing/{}/req/"
MODEL = (
    "thing", "location", "historical-location", "datastream", "sensor", "observed-property", "observation",
    "feature-of-interest",
)  # fmt: skip
BOTH = (
    "resource-path/resource-path-to-entities", "request-data/order", "request-data/expand", "request-data/select",
    "request-data/orderby", "request-data/skip", "request-data/top", "request-data/filter",
    "request-data/built-in-filter-operations", "request-data/count", "request-data/pagination",
    "request-data/status-code", "request-data/query-status-code", "request-data/built-in-query-functions",
    "create-update-delete/create-entity", "create-update-delete/link-to-existing-entities",
    "create-update-delete/deep-insert", "create-update-delete/deep-insert-status-code",
    "create-update-delete/update-entity", "create-update-delete/delete-entity", "data-array/data-array",
    "batch-request/batch-request",
)  # fmt: skip
NEW = (  # of 1.1 alone
    "multi-datastream", "create-update-delete/historical-location-auto-creation",
    "create-update-delete/historical-location-manual-creation", "create-update-delete/update-entity-put",
    "create-update-delete/update-entity-jsonpatch",
)  # fmt: skip
CREATE, UPDATES = "create-observations-via-mqtt/observations-creation", "receive-updates-via-mqtt/receive-updates"
CONTROL = "entity-control-information/common-control-information"
# 1.0 (15-078r6) names properties and relations of each entity.
TASKING = "http://www.opengis.net/spec/iot_tasking/1.0/req/"
TASKS = ("tasking-capability", "task", "actuator", "create-tasks", "receive-updates-via-mqtt")
CONFORMANCE = {
    "v1.1": [
        SENSING.format("1.1") + name
        for name in (*(f"datamodel/{name}" for name in MODEL), f"datamodel/{CONTROL}", *BOTH, *NEW, CREATE, UPDATES)
    ]
    + [TASKING + name for name in TASKS],
    "v1.0": [
        SENSING.format("1.0") + name
        for name in (*(f"{name}/{part}" for name in MODEL for part in ("properties", "relations")), CONTROL, *BOTH)
    ],
}


def page(root: str) -> dict[str, Any]:
    """What the service says of itself at that address."""
    version = root.rpartition("/")[2]
    told: dict[str, Any] = {"conformance": CONFORMANCE[version]}
    if version == "v1.1":
        scheme = "mqtts" if settings.CONFIG.tls_cert else "mqtt"
        broker = f"{scheme}://{urlsplit(root).hostname}:{settings.CONFIG.mqtt_port}"
        told |= {SENSING.format("1.1") + name: {"endpoints": [broker]} for name in (CREATE, UPDATES)}
    return {"value": [{"name": name, "url": f"{root}/{name}"} for name in SETS], "serverSettings": told}
