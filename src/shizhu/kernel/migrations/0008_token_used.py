"""When an API key was last used."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0007_notices")]

    operations = [migrations.AddField(model_name="token", name="used", field=models.DateTimeField(null=True))]
