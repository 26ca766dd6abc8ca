"""Extents of Datastreams in result time and space, kept with the latest value."""

from __future__ import annotations

from django.db import migrations, models

import shizhu.kernel.fields

FORWARD = """
CREATE FUNCTION things_geojson(given box) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN given IS NULL THEN NULL
    WHEN e = w AND n = s THEN jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(w, s))
    WHEN e = w OR n = s THEN jsonb_build_object('type', 'LineString', 'coordinates',
      jsonb_build_array(jsonb_build_array(w, s), jsonb_build_array(e, n)))
    ELSE jsonb_build_object('type', 'Polygon', 'coordinates', jsonb_build_array(jsonb_build_array(
      jsonb_build_array(w, s), jsonb_build_array(e, s), jsonb_build_array(e, n), jsonb_build_array(w, n),
      jsonb_build_array(w, s)))) END
  FROM (SELECT (given[0])[0] AS e, (given[0])[1] AS n, (given[1])[0] AS w, (given[1])[1] AS s) c
$$;
UPDATE things_latest l SET result_first = e.result_first, result_last = e.result_last, area = e.area,
  is_home = e.is_home OR EXISTS (SELECT FROM things_day d WHERE d.datastream_id = l.datastream_id)
FROM (
  SELECT o.datastream_id, min(o.first) AS result_first, max(o.last) AS result_last, bool_or(o.feature_id IS NULL) AS is_home,
    box(point(max((b.box[0])[0]), max((b.box[0])[1])), point(min((b.box[1])[0]), min((b.box[1])[1]))) AS area
  FROM (SELECT datastream_id, feature_id, min(result_time) AS first, max(result_time) AS last
        FROM things_observation WHERE verdict <> 3 GROUP BY 1, 2) o
  LEFT JOIN things_featureofinterest g ON g.id = o.feature_id
  LEFT JOIN LATERAL things_box(g.feature) AS b (box) ON g.id IS NOT NULL
  GROUP BY 1
) e WHERE e.datastream_id = l.datastream_id;
"""
BACKWARD = "DROP FUNCTION things_geojson"


class Migration(migrations.Migration):
    dependencies = [("things", "0010_withdrawn")]

    operations = [
        migrations.AddField("latest", "area", shizhu.kernel.fields.BoxField(null=True)),
        migrations.AddField("latest", "is_home", models.BooleanField(default=False)),
        migrations.AddField("latest", "result_first", models.DateTimeField(null=True)),
        migrations.AddField("latest", "result_last", models.DateTimeField(null=True)),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
