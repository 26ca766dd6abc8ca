"""What the map's script says, in the language in force."""

from __future__ import annotations

from django.utils.translation import gettext as _


def all_words() -> dict[str, str]:
    """name → text. `{}` stands for what the script puts in."""
    return {
        "map": _("One map"),
        "zoomIn": _("Zoom in"),
        "zoomOut": _("Zoom out"),
        "close": _("Close"),
        "simulated": _("simulated"),
        "replayed": _("replayed"),
        "doubtful": _("doubtful"),
        "noValue": _("no value yet"),
        "empty": _("Nothing to show in the layers chosen."),
        "source": _("Source"),
        "details": _("Details"),
        "file": _("File"),
        "areas": _("Areas"),
        "live": _("live"),
        "lost": _("connection lost, trying again"),
        "failed": _("The server did not answer. Try again."),
        "nothingFound": _("Nothing has these words. Try a part of the name, a code, or longitude, latitude."),
        "distance": _("Distance"),
        "perimeter": _("Perimeter"),
        "surface": _("Surface"),
        "hintLine": _("Click along the way. A double click or Enter ends it, Esc drops it."),
        "hintPolygon": _("Click the corners. A double click or Enter closes it, Esc drops it."),
        "hintBox": _("Click two corners that lie opposite. Esc drops it."),
        "hintCircle": _("Click the centre, then the edge. Esc drops it."),
        "selected": _("{} in the area chosen"),
        "nothingInside": _("Nothing of the layers lies in it."),
        "export": _("Excel file"),
        "more": _("{} more are in the Excel file"),
        "here": _("What is here?"),
        "upstream": _("Upstream of here"),
        "downstream": _("Downstream of here"),
        "circle2": _("Within 2 km of here"),
        "copy": _("Copy the coordinates"),
        "copied": _("Copied"),
        "noFlow": _("Nothing that flows is on the map within 2 km of here."),
        "nearest": _("Nearest"),
        "inside": _("Lies in"),
        "beside": _("Within 500 m of it"),
        "legend": _("Legend"),
        "north": _("N"),
        "title": _("Title"),
        "asOf": _("As of {}"),
        "replay": _("As it was"),
        "print": _("Print"),
        "printHead": _("Print on A3"),
        "printHint": _("Type a title; the map can be moved and zoomed."),
        "printed": _("Printed by {}, {}"),
        "hasSimulated": _("Holds simulated data"),
    }
