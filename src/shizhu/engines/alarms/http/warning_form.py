"""The form of a message of a warning, and the content that it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.models import LEVEL_CHOICES
from shizhu.engines.alarms.warnings import beyond, drafting
from shizhu.kernel import packs
from shizhu.kernel.models import Area
from shizhu.kernel.text import label, named
from shizhu.lib.times import YEARS
from shizhu.wire import cap

TIME = "%Y-%m-%dT%H:%M"
WORDS = {
    "Actual": _("real"), "Exercise": _("exercise"), "Test": _("test of the system"), "Public": _("public"),
    "Restricted": _("restricted"), "Immediate": _("at once"), "Expected": _("within the hour"),
    "Future": _("in the near future"), "Unknown": _("unknown"), "Observed": _("observed"), "Likely": _("likely"),
    "Possible": _("possible"), "Unlikely": _("unlikely"), "Geo": _("geology"), "Met": _("weather"),
    "Safety": _("public safety"), "Security": _("security"), "Rescue": _("rescue"), "Fire": _("fire"),
    "Health": _("health"), "Env": _("environment"), "Transport": _("transport"), "Infra": _("infrastructure"),
    "CBRNE": _("dangerous substances"), "Other": _("other"), "Shelter": _("take shelter"), "Evacuate": _("leave"),
    "Prepare": _("prepare"), "Execute": _("carry out the plan"), "Avoid": _("keep away"), "Monitor": _("stay informed"),
    "Assess": _("judge the danger"), "None": _("nothing to do"),
}  # fmt: skip
LINES = {"rows": 3}
LONG: dict[str, Any] = {"max_length": 5000, "widget": forms.Textarea(attrs=LINES)}
TIME_ATTRS = {"type": "datetime-local"}


def _of_our_time(moment: datetime) -> None:
    if moment.year not in YEARS:
        raise forms.ValidationError(_("Choose a year between 1900 and 2199."))


def _choices(*values: str) -> list[tuple[str, Any]]:
    return [(value, WORDS[value]) for value in values]


class _Decoder(json.JSONDecoder):
    """What is nested too deep to be read is no JSON either."""

    def decode(self, s: str, *more: Any) -> Any:
        """The value. Raises JSONDecodeError."""
        try:
            return super().decode(s, *more)
        except RecursionError:
            raise json.JSONDecodeError("nested too deep", s[:60], 0) from None


class WarningForm(forms.Form):
    """Everything that a message says; texts in both languages, places by name or by a shape."""

    shown = forms.JSONField(
        required=False, decoder=_Decoder, widget=forms.HiddenInput
    )  # of what the words on the page were made
    kind = forms.ChoiceField(label=_("Kind of warning"), required=False)
    level = forms.ChoiceField(label=_("Level"), choices=LEVEL_CHOICES, widget=forms.RadioSelect)
    areas = forms.MultipleChoiceField(label=_("Towns"), required=False, widget=forms.CheckboxSelectMultiple)
    polygon = forms.CharField(label=_("Or a shape"), required=False, widget=forms.Textarea(attrs=LINES))
    beyond = forms.ChoiceField(
        label=_("What is meant?"), required=False, widget=forms.RadioSelect,
        choices=[("add", _("warn the towns it reaches too")), ("cut", _("cut it to the towns chosen")),
                 ("keep", _("keep it as it is, because"))],
    )  # fmt: skip
    beyond_why = forms.CharField(label=_("Why it reaches beyond"), required=False, max_length=200)
    event_zh = forms.CharField(label=_("Event, Chinese"), max_length=60)
    event_en = forms.CharField(label=_("Event, English"), max_length=80)
    headline_zh = forms.CharField(label=_("Headline, Chinese"), max_length=160)
    headline_en = forms.CharField(label=_("Headline, English"), max_length=160)
    description_zh = forms.CharField(label=_("What happens, Chinese"), **LONG)
    description_en = forms.CharField(label=_("What happens, English"), **LONG)
    instruction_zh = forms.CharField(label=_("What to do, Chinese"), **LONG)
    instruction_en = forms.CharField(label=_("What to do, English"), **LONG)
    spoken = forms.CharField(
        label=_("What loudspeakers say"), required=False, widget=forms.Textarea(attrs={"rows": 4, "lang": "zh-Hans"})
    )
    onset = forms.DateTimeField(
        label=_("Begins"), required=False, widget=forms.DateTimeInput(TIME_ATTRS, TIME), validators=[_of_our_time]
    )
    expires = forms.DateTimeField(
        label=_("Valid until"), widget=forms.DateTimeInput(TIME_ATTRS, TIME), validators=[_of_our_time]
    )
    status = forms.ChoiceField(label=_("Real or exercise"), choices=_choices("Actual", "Exercise", "Test"))
    scope = forms.ChoiceField(label=_("Who may read it"), choices=_choices("Public", "Restricted"))
    restriction = forms.CharField(label=_("Restricted to"), required=False, max_length=120)
    urgency = forms.ChoiceField(label=_("Urgency"), choices=_choices("Immediate", "Expected", "Future", "Unknown"))
    certainty = forms.ChoiceField(
        label=_("Certainty"), choices=_choices("Observed", "Likely", "Possible", "Unlikely", "Unknown")
    )
    categories = forms.MultipleChoiceField(
        label=_("Categories"), choices=_choices(*cap.CATEGORIES), widget=forms.CheckboxSelectMultiple
    )
    responses = forms.MultipleChoiceField(
        label=_("Kinds of response"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=_choices("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "None"),
    )  # fmt: skip

    def __init__(self, county: str, *given: Any, **named_: Any) -> None:
        super().__init__(*given, **named_)
        self.county = county
        kinds = [(key, label(body["title"])) for key, body in drafting.kinds(county).items()]
        choice, areas = self.fields["kind"], self.fields["areas"]
        choice.choices = [*kinds, ("", _("written by hand"))]  # type: ignore[attr-defined]  # of the choice fields
        rows = Area.objects.filter(county=county, level__in=["county", "town"]).order_by("path")
        areas.choices = [(area.code, named(area)) for area in rows]  # type: ignore[attr-defined]  # as above
        for name, field in self.fields.items():
            if isinstance(field.widget, (forms.TextInput, forms.Textarea, forms.DateTimeInput)):
                field.widget.attrs["class"] = "form-control"
            else:
                is_list = type(field.widget) is forms.Select
                field.widget.attrs["class"] = "form-select" if is_list else "form-check-input"
            field.widget.attrs["lang"] = {"zh": "zh-Hans", "en": "en"}.get(name[-2:], "")

    def clean_shown(self) -> dict[str, Any]:
        """What the page had sent along; nothing of what it cannot have."""
        told = self.cleaned_data["shown"]
        if not isinstance(told, dict) or str(told.get("level")) not in warnings.COLOURS:
            return {}
        codes = told.get("areas")
        is_sound = isinstance(told.get("kind"), str) and isinstance(codes, list) and all(type(c) is str for c in codes)
        try:
            expires = datetime.fromisoformat(told["expires"])
            is_sound &= expires.tzinfo is not None and expires.year in YEARS and packs.is_storable(told)
        except (KeyError, TypeError, ValueError):
            is_sound = False
        return told if is_sound else {}

    def may_lack_words(self) -> None:
        """They are about to be filled in."""
        for name in ("event", *warnings.TEXTS):
            for language in warnings.LANGUAGES:
                self.fields[f"{name}_{language}"].required = False

    def content(self, before: Mapping[str, Any], *, is_kept: bool = True) -> dict[str, Any]:
        """The content of a message; what the form does not ask for is as before. Raises drafting.Refused.

        One that is kept says what is meant where its shape reaches beyond its towns.
        """
        given = self.cleaned_data
        ring = drafting.shape_of(given["polygon"])
        if ring and not given["areas"]:
            met = drafting.met(self.county, ring)
            if not met:
                raise drafting.Refused(("polygon", given["polygon"][:60], str(_("meets no town of this county"))))
            given["areas"] = [area.code for area in met]
        why = self._placed(ring) if ring and is_kept else None
        both = ("event", *warnings.TEXTS)
        return {
            **before,
            **{name: given[name] for name in ("kind", "level", "areas", "status", "scope", "urgency")},
            "restriction": _plain(given["restriction"]),
            **{name: given[name] for name in ("certainty", "categories", "responses")},
            **{name: {key: _plain(given[f"{name}_{key}"]) for key in warnings.LANGUAGES} for name in both},
            "polygon": given.get("ring", ring),
            "beyond": why,
            "spoken": _plain(given["spoken"]).replace("\n", ""),
            **{name: _text(given[name]) for name in ("onset", "expires")},
        }

    def _placed(self, ring: list[list[float]]) -> dict[str, Any] | None:
        """Towns added or the shape cut as chosen; why it reaches beyond, None where it does not. Raises Astray."""
        given = self.cleaned_data
        found = beyond.find(self.county, ring, given["areas"])
        if found and given["beyond"] == "add":
            given["areas"] += [town.code for town in found.towns]
            found = beyond.find(self.county, ring, given["areas"])
        if found and given["beyond"] == "cut":
            given["ring"] = beyond.cut(self.county, ring, given["areas"])
            if given["ring"] is None:
                rule = _("leaves no single piece in the towns chosen: choose other towns, or draw it anew")
                raise beyond.Astray(found, str(rule))
            return None
        why = _plain(given["beyond_why"]) if given["beyond"] == "keep" else ""
        if found and not why:
            raise beyond.Astray(found)
        return {"why": why, "percent": found.percent} if found else None


def _plain(text: str) -> str:
    """Without characters that XML does not have, such as the line breaks that come along from a word processor."""
    return cap.NO_XML.sub("\n", text).strip()


def _text(moment: datetime | None) -> str | None:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else None


def initial(told: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of a content."""
    texts = {f"{n}_{key}": told[n][key] for n in ("event", *warnings.TEXTS) for key in warnings.LANGUAGES}
    ring = ";".join(f"{x},{y}" for x, y in told["polygon"]) if told.get("polygon") else ""
    shown = {name: told[name] for name in drafting.WORDED}
    why = (told.get("beyond") or {}).get("why", "")
    return {
        **told,
        **texts,
        "shown": shown,
        "beyond": "keep" if why else "",
        "beyond_why": why,
        "polygon": ring,
        **{name: warnings.time(told[name]) for name in ("onset", "expires")},
    }
