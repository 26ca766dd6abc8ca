"""States of cases in the form of our own token game: places instead of what SpiffWorkflow kept."""

from django.db import migrations
from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


def places(rows, within, lines, made):
    """Places of [spec, Spiff's state, spec before, rows inside, number of the token], and of those inside."""
    found = []
    for spec, _state, origin, inside, number in rows:
        made[0] += 1
        place = {"n": made[0], "at": spec.removeprefix("#"), "within": within}
        if origin:
            place["via"] = lines[origin.removeprefix("#"), place["at"]]
        if number:
            place["order"] = number
        found.append(place)
        if inside is not None:
            found += places(inside, place["n"], lines, made)
    return found


def forward(apps, schema_editor):
    texts = {}
    for case in apps.get_model("cases", "Case").objects.exclude(state__has_key="born").iterator():
        version = case.flow, case.digest
        if version not in texts:
            row = apps.get_model("cases", "FlowVersion").objects.get(key=case.flow, digest=case.digest)
            root = etree.fromstring(row.xml.encode(), etree.XMLParser(resolve_entities=False))
            texts[version] = {
                (x.get("sourceRef"), x.get("targetRef")): x.get("id") for x in root.iter(f"{BPMN}sequenceFlow")
            }
        state, made = case.state, [0]
        marking = places(state["marking"], 0, texts[version], made)
        given = {}
        for answer in state["document"]["answers"].values():
            given |= answer
        state.pop("tokens", None)
        root = [{"n": 0, "at": "", "within": -1}] if marking else []
        case.state = {**state, "born": made[0], "given": given, "marking": root + marking}
        case.save(update_fields=["state"])


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_waits")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
