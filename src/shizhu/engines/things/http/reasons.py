"""Why input was refused, in the reader's language. Codecs and ingest say it in English; `%s` stands for what varies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from shizhu.lib.times import parse_duration

STATE_NAMES = {
    "online": gettext_lazy("online"),
    "late": gettext_lazy("late"),
    "silent": gettext_lazy("silent"),
    "off": gettext_lazy("switched off"),
}
PROBLEMS = {
    "any": gettext_lazy("anything wrong"),
    "no-data": gettext_lazy("no data"),
    "clock": gettext_lazy("clock"),
    "unit": gettext_lazy("wrong unit suspected"),
    "gaps": gettext_lazy("gaps"),
    "battery": gettext_lazy("battery"),
    "refused": gettext_lazy("much refused"),
    "calibration": gettext_lazy("calibration ends"),
}
REASONS = (
    gettext_noop("%s by HJ 212 Appendix A (this is Modbus CRC-16)"),
    gettext_noop("%s by HJ 212 Appendix A"),
    gettext_noop("%s characters of data segment (this counts bytes)"),
    gettext_noop("%s characters of data segment"),
    gettext_noop("## and 4 decimal digits"),
    gettext_noop("0..11: version 2005, 2017 or 2025 with bits D and A"),
    gettext_noop("1..PNUM (%s)"),
    gettext_noop("14 characters (2005 edition)"),
    gettext_noop("14 digits YYYYMMDDhhmmss, a real time"),
    gettext_noop("17 digits YYYYMMDDhhmmsszzz"),
    gettext_noop("2 digits or capital letters"),
    gettext_noop("24 digits 0-9 A-F (EPC-96)"),
    gettext_noop("4 digits"),
    gettext_noop("4 hexadecimal digits"),
    gettext_noop("6 characters"),
    gettext_noop("CP=&&…&& ends the data segment"),
    gettext_noop("MN and PW must be those of a registered, enabled device"),
    gettext_noop("a device must be registered and enabled before it sends"),
    gettext_noop("a device must be registered before it sends"),
    gettext_noop("a factor and one of %s"),
    gettext_noop("a field of Table 3"),
    gettext_noop("a key is made of letters, digits and '-'"),
    gettext_noop("a number %s"),
    gettext_noop("a number"),
    gettext_noop("a reading's time must not lie in the future"),
    gettext_noop("a result must be a number between -1e18 and 1e18"),
    gettext_noop("a row is a list of %s components"),
    gettext_noop("a result of this property must be a number"),
    gettext_noop("a time must lie between %s and %s"),
    gettext_noop("a time needs its zone, such as +08:00 or Z"),
    gettext_noop("a whole number"),
    gettext_noop("a value holds no ; , && ## CR LF"),
    gettext_noop("a result of this MultiDatastream is a list of %s, one for each ObservedProperty"),
    gettext_noop("an Observation is a JSON object with a result"),
    gettext_noop("an Observation is JSON, sent to v1.1/Datastreams(id)/Observations or naming its Datastream"),
    gettext_noop("an interval must not end before it begins"),
    gettext_noop("an upload of values: %s"),
    gettext_noop("at most %s characters"),
    gettext_noop("bit D is 1 exactly when PNUM and PNO are present"),
    gettext_noop("hexadecimal digits are capital letters"),
    gettext_noop("it cannot be decoded: %s"),
    gettext_noop("it is named by its @iot.id, a whole number"),
    gettext_noop("items are key=value without blanks around them"),
    gettext_noop("items are key=value"),
    gettext_noop("must be a JSON object"),
    gettext_noop("must be an ISO 8601 time with zone, or two with / between"),
    gettext_noop("must be given, because the Datastream's Thing has no Location to make one from"),
    gettext_noop("must be present in the %s edition"),
    gettext_noop("must be present"),
    gettext_noop("once only, first was %s"),
    gettext_noop("stands with PNO (%s)"),
    gettext_noop("telemetry is {time, values} or a list of such"),
    gettext_noop("text is UTF-8 or GB 18030"),
    gettext_noop("text is UTF-8"),
    gettext_noop("text"),
    gettext_noop("the database cannot keep it: %s"),
    gettext_noop("the device's profile has no such channel"),
    gettext_noop("the device's profile has no such property"),
    gettext_noop("the frame ends in CR LF"),
    gettext_noop("the right %s is missing here"),
    gettext_noop("there is no such Datastream, or its device is switched off"),
    gettext_noop("there is no such FeatureOfInterest"),
    gettext_noop("the JSON text is cut off before its end"),
    gettext_noop("it is not JSON from byte %s on"),
    gettext_noop("times are ISO 8601 with zone, such as 2026-06-01T08:00:00+08:00"),
    gettext_noop("true or false"),
    gettext_noop("value %s of the result must be %s, or null"),
)
_PATTERNS = tuple((re.compile(re.escape(text).replace("%s", "(.+)")), text) for text in REASONS)


def in_words(rule: str) -> str:
    """The broken rule in the language in force; one that nobody listed stays as it is."""
    for pattern, text in _PATTERNS:
        found = pattern.fullmatch(rule)
        if found:
            return _(text) % tuple(map(in_words, found.groups())) if found.groups() else _(text)
    return rule


def doubt(reason: Mapping[str, Any] | None) -> str:
    """Why a reading is not good, in the language in force; nothing where it was not kept."""
    reason = reason or {}
    value, limit = reason.get("value"), reason.get("limit")
    match reason.get("rule"):
        case "range":
            ends = ["" if end is None else f"{end:g}" for end in limit or ()]
            return _("outside the believable range %s") % "～".join(ends)
        case "rate":
            told = {"value": f"{value:g}", "limit": f"{limit:g}", "per": in_time(reason["per"])}
            return _("changes by %(value)s in %(per)s, at most %(limit)s is believable") % told
        case "spike":
            told = {"value": f"{value:g}", "limit": f"{limit:g}"}
            return _("lies %(value)s away from the readings before, at most %(limit)s is believable") % told
        case "maintenance":
            return _("made during maintenance")
        case "stuck":
            return _("has stayed the same for %(value)s, longer than is believable") % {"value": in_time(str(value))}
        case "device":
            return _("the device itself doubts it")
    return ""


def in_time(duration: str) -> str:
    """An ISO 8601 duration in words."""
    minutes, seconds = divmod(round(parse_duration(duration).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, _("%s h")), (minutes, _("%s min")), (seconds, _("%s s")))
    return " ".join(words % number for number, words in parts if number)
