"""Features are found by the box of their GeoJSON."""

from django.db import migrations

FORWARD = r"""
CREATE FUNCTION things_box(given jsonb) RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT box(point(max(x), max(y)), point(min(x), min(y))) FROM (
    SELECT (at -> 0)::text::float8 AS x, (at -> 1)::text::float8 AS y FROM jsonb_path_query(
      CASE WHEN given ->> 'type' = 'Feature' THEN given -> 'geometry' ELSE given END,
      'strict $.**.coordinates.** ? (@.type() == "array" && @[0].type() == "number" && @[1].type() == "number")',
      '{}', true) at
  ) positions
$$;
CREATE INDEX feature_box ON things_featureofinterest USING gist (things_box(feature));
"""
BACKWARD = "DROP INDEX feature_box; DROP FUNCTION things_box"


class Migration(migrations.Migration):
    dependencies = [("things", "0007_archive")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
