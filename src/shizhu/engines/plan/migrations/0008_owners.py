import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

INSERTED = 'INSERT INTO "plan_ownerevent" ("at", "clause_id", "id", "is_lead", "organisation_id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "printed", "state") VALUES (NEW."at", NEW."clause_id", NEW."id", NEW."is_lead", NEW."organisation_id", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."printed", NEW."state"); RETURN NULL;'


class Migration(migrations.Migration):
    """Who leads or assists in a clause is its owner; a duty is that of the roster."""

    dependencies = [("plan", "0007_collecting")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="duty", name="insert_insert"),
        pgtrigger.migrations.RemoveTrigger(model_name="duty", name="update_update"),
        migrations.RemoveConstraint(model_name="duty", name="duty_once"),
        migrations.RenameModel("Duty", "Owner"),
        migrations.RenameModel("DutyEvent", "OwnerEvent"),
        migrations.AlterField(
            "owner",
            "clause",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="owners", to="plan.clause"),
        ),
        migrations.AddConstraint(
            "owner", models.UniqueConstraint(fields=("clause", "organisation"), name="owner_once")
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="owner",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func=INSERTED,
                    hash="6b6b4b92792ef41f14596ab0ea317e9bfd9b5e98",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f76c6",
                    table="plan_owner",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="owner",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func=INSERTED.replace("'insert'", "'update'"),
                    hash="1f12f546ff435369e0abaf0731d221f8519d15a7",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c4b98",
                    table="plan_owner",
                    when="AFTER",
                ),
            ),
        ),
    ]
