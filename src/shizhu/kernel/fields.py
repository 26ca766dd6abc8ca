"""Database field types that Django lacks: geometry without PostGIS."""

from __future__ import annotations

import json
from typing import Any

import shapely
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Json
from shapely.geometry.base import BaseGeometry


class GeometryField(models.BinaryField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A shapely geometry in WGS 84 kept as WKB; searched by a `BoxField` beside it, decided exactly by shapely."""

    def from_db_value(self, value: memoryview | bytes | None, *_: Any) -> BaseGeometry | None:
        """WKB to shapely."""
        return None if value is None else shapely.from_wkb(bytes(value))

    def get_prep_value(self, value: Any) -> bytes | None:
        """Shapely to WKB."""
        return shapely.to_wkb(value) if isinstance(value, BaseGeometry) else value


class BoxField(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """PostgreSQL's native `box` as (west, south, east, north); indexable by GiST, compared with `&&`."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # Django's signature
        """The native type."""
        return "box"

    def from_db_value(self, value: str | None, *_: Any) -> tuple[float, float, float, float] | None:
        """'(x2,y2),(x1,y1)' to (west, south, east, north)."""
        if value is None:
            return None
        east, north, west, south = (float(n) for n in value.replace("(", "").replace(")", "").split(","))
        return west, south, east, north

    def get_prep_value(self, value: Any) -> str | None:
        """(west, south, east, north) to PostgreSQL's text form."""
        return None if value is None else "({2},{3}),({0},{1})".format(*value)


class LexemesField(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """PostgreSQL's `tsvector` in its text form (`'a' 'b'`); searched by `@@`."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # Django's signature
        """The native type."""
        return "tsvector"


class OrderedJSONField(models.JSONField):
    """JSON that keeps the order of its keys (PostgreSQL's `json`): what people declared in an order is shown in it."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """`json` instead of `jsonb`."""
        return "json"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Sent as `json`: Django would send `jsonb`, which sorts the keys."""
        return value if value is None or hasattr(value, "as_sql") else Json(value, self._dumps)

    def _dumps(self, value: Any) -> str:
        return json.dumps(value, cls=self.encoder, ensure_ascii=False)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """The driver reads `json` itself; Django reads text."""
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value


def box_of(geometry: BaseGeometry | None) -> tuple[float, float, float, float] | None:
    """Bounds to store beside a geometry; None for none or empty."""
    if geometry is None or geometry.is_empty:
        return None
    west, south, east, north = geometry.bounds
    return west, south, east, north
