"""What a copied row of an observation leaves out: its id, its sequence, when it is committed."""

from django.db import migrations

FORWARD = """
ALTER TABLE things_observation ALTER id SET DEFAULT nextval('things_observation_seq'), ALTER sequence SET DEFAULT 0,
  ALTER known_at SET DEFAULT now();
"""
BACKWARD = """
ALTER TABLE things_observation ALTER id DROP DEFAULT, ALTER sequence DROP DEFAULT, ALTER known_at DROP DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("things", "0004_quality")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
